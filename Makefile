.PHONY: install demo test test-unit test-simulation test-streams test-integration test-chaos test-ops test-long test-containers chaos rolling up down lint format lock docs clean

PYTHON ?= python3
BIN := .venv/bin
SEED ?= 1
MINUTES ?= 10
BROKERS ?= 1
# Where it is set each of some hundred processes that the tests start would compile its modules anew.
unexport PYTHONDONTWRITEBYTECODE

install: .venv/installed

.venv/installed: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: install
	$(BIN)/trappetrin demo --install

up: install
	$(BIN)/trappetrin up --install

down: install
	$(BIN)/trappetrin down

test: install lint test-unit test-simulation test-streams test-integration test-chaos test-ops

test-unit: install
	$(BIN)/pytest --numprocesses auto tests/unit tests/contract

test-simulation: install
	$(BIN)/pytest --numprocesses auto tests/simulation

test-streams: install
	$(BIN)/pytest --numprocesses auto tests/streams

test-integration: install
	$(BIN)/pytest --numprocesses auto --dist loadfile tests/integration
	$(BIN)/pytest --numprocesses auto --dist loadfile tests/e2e

test-chaos: install
	$(BIN)/pytest tests/chaos/test_crash_points.py tests/chaos/test_ledger.py

chaos: install
	$(BIN)/python -m tests.chaos.run --seed $(SEED) --minutes $(MINUTES) --brokers $(BROKERS)

rolling: install
	$(BIN)/python -m tests.chaos.rolling --seed $(SEED)

test-ops: install
	$(BIN)/pytest -k "not pictures" tests/ops/test_rules.py tests/ops/test_panels.py tests/containers/test_files.py

test-long: install
	$(BIN)/pytest tests/chaos tests/ops

test-containers: install
	$(BIN)/python -m tests.containers.engine
	$(BIN)/pytest tests/containers

.env:
	$(PYTHON) -m deploy.containers.env

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m shared.events.schemas --check
	$(BIN)/python -m shared.events.asyncapi --check
	$(BIN)/python -m deploy.grafana --check
	$(BIN)/python -m shared.configuration --check

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install
	$(BIN)/python -m shared.events.schemas
	$(BIN)/python -m shared.events.asyncapi
	$(BIN)/python -m deploy.grafana
	$(BIN)/python -m shared.configuration

lock: install
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 requirements-dev.in -o requirements-dev.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -c requirements-dev.lock requirements.in -o requirements.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 requirements-java.in -o requirements-java.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -c requirements-dev.lock requirements-build.in -o requirements-build.lock

"""`python -m shared.configuration [--check]`: docs/configuration.md from the settings model, or whether it differs."""

import sys
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from shared.settings import Settings

FILE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
TEXT = """# Configuration

A service process takes its settings from its environment, and from nowhere else; all four services know the same. This
page is generated from the model (`shared/settings.py`) by `make docs`. Times are seconds. A value that breaks its rule
ends the process at its start, with the name of the variable and the rule, and without the value.

| variable | default | rule | what it is |
|---|---|---|---|
{rows}

Where traces are on (`TRAPPETRIN_TRACES`), OpenTelemetry's own variables say the rest; these most of all:

| variable | default | what it is |
|---|---|---|
| `OTEL_EXPORTER_OTLP_ENDPOINT` | `http://localhost:4318` | the collector; spans go to its `/v1/traces` by HTTP |
| `OTEL_EXPORTER_OTLP_HEADERS` | none | what it must be told, `authorization=Basic%20…` |
| `OTEL_TRACES_SAMPLER` | `parentbased_always_on` | `parentbased_traceidratio`: a part of the traces that begin here |
| `OTEL_TRACES_SAMPLER_ARG` | `1.0` | which part |
| `OTEL_BSP_MAX_QUEUE_SIZE` | `2048` | spans that wait for the collector; more are dropped, and a line is logged |
| `OTEL_RESOURCE_ATTRIBUTES` | none | what stands on every span, `deployment.environment=test` |

The console and the local stack know these besides:

| variable | default | what it is |
|---|---|---|
| `TRAPPETRIN_HOME` | `.local` in the repository | where `trappetrin up` keeps ports, data and logs |
| `TRAPPETRIN_CACHE` | `.local/cache` in the repository | what is fetched once and serves every local stack |
| `TRAPPETRIN_KAFKA` | the local stack's | where the console finds Kafka; then the two below too |
| `TRAPPETRIN_URLS` | the local stack's | the services, `ingest=http://…,quota=http://…` |
| `TRAPPETRIN_DATABASE` | the local stack's | what some commands ask or change; they say so where it is missing |
| `TRAPPETRIN_OPERATOR` | the login name | who is written down with what is changed, as by `--by` |

Settings that are in the environment of `trappetrin up`, `OTEL_…` among them, reach the processes that it starts.
"""
RULES = {
    "exclusiveMinimum": "above {}",
    "minimum": "{} or more",
    "exclusiveMaximum": "below {}",
    "maximum": "{} at the most",
    "pattern": "`{}`",
}


def page() -> str:
    schema = Settings.model_json_schema()["properties"]
    return TEXT.format(rows="\n".join(row(name, schema[name]) for name in Settings.model_fields))


def row(name: str, schema: dict[str, Any]) -> str:
    default = Settings.model_fields[name].default
    shown = "none: it must be given" if default is PydanticUndefined else f"`{default}`"
    limits = {key: schema[key] for key in RULES if key in schema}
    told = {key: f"{limit:g}" if isinstance(limit, float) else limit for key, limit in limits.items()}
    rules = ", ".join(RULES[key].format(limit) for key, limit in told.items()).replace("|", "\\|") or "–"
    return f"| `TRAPPETRIN_{name.upper()}` | {shown} | {rules} | {schema['description']} |"


def main() -> None:
    if "--check" not in sys.argv[1:]:
        FILE.write_text(page(), encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != page():
        sys.exit(f"{FILE} is not as the model has it: run `make docs`")


if __name__ == "__main__":
    main()

"""Prometheus' and Alertmanager's own programs, which these tests run; installed where they are missing."""

import pytest

from deploy.local import monitoring


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    monitoring.ensure_programs(install=True, say=lambda _line: None)

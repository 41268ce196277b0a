"""`trappetrin setup`: tables and topics where the environment says, for those who start the services themselves."""

import typer

from shared.database.migrations import migrate
from shared.runtime.admin import ensure_internal_topics
from shared.settings import from_environment


def setup() -> None:
    """Create the tables and topics that are missing in TRAPPETRIN_DATABASE and TRAPPETRIN_KAFKA. Safe to repeat."""
    settings = from_environment()
    for name in migrate(settings.database):
        typer.echo(f"migrated {name}")
    for name in ensure_internal_topics(settings.kafka):
        typer.echo(f"created topic {name}")

"""`trappetrin setup`: tables and topics where the environment says, for those who start the services themselves."""

import typer

from services.cli.system import asking_the_database
from shared.database.migrations import migrate
from shared.runtime.admin import ensure_internal_topics
from shared.settings import from_environment


def setup() -> None:
    """Create the tables and topics that are missing in TRAPPETRIN_DATABASE and TRAPPETRIN_KAFKA. Safe to repeat."""
    settings = from_environment()
    with asking_the_database(settings.database):
        done = migrate(settings.database)
    for name in done:
        typer.echo(f"migrated {name}")
    for name in ensure_internal_topics(settings.kafka):
        typer.echo(f"created topic {name}")

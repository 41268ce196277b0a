"""`trappetrin setup`: tables and topics where the environment says, for those who start the services themselves."""

from enum import StrEnum
from typing import Annotated

import typer

from shared.database.migrations import migrate
from shared.runtime.admin import ensure_internal_topics
from shared.settings import from_environment


class Part(StrEnum):
    tables = "tables"
    topics = "topics"


def setup(
    only: Annotated[Part | None, typer.Option(help="Only these; both when not given.")] = None,
) -> None:
    """Create the tables and topics that are missing in TRAPPETRIN_DATABASE and TRAPPETRIN_KAFKA. Safe to repeat."""
    settings = from_environment()
    for name in migrate(settings.database) if only is not Part.topics else ():
        typer.echo(f"migrated {name}")
    for name in ensure_internal_topics(settings.kafka) if only is not Part.tables else ():
        typer.echo(f"created topic {name}")

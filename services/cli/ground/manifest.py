"""What a backup says of itself: when, by which release, what every table held."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient
from pydantic import BaseModel, ConfigDict, ValidationError

from services.cli.ground.dumping import Content, hash_of
from services.cli.ground.reading import Impossible
from services.cli.system import System
from shared.database.migrations import FOLDERS, migrations
from shared.events.topics import is_ours

MANIFEST, DUMP = "manifest.json", "database.dump"


class Manifest(BaseModel):
    """`tables`: rows and hash; `topics`: the broker's own id of each, which changes when one is made anew; `sha256`: of
    the dump's bytes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = 1
    at: datetime
    release: str
    migrations: dict[str, list[str]]
    tables: dict[str, Content]
    topics: dict[str, str]
    sha256: str
    bytes: int


def read(folder: Path) -> Manifest:
    """Of a backup that is whole. Raises `Impossible`."""
    try:
        told = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise Impossible(f"{folder} is no backup: it has no {MANIFEST}") from error
    except ValidationError as error:
        raise Impossible(f"{folder / MANIFEST} is none of ours: {error.errors()[0]['msg']}") from error
    dump = folder / DUMP
    if not dump.exists() or hash_of(dump) != told.sha256:
        raise Impossible(f"{dump} is not as it was written: its hash is not the one in {MANIFEST}")
    for schema, names in told.migrations.items():
        if newer := sorted(set(names) - ({m.name for m in migrations(schema)} if schema in FOLDERS else set())):
            raise Impossible(
                f"the backup has {schema}/{newer[0]}, which this release does not know: install a newer one"
            )
    return told


def ids_of(system: System) -> dict[str, str]:
    """The broker's own id of every topic of ours."""
    admin = AdminClient({"bootstrap.servers": ",".join(system.kafka)})
    names = list(filter(is_ours, admin.list_topics(timeout=30).topics))
    if not names:
        return {}
    found = admin.describe_topics(TopicCollection(names), request_timeout=30)
    return {name: str(future.result().topic_id) for name, future in found.items()}


def changed(told: Manifest, now: Mapping[str, str]) -> list[str]:
    """Which of our topics are not those that they were, and how."""
    return [
        f"{name} was made anew" if name in now else f"{name} is gone"
        for name, id_ in sorted(told.topics.items())
        if is_ours(name) and now.get(name) != id_
    ]

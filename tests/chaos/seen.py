"""The running system as an audit sees it at the end: its state, its rows, and all that lies in its topics.

What only shows at the moment when it happens, the database itself notes down.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import asyncpg

from services.cli.log import Log, record_of
from services.cli.state import current
from services.cli.system import System
from shared.events.topics import SERVICES
from shared.runtime.views import State

KEYED = ("classifier", "quota", "matching")
READ = {
    **{
        f"{s}.{table}": f"SELECT entity, kind, key, version, body::text FROM {s}.{table}"  # noqa: S608 - our own names
        for s in KEYED
        for table in ("fact", "conclusion")
    },
    **{f"{s}.journal": f"SELECT entity, number, hash, body FROM {s}.journal" for s in ("quota", "matching")},  # noqa: S608 - as above
    "ingest.fact": 'SELECT sequence, key, revision, content, parked, topic, partition, "offset" FROM ingest.fact',
    "violation": "SELECT what FROM chaos.violation",
}
WATCH = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.violation (what text);
CREATE FUNCTION chaos.lower() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos.violation VALUES (format('%s.%s %s %s: version %s after %s', TG_TABLE_SCHEMA, TG_TABLE_NAME,
        to_jsonb(NEW)->>'task', to_jsonb(NEW)->>'entity', NEW.version, OLD.version));
    RETURN NEW;
END $$;
CREATE FUNCTION chaos.back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos.violation SELECT format('%s.task %s: %s went from %s back to %s', TG_TABLE_SCHEMA, NEW.task, key,
        value, NEW.offsets->>key)
    FROM jsonb_each_text(OLD.offsets) WHERE coalesce((NEW.offsets->>key)::bigint, -1) < value::bigint;
    RETURN NEW;
END $$;
"""
WATCH_EACH = """
CREATE TRIGGER lower BEFORE UPDATE ON {0}.task FOR EACH ROW WHEN (NEW.version < OLD.version)
    EXECUTE FUNCTION chaos.lower();
CREATE TRIGGER back BEFORE UPDATE ON {0}.task FOR EACH ROW WHEN (NEW.offsets <> OLD.offsets)
    EXECUTE FUNCTION chaos.back();
"""
WATCH_KEYED = """
CREATE TRIGGER lower BEFORE UPDATE ON {0}.fact FOR EACH ROW WHEN (NEW.version < OLD.version)
    EXECUTE FUNCTION chaos.lower();
CREATE TRIGGER lower BEFORE UPDATE ON {0}.conclusion FOR EACH ROW WHEN (NEW.version <= OLD.version)
    EXECUTE FUNCTION chaos.lower();
"""
Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]
"""By the names of `READ`."""


class Lying(NamedTuple):
    """A record of a topic; `place`: topic, partition and offset, as text."""

    place: str
    value: bytes
    headers: Mapping[str, bytes | None]


class Seen(Protocol):
    def state(self) -> State: ...

    def rows(self) -> Rows: ...

    def records(self, wanted: Callable[[str], object]) -> Iterator[Lying]:
        """Whatever lies in the topics whose names are wanted."""


class Live:
    """`Seen` of what runs, once settled."""

    def __init__(self, system: System, dsn: str) -> None:
        self.system, self.dsn = system, dsn

    def state(self) -> State:
        return current(self.system)

    def rows(self) -> Rows:
        async def read() -> Rows:
            connection = await asyncpg.connect(self.dsn)
            try:
                return {name: await connection.fetch(sql) for name, sql in READ.items()}
            finally:
                await connection.close()

        return asyncio.run(read())

    def records(self, wanted: Callable[[str], object]) -> Iterator[Lying]:
        log = Log(self.system, lambda topic: bool(wanted(topic)))
        for message in log.whole():
            place = f"{message.topic()}/{message.partition()}/{message.offset()}"
            yield Lying(place, message.value() or b"", dict(record_of(message).headers))
        log.close()


def watch(dsn: str) -> None:
    """Let the database note every version and every offset that goes back."""

    async def install() -> None:
        connection = await asyncpg.connect(dsn)
        each = [WATCH_EACH.format(s) for s in SERVICES] + [WATCH_KEYED.format(s) for s in KEYED]
        await connection.execute(WATCH + "".join(each))
        await connection.close()

    asyncio.run(install())

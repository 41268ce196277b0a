"""What a run ended in, held against the fold of what was sent: losses, double effects, order violations, dead letters.

Counted after the version filter that every consumer applies. A loss: an accepted fact whose effect is missing from the
final state, or whose version never appeared. A double effect: a fact, receipt or version with two contents, or a state
that differs from the fold. An order violation: a version lower than one already applied.
"""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any

import asyncpg
import orjson

from services.cli.evaluate import Offline
from services.cli.invented.broken import SOURCE
from services.cli.log import Log, record_of
from services.cli.state import current
from services.cli.system import System
from shared.events.decoding import CONCLUSIONS, restore
from shared.events.internal import UNPUBLISHED, AreaNamed, Conclusion, LedgerLine, Life
from shared.events.topics import CONCLUDED, INBOUND_PATTERN, INTERNAL, SERVICES, dead_letters
from shared.runtime.memory import MemoryStore
from tests.chaos.load import Load

KEYED = ("classifier", "quota", "matching")
LETTERS = {dead_letters(s): s for s in SERVICES}
FACTS = sorted(INTERNAL.keys() - LETTERS.keys() - CONCLUDED)
REMEMBERED = {m.kind for m in UNPUBLISHED}
AT_MOST = 10
# Told by the database itself, at the moment when it happens.
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
Slot = tuple[str, str, str]
"""Entity, kind, key."""


@dataclass
class Findings:
    """In words; empty when all holds."""

    losses: list[str] = field(default_factory=list)
    double_effects: list[str] = field(default_factory=list)
    order_violations: list[str] = field(default_factory=list)
    dead_letters: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)

    def told(self) -> dict[str, list[str]]:
        return {f.name.replace("_", " "): getattr(self, f.name) for f in fields(self)}

    @property
    def clean(self) -> bool:
        return not any(self.told().values())


def watch(dsn: str) -> None:
    """Let the database note every version and every offset that goes back."""

    async def install() -> None:
        connection = await asyncpg.connect(dsn)
        each = [WATCH_EACH.format(s) for s in SERVICES] + [WATCH_KEYED.format(s) for s in KEYED]
        await connection.execute(WATCH + "".join(each))
        await connection.close()

    asyncio.run(install())


class Audit:
    """`loads`: what was sent, in the order in which it was. What is found goes into `found`."""

    def __init__(self, system: System, dsn: str, loads: Sequence[Load], found: Findings) -> None:
        self.system, self.dsn = system, dsn
        self.lines = [line for load in loads for line in load.lines]
        self.sent = dict(chain.from_iterable(load.sent.placed.items() for load in loads))
        self.poison = dict(chain.from_iterable(load.poison.placed.items() for load in loads))
        self.offline = Offline()
        self.found = found
        self.rows: dict[str, list[asyncpg.Record]] = {}

    def run(self) -> None:
        asyncio.run(self.fold_and_read())
        self.states()
        self.intake()
        self.facts()
        self.published()
        self.conclusions()
        self.receipts()
        self.letters()
        self.found.order_violations += [r["what"] for r in self.rows["violation"]]

    async def fold_and_read(self) -> None:
        for file, number, text in self.lines:
            self.offline.send(file, number, text, "0851")
        await self.offline.settle()
        self.expected = {**await self.offline.state(), "refused": None}
        connection = await asyncpg.connect(self.dsn)
        for service in KEYED:
            for table in ("fact", "conclusion"):
                self.rows[f"{service}.{table}"] = await connection.fetch(f"SELECT * FROM {service}.{table}")  # noqa: S608 - our own names
        self.rows["quota.journal"] = await connection.fetch("SELECT entity, number, body FROM quota.journal")
        self.rows["intake"] = await connection.fetch("SELECT sequence, key, revision, content FROM ingest.fact")
        self.rows["violation"] = await connection.fetch("SELECT what FROM chaos.violation")
        await connection.close()

    # The final state

    def states(self) -> None:
        live = {**current(self.system), "refused": None}
        for path, expected, found in different(self.expected, live):
            if found is None:
                self.found.losses.append(f"the state has no {path}: {expected}")
            else:
                self.found.double_effects.append(f"the state differs from the fold at {path}: {found}, not {expected}")

    def intake(self) -> None:
        expected = {k.id: k.content for k in self.offline.ingest.facts.values()}
        found = {(r["sequence"], r["key"], r["revision"]): r["content"] for r in self.rows["intake"]}
        self.compare("ingest's facts", expected, found)

    def facts(self) -> None:
        for service, store in zip(KEYED, self.stores(), strict=True):
            expected = {
                (entity, *slot): contents(f.body, f.version)
                for (_, entity), e in store.entities.items()
                for slot, f in e.facts.items()
            }
            found = {
                slot_of(r): contents(restore(r["kind"], r["body"]), r["version"]) for r in self.rows[f"{service}.fact"]
            }
            self.compare(f"{service}'s facts", expected, found)

    def stores(self) -> Iterator[MemoryStore]:
        return (store for _, store in self.offline.services)

    def compare(self, what: str, expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> None:
        self.found.losses += [f"{what} lack {key}" for key in sorted(expected.keys() - found.keys())]
        self.found.double_effects += [f"{what} have {key} besides" for key in sorted(found.keys() - expected.keys())]
        self.found.double_effects += [
            f"{what} have {key} otherwise: {found[key]}, not {expected[key]}"
            for key in sorted(expected.keys() & found.keys())
            if expected[key] != found[key]
        ]

    # The topics

    def whole(self, wanted: Callable[[str], object]) -> Iterator[tuple[str, bytes, dict[str, bytes | None]]]:
        """Place, value and headers of all that lies in them, without what was put there as poison."""
        log = Log(self.system, lambda topic: bool(wanted(topic)))
        for message in log.whole():
            place = f"{message.topic()}/{message.partition()}/{message.offset()}"
            if place not in self.poison:
                yield place, message.value() or b"", dict(record_of(message).headers)
        log.close()

    def published(self) -> None:
        """Every fact that ingest publishes is there, to each partition that it concerns, and each time the same."""
        expected = {
            (topic, partition, dict(record.headers)["ce_id"])
            for (topic, partition), log in self.offline.broker.logs.items()
            if topic in FACTS
            for record in log
        }
        found: dict[Any, set[bytes]] = defaultdict(set)
        for place, value, headers in self.whole(FACTS.__contains__):
            topic, partition, _ = place.split("/")
            named = headers["ce_type"] == b"dk.trappetrin.area.named.v1"  # by every registration of the area anew
            found[topic, int(partition), headers["ce_id"]].add(b"" if named else value)
        self.compare("published facts", dict.fromkeys(expected, 1), {key: len(values) for key, values in found.items()})

    def conclusions(self) -> None:
        """Of each all versions, from the first to the one that is stored, each with one content."""
        found: dict[Slot, dict[int, set[bytes]]] = defaultdict(lambda: defaultdict(set))
        for _, value, headers in self.whole(CONCLUDED.__contains__):
            kind = str((headers["ce_type"] or b"").decode()).removeprefix("dk.trappetrin.").removesuffix(".v1")
            told = CONCLUSIONS[kind].model_validate_json(value)
            found[told.entity(), kind, told.key()][told.version].add(value)
        for service in KEYED:
            for row in self.rows[f"{service}.conclusion"]:
                stored = restore(row["kind"], row["body"])
                assert isinstance(stored, Conclusion)
                if stored.kind in REMEMBERED:
                    continue
                slot = stored.entity(), stored.kind, stored.key()
                self.versions(slot, stored, found.pop(slot, {}))
        for row in self.rows["quota.journal"]:
            published = found.pop((row["entity"], LedgerLine.kind, str(row["number"])), {})
            self.line(
                f"line {row['number']} of {row['entity']}", row["body"].encode(), set().union(*published.values())
            )
        self.found.double_effects += [f"published, but stored nowhere: {slot}" for slot in found]

    def line(self, what: str, stored: bytes, published: set[bytes]) -> None:
        if not published:
            self.found.losses.append(f"{what} was never published")
        elif published != {stored}:
            self.found.double_effects.append(f"{what} was published with another content than it is stored with")

    def versions(self, slot: Slot, stored: Conclusion, published: Mapping[int, set[bytes]]) -> None:
        wanted = range(1, stored.version + 1)
        if missing := set(wanted) - published.keys():
            self.found.losses.append(f"{slot}: versions {sorted(missing)} of {stored.version} never appeared")
        if besides := published.keys() - set(wanted):
            self.found.double_effects.append(
                f"{slot}: versions {sorted(besides)} are published, stored is {stored.version}"
            )
        if twice := sorted(n for n, values in published.items() if len(values) > 1):
            self.found.double_effects.append(f"{slot}: versions {twice} were published with two contents")
        last = published.get(stored.version, set())
        if last and all(type(stored).model_validate_json(v) != stored for v in last):
            self.found.double_effects.append(f"{slot}: version {stored.version} is stored with another content")

    def receipts(self) -> None:
        """Each line has its one fate; what was parked may be released."""
        fates: dict[str, dict[str, set[bytes]]] = defaultdict(lambda: defaultdict(set))
        log = Log(self.system, lambda topic: topic.endswith(".receipts.v1"))
        for message in log.whole():
            told = orjson.loads(message.value() or b"")
            place = f"{told['topic']}/{told['partition']}/{told['offset']}"
            fates[place][told["fate"]].add(message.value() or b"")
        log.close()
        arrived = {place: value for place, value, _ in self.whole(re.compile(INBOUND_PATTERN).fullmatch)}
        self.found.losses += [f"{p} is not what was sent: {v}" for p, v in self.sent.items() if arrived.get(p) != v]
        self.found.losses += [f"{p} has a receipt and is not there" for p in fates.keys() - arrived.keys()]
        self.found.losses += [f"{p} has no receipt: {v}" for p, v in arrived.items() if p not in fates]
        for place, told in fates.items():
            if len(told.keys() - {"released"}) != 1 or ("released" in told and "parked" not in told):
                self.found.double_effects.append(f"{place} has the fates {sorted(told)}")
            if any(len(contents) > 1 for contents in told.values()):
                self.found.double_effects.append(f"{place} has a receipt with two contents")

    def letters(self) -> None:
        """Exactly the poison: what the edge refuses, and what was put into the topics that a service reads."""
        refused = Counter(text for _, _, text in self.lines if orjson.loads(text)["source"] == SOURCE)
        expected = {("ingest", "", text): n for text, n in refused.items()}
        for place, value in self.poison.items():
            for service in INTERNAL[place.split("/")[0]].readers:
                expected[service, place, value] = 1
        seen = set[tuple[str, str, bytes]]()
        for at, value, headers in self.whole(LETTERS.__contains__):
            place = "/".join(
                (headers[f"dead_letter_{part}"] or b"").decode() for part in ("topic", "partition", "offset")
            )
            seen.add((LETTERS[at.split("/")[0]], place, value))
        found = Counter((service, "" if service == "ingest" else place, value) for service, place, value in seen)
        for key in sorted(expected.keys() | found.keys()):
            if expected.get(key, 0) != found[key]:
                self.found.dead_letters.append(f"{key}: {found[key]} dead letters, not {expected.get(key, 0)}")


def slot_of(row: asyncpg.Record) -> Slot:
    return row["entity"], row["kind"], row["key"]


def contents(body: Any, version: int) -> Any:
    """What must be equal: of a fact all, of a conclusion not how often it changed on the way."""
    if isinstance(body, Conclusion):
        told = body.content()
        if isinstance(body, Life):
            del told["findings"]  # they tell of versions
        return told
    return body.area_id if isinstance(body, AreaNamed) else (version, body)


def different(expected: Any, found: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two states differ: path, and what is on either side, None where there is nothing."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for name in sorted(expected.keys() | found.keys()):
            yield from different(expected.get(name), found.get(name), f"{path}/{name}")
    elif expected != found:
        yield path, expected, found

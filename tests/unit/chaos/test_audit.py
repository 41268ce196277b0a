"""The audit of a chaos run over a fold that was tampered with: what is lost or told twice is found, and named."""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import Any

import orjson
import pytest

from services.cli.evaluate import Offline
from services.cli.invented.broken import SOURCE
from shared.events.decoding import dump
from shared.runtime.views import State
from tests.chaos.audit import Audit, Told, send
from tests.chaos.findings import Findings
from tests.chaos.load import Line, lines_of
from tests.chaos.seen import KEYED, Lying, Row, Rows
from tests.chaos.upheaved import upheaved

EVENTS, LATE, LOT = 250, 80, 25
"""Of the load; lines that come before any registration, so that what they tell is parked; at once, on another way."""


class Folded:
    """`Seen` of a fold, as a database and topics would hold it: `Records` by topic and partition."""

    def __init__(self, offline: Offline, state: State) -> None:
        self.shown = state
        self.kept: dict[str, list[dict[str, Any]]] = {"violation": []}
        for service, (_, store) in zip(KEYED, offline.services, strict=True):
            self.kept[f"{service}.fact"] = [
                {"entity": n, "kind": f.kind, "key": f.key, "version": f.version, "body": dump(f.body)}
                for (_, n), e in store.entities.items()
                for f in e.facts.values()
            ]
            self.kept[f"{service}.conclusion"] = [
                {"entity": n, "kind": kind, "key": key, "version": c.version, "body": dump(c)}
                for (_, n), e in store.entities.items()
                for (kind, key), c in e.conclusions.items()
            ]
            self.kept[f"{service}.journal"] = [
                {"entity": n, "number": e.body.number, "hash": e.hash, "body": e.bytes.decode()}
                for (_, n, _), journal in store.journals.items()
                for e in journal
            ]
        self.kept["ingest.fact"] = [
            {
                "sequence": k.id[0], "key": k.id[1], "revision": k.id[2], "content": k.content, "parked": k.parked,
                "topic": k.origin.topic, "partition": k.origin.partition, "offset": k.origin.offset,
            }
            for k in offline.ingest.facts.values()
        ]  # fmt: skip
        self.lying = [
            (topic, Lying(f"{topic}/{partition}/{n}", r.value or b"", dict(r.headers)))
            for (topic, partition), log in offline.broker.logs.items()
            for n, r in enumerate(log)
        ]

    def state(self) -> State:
        return self.shown

    def rows(self) -> Rows:
        return self.kept

    def records(self, wanted: Callable[[str], object]) -> Iterator[Lying]:
        return (record for topic, record in self.lying if wanted(topic))

    # What a run may do to it

    def lose(self, table: str, gone: Callable[[Row], bool]) -> int:
        before = len(self.kept[table])
        self.kept[table] = [row for row in self.kept[table] if not gone(row)]
        return before - len(self.kept[table])

    def never(self, topic: str, gone: Callable[[Mapping[str, Any]], bool]) -> int:
        """Not one of these was ever published."""
        before = len(self.lying)
        self.lying = [(name, r) for name, r in self.lying if not (name.endswith(topic) and gone(orjson.loads(r.value)))]
        return before - len(self.lying)


@cache
def told() -> Told:
    lines = upheaved(7, lines_of(7, EVENTS))
    registered = [line for line in lines if b"afdeling.registered" in line[2]]
    others = [line for line in lines if b"afdeling.registered" not in line[2]]
    return Told([*others[:LATE], *registered, *others[LATE:]], {}, {})


@cache
def folded() -> tuple[Offline, State]:
    return fold(told().lines, len(told().lines))


def fold(lines: Sequence[Line], lot: int) -> tuple[Offline, State]:
    """So many at once, each lot settled before the next one."""
    offline = Offline()

    async def run() -> State:
        for begin in range(0, len(lines), lot):
            for line in lines[begin : begin + lot]:
                send(offline, line)
            await offline.settle()
        return await offline.state()

    return offline, asyncio.run(run())


def audited(seen: Folded) -> Findings:
    audit = Audit(seen, told(), Findings())
    audit.offline, state = folded()
    audit.hold(state)
    return audit.found


def test_a_run_that_is_the_fold_is_clean() -> None:
    found = audited(Folded(*folded()))

    assert found.told() == {what: [] for what in found.told()}


def test_another_way_to_the_same_end_is_clean() -> None:
    sound = [line for line in told().lines if SOURCE.encode() not in line[2]]
    broken = [line for line in told().lines if line not in sound]  # of two contents of a revision the first stands
    random.Random(20260101).shuffle(sound)
    seen, other = Folded(*fold([*sound, *broken], LOT)), Folded(*folded())
    found = audited(seen)

    assert len(seen.kept["quota.journal"]) != len(other.kept["quota.journal"])
    assert found.told() == {what: [] for what in found.told()}


def lost(table: str, kind: str, topic: str, sign: str) -> Callable[[Folded], int]:
    """All conclusions of a kind, stored and published; `sign`: a field that only they have."""

    def change(seen: Folded) -> int:
        seen.never(topic, lambda record: sign in record)
        return seen.lose(table, lambda row: row["kind"] == kind)

    return change


def last_of_each(seen: Folded, table: str, kind: str, topic: str) -> int:
    last: dict[str, int] = {}
    for row in seen.kept[table]:
        last[row["entity"]] = max(last.get(row["entity"], 0), row["number"])
    seen.never(topic, lambda record: "previous" in record and record["number"] == last[record["afdeling_id"]])
    return seen.lose(table, lambda row: row["number"] == last[row["entity"]])


def last_lines(seen: Folded) -> int:
    return last_of_each(seen, "quota.journal", "ledger.line", "ledger.v1")


def last_records(seen: Folded) -> int:
    return last_of_each(seen, "matching.journal", "decision", "decisions.v1")


def second_lines(seen: Folded) -> int:
    return seen.lose("quota.journal", lambda row: row["number"] == 2)


def booked_twice(seen: Folded) -> int:
    """The last line of an afdeling once more, under the next number."""
    row = max((r for r in seen.kept["quota.journal"] if r["number"] > 1), key=lambda r: (r["entity"], r["number"]))
    line = orjson.loads(row["body"])
    again = orjson.dumps({**line, "number": line["number"] + 1})
    twice = {"number": line["number"] + 1, "hash": sha256(again).hexdigest(), "body": again.decode()}
    seen.kept["quota.journal"].append({**row, **twice})
    record = next(r for name, r in seen.lying if name == "ledger.v1" and r.value == row["body"].encode())
    seen.lying.append(("ledger.v1", record._replace(value=again)))
    return 1


def altered(table: str, **told: Any) -> Callable[[Folded], int]:
    """One entry of a journal, with the hash that it then has."""

    def change(seen: Folded) -> int:
        row = seen.kept[table][0]
        row["body"] = orjson.dumps({**orjson.loads(row["body"]), **told}).decode()
        row["hash"] = sha256(row["body"].encode()).hexdigest()
        return 1

    return change


def unpublished(seen: Folded) -> int:
    return seen.never("ledger.v1", lambda line: line["number"] == 1)


def of_two_contents(seen: Folded) -> int:
    name, record = next(one for one in seen.lying if one[0] == "ledger.v1")
    seen.lying.append((name, record._replace(value=record.value.replace(b'"number"', b' "number"', 1))))
    return 1


def otherwise(kind: str, service: str, **told: Any) -> Callable[[Folded], int]:
    def change(seen: Folded) -> int:
        row = next(r for r in seen.kept[f"{service}.conclusion"] if r["kind"] == kind)
        row["body"] = orjson.dumps({**orjson.loads(row["body"]), **told}).decode()
        return 1

    return change


def besides(seen: Folded) -> int:
    row = next(r for r in seen.kept["quota.conclusion"] if r["kind"] == "supply")
    seen.kept["quota.conclusion"].append({**row, "key": "another"})
    return 1


def unreleased(seen: Folded) -> int:
    return seen.never(".receipts.v1", lambda receipt: receipt["fate"] == "released")


def parked_again(seen: Folded) -> int:
    told = [orjson.loads(record.value) for topic, record in seen.lying if topic.endswith(".receipts.v1")]
    released = {(r["topic"], r["offset"]) for r in told if r["fate"] == "released"}
    rows = [row for row in seen.kept["ingest.fact"] if (row["topic"], row["offset"]) in released]
    for row in rows:
        row["parked"] = True
    return len(rows)


def unkept(seen: Folded) -> int:
    return seen.lose("quota.fact", lambda row: row["kind"] == "vacancy.reported")


CASES: Mapping[str, tuple[Callable[[Folded], int], str, str]] = {
    "supplies": (lost("quota.conclusion", "supply", "quotas.v1", "shelves"), "losses", "quota's conclusions lack"),
    "lives": (lost("matching.conclusion", "offer.life", "decisions.v1", "idle_days"), "losses", "'offer.life'"),
    "areas": (lost("classifier.conclusion", "area", "areas.v1", "area_id"), "losses", "classifier's conclusions lack"),
    "positions": (lost("quota.conclusion", "position", "ledger.v1", "none"), "losses", "'position'"),
    "the last line of each ledger": (last_lines, "double effects", "sums of the ledgers have"),
    "what the last line of each ledger says": (last_lines, "double effects", "ledgers have"),
    "the last record of decisions of each": (last_records, "double effects", "records of decisions have"),
    "a line within": (second_lines, "losses", "removed: ledger line"),
    "a line that was booked twice": (booked_twice, "double effects", "sums of the ledgers have"),
    "what was booked twice": (booked_twice, "double effects", "altered: ledger line"),
    "a line with other bytes": (altered("quota.journal", about="x"), "double effects", "altered: ledger line"),
    "a decision with other bytes": (altered("matching.journal", colour="red"), "double effects", "altered: decision"),
    "lines that were never published": (unpublished, "losses", "it was never published"),
    "a line of two contents": (of_two_contents, "double effects", "were published with two contents"),
    "another quota": (otherwise("quota", "quota", next_due_in=99), "double effects", "quota's conclusions have"),
    "another life": (otherwise("offer.life", "matching", idle_days=999), "double effects", "matching's conclusions"),
    "a supply of nobody": (besides, "double effects", "another') besides"),
    "receipts of what was released": (unreleased, "losses", "is no longer parked, and has the receipts ['parked']"),
    "what is released and still parked": (parked_again, "losses", "is still parked, and has the receipts"),
    "facts": (unkept, "losses", "quota's facts lack"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_was_tampered_with_is_found_by_name(case: str) -> None:
    change, what, sign = CASES[case]
    seen = Folded(*folded())

    assert change(seen) > 0

    found = audited(seen).told()[what]

    assert [one for one in found if sign in one]

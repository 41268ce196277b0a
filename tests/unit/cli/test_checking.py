"""Records of a real offline run, tampered with in each way that a database allows: each is found, and named alone."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from hashlib import sha256
from typing import Any

import pytest

from services.cli.checking import DECISIONS, LINES, Checked, Head, Kind, Published, checked
from shared.events.internal import Anchor, Chained
from shared.runtime.contract import Written
from tests.offline import Made, made
from tests.unit.test_cases import ACTORS, AFDELING, DOCUMENT

DAY = date(2024, 8, 30)
RENTS = ("4000", "4600", "4499", "4700", "4500")


def vacancy(number: int, rent: str, revision: int = 1) -> tuple[str, dict[str, Any]]:
    return (
        "vacancy.reported",
        {
            "vacancy_id": f"b{number}", "afdeling_id": AFDELING, "dwelling": "family", "reason": "external", "rooms": 2,
            "area_m2": "60", "rent_monthly": rent, "vacant_from": "2024-08-01", "revision": revision,
        },
    )  # fmt: skip


def told() -> Iterable[tuple[str, dict[str, Any]]]:
    """Three offers, two of them decided again and again as the rents are corrected."""
    yield "agreement.published", {"document": DOCUMENT, **ACTORS}
    yield (
        "afdeling.registered",
        {
            "afdeling_id": AFDELING, "organisation_id": "0123", "name": "Prøven", "municipality": "0851",
            "valid_from": "2024-01-01", "family_homes": 100, "area_id": None, "flexible_letting": None,
        },
    )  # fmt: skip
    yield (
        "placement.decided",
        {
            "placement_id": "p", "afdeling_id": AFDELING, "colour": "green", "valid_from": "2024-01-01",
            "valid_to": None, "reason": "prøve", **ACTORS,
        },
    )  # fmt: skip
    for number in (1, 2, 3):
        yield vacancy(number, "4000")
        offer = {"offer_id": f"t{number}", "vacancy_id": f"b{number}", "submitted_on": "2024-08-02"}
        yield "offer.submitted", {"afdeling_id": AFDELING, **offer}
    for revision, rent in enumerate(RENTS[1:], 2):
        yield vacancy(1, rent, revision)
        yield vacancy(2, rent, revision)


@cache
def run() -> Made:
    return made(told(), [DAY])


@cache
def journals() -> dict[str, list[Written]]:
    return {kind.word: run().journal(kind.service, kind.model.kind) for kind in (DECISIONS, LINES)}


def anchors() -> list[Anchor]:
    found = (c for s in run().stores.values() for e in s.entities.values() for c in e.conclusions.values())
    return [c for c in found if isinstance(c, Anchor)]


def body_of(kind: Kind, entry: Written) -> Chained:
    return kind.model.model_validate_json(entry.body)


def published(kind: Kind, entries: Sequence[Written]) -> dict[int, Published]:
    return {e.number: told_of(e, body_of(kind, e)) for e in entries}


def told_of(entry: Written, body: Chained | None = None) -> Published:
    text = entry.body.encode()
    thing, step = (body.thing(), body.step()) if body else ("", 0)
    return Published(sha256(text).hexdigest(), thing, step, lambda: text)


def check(kind: Kind, entries: Sequence[Written], *, topic: bool = True, anchored: bool = True) -> Checked:
    """What is found of these entries beside what was published and anchored of the true ones."""
    true = journals()[kind.word]
    heads = [Head(DAY, true[-1].number, true[-1].hash)] if anchored else []
    known = published(kind, true) if topic else {e.number: told_of(e) for e in entries}  # the topic says what they say
    return checked(kind, AFDELING, entries, known, heads)


def altered(entry: Written, old: str, new: str, *, rehashed: bool = False) -> Written:
    assert old in entry.body

    body = entry.body.replace(old, new, 1)
    return entry._replace(body=body, hash=sha256(body.encode()).hexdigest() if rehashed else entry.hash)


def with_(entries: Sequence[Written], *others: Written) -> list[Written]:
    new = {e.number: e for e in others}
    return [new.get(e.number, e) for e in entries]


def names(found: Checked) -> list[tuple[str, int]]:
    return [(f.what, f.number) for f in found.faults]


def said(found: Checked) -> str:
    return "; ".join(text for f in found.faults for text in f.how)


@pytest.mark.parametrize("kind", [DECISIONS, LINES], ids=lambda k: k.word)
def test_what_was_written_verifies(kind: Kind) -> None:
    entries = journals()[kind.word]

    assert len(entries) >= 6
    assert check(kind, entries) == Checked(len(entries), 0, [])
    assert {
        (a.journal, a.heads[AFDELING].number, a.heads[AFDELING].hash) for a in anchors() if AFDELING in a.heads
    } == {(k.model.kind, its[-1].number, its[-1].hash) for k in (DECISIONS, LINES) for its in [journals()[k.word]]}


ALONE = {"topic": False, "anchored": False}
"""By the journal's own word."""


@pytest.mark.parametrize("evidence", [{}, ALONE], ids=["with topic and anchor", "alone"])
@pytest.mark.parametrize("at", range(9))
def test_one_altered_byte_is_named(at: int, evidence: dict[str, bool]) -> None:
    entries = journals()["decision"]
    found = check(DECISIONS, with_(entries, altered(entries[at], '"area_m2":"60"', '"area_m2":"61"')), **evidence)

    assert names(found) == [("altered", at + 1)]
    assert "not those of the hash" in said(found)


def test_what_recomputes_otherwise_is_named_by_its_field() -> None:
    entries = journals()["decision"]
    rejected = next(e for e in entries if '"outcome":"rejected"' in e.body)
    lie = altered(rejected, '"outcome":"rejected"', '"outcome":"accepted"', rehashed=True)
    found = check(DECISIONS, with_(entries, lie), **ALONE)

    assert names(found) == [("altered", rejected.number)]
    assert 'outcome is "accepted", recomputed it is "rejected"' in said(found)


@pytest.mark.parametrize("at", [0, 4])
def test_an_altered_and_hashed_again_entry_is_told_by_the_next_one(at: int) -> None:
    entries = journals()["decision"]
    lie = altered(entries[at], '"submitted_on":"2024-08-02"', '"submitted_on":"2024-08-03"', rehashed=True)

    alone, beside = (check(DECISIONS, with_(entries, lie), **e) for e in (ALONE, {"anchored": False}))
    assert names(alone) == names(beside) == [("altered", at + 1)]
    assert said(alone) == f"its bytes are not those that number {at + 2} names"
    assert 'inputs.offer.submitted_on is "2024-08-03", published was "2024-08-02"' in said(beside)


def chained_anew(entries: Sequence[Written], first: int) -> list[Written]:
    """As one does who writes every hash anew after an alteration."""
    new = list(entries)
    for n in range(first, len(new)):
        told = json.loads(new[n].body)
        new[n] = altered(new[n], told["previous"], sha256(new[n - 1].body.encode()).hexdigest(), rehashed=True)
    return new


def test_a_chain_made_anew_is_told_by_the_anchor_and_by_the_topic() -> None:
    entries = journals()["decision"]
    lie = altered(entries[4], '"submitted_on":"2024-08-02"', '"submitted_on":"2024-08-03"', rehashed=True)
    new = chained_anew(with_(entries, lie), 5)

    assert names(check(DECISIONS, new, **ALONE)) == []
    assert names(check(DECISIONS, new, topic=False)) == [("altered", len(entries))]
    assert f"the anchor of {DAY} has another hash" in said(check(DECISIONS, new, topic=False))
    by_topic = check(DECISIONS, new)
    assert names(by_topic) == [("altered", n) for n in range(5, len(entries) + 1)]
    assert "inputs.offer.submitted_on" in by_topic.faults[0].how[0]
    assert all(f.how[0].startswith("previous is") for f in by_topic.faults[1:])


@pytest.mark.parametrize("kind", [DECISIONS, LINES], ids=lambda k: k.word)
def test_a_removed_entry_is_named(kind: Kind) -> None:
    entries = journals()[kind.word]
    found = check(kind, [e for e in entries if e.number != 4])
    [fault] = found.faults
    body = body_of(kind, entries[3])

    assert (fault.what, fault.number, fault.thing, fault.step) == ("removed", 4, body.thing(), body.step())
    assert names(check(kind, [e for e in entries if e.number != 4], **ALONE)) == [("removed", 4)]


@pytest.mark.parametrize("kind", [DECISIONS, LINES], ids=lambda k: k.word)
@pytest.mark.parametrize("topic", [True, False])
def test_a_tail_that_was_cut_is_named(kind: Kind, *, topic: bool) -> None:
    entries = journals()[kind.word]
    last = len(entries)

    assert names(check(kind, entries[:-2], topic=topic)) == [("removed", last - 1), ("removed", last)]
    assert names(check(kind, [], topic=topic)) == [("removed", n) for n in range(1, last + 1)]


@pytest.mark.parametrize("evidence", [{}, ALONE], ids=["with topic and anchor", "alone"])
def test_two_that_were_swapped_are_named(evidence: dict[str, bool]) -> None:
    entries = journals()["decision"]
    one, two = entries[3], entries[4]
    found = check(
        DECISIONS,
        with_(entries, one._replace(body=two.body, hash=two.hash), two._replace(body=one.body, hash=one.hash)),
        **evidence,
    )

    assert names(found) == [("altered", 4), ("altered", 5)]
    assert f"it calls itself number 5 of {AFDELING}" in said(found)


def test_an_added_entry_is_named() -> None:
    entries = journals()["decision"]
    last = entries[-1]
    told = json.loads(last.body) | {"number": last.number + 1, "previous": last.hash}
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    added = last._replace(number=last.number + 1, body=body, hash=sha256(body.encode()).hexdigest())
    twice = entries[2]._replace(body=entries[3].body, hash=entries[3].hash)

    assert names(check(DECISIONS, [*entries, added])) == [("added", last.number + 1)]
    assert names(check(DECISIONS, [*entries, twice])) == [("added", 3)]


def test_a_version_left_out_is_named_even_when_the_numbers_are_whole() -> None:
    entries = journals()["decision"]
    seen = next(n for n, e in enumerate(entries) if body_of(DECISIONS, e).step() == 3)
    lie = altered(entries[seen], '"version":3', '"version":4', rehashed=True)
    found = check(DECISIONS, chained_anew(with_(entries, lie), seen + 1), **ALONE)

    assert ("altered", seen + 1) in names(found)
    assert "it is version 4 where 3 is due" in said(found)


def test_what_other_rules_made_is_not_called_broken() -> None:
    entries = journals()["decision"]
    older = chained_anew(with_(entries, altered(entries[0], '"engine":"1"', '"engine":"0"', rehashed=True)), 1)

    assert check(DECISIONS, older, **ALONE) == Checked(len(entries), 1, [])


def test_a_balance_that_is_not_the_sum_is_named_once() -> None:
    entries = journals()["ledger line"]
    before, balance, after = entries[2].body.rpartition('"balance":')
    share = f'"share":"{json.loads(entries[2].body)["balance"]["share"]}"'
    body = before + balance + after.replace(share, '"share":"9"', 1)
    lie = entries[2]._replace(body=body, hash=sha256(body.encode()).hexdigest())
    found = check(LINES, chained_anew(with_(entries, lie), 3), **ALONE)

    assert names(found) == [("altered", 3)]
    assert 'balance.share is "9", recomputed it is' in said(found)


@pytest.mark.parametrize("old", ['"offer_id"', "{", "0123-001"])
def test_bytes_that_are_no_record_any_more_are_named(old: str) -> None:
    entries = journals()["decision"]
    lie = altered(entries[1], old, "?", rehashed=True)

    assert names(check(DECISIONS, with_(entries, lie))) == [("altered", 2)]

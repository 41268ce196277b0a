"""What can be told in a run, made once: real internal records of quota's topics, as their writers send them."""

import random
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, NamedTuple

from shared.agreement.loader import AALBORG, load
from shared.events.decoding import Told, encode, recorded_model
from shared.events.inbound import MODELS, DayClosed, Inbound
from shared.events.internal import Colours, Decision, OfferReason, Segment
from shared.events.partitioning import partition_of
from shared.events.topics import topic_of
from shared.events.values import Colour

AT = datetime(2026, 1, 2, 8, tzinfo=UTC)
TASKS = ("0", "1", "2")
TOPICS = ("control.v1", "afdelinger.v1", "vacancies.v1", "colours.v1", "decisions.v1", "handovers.v1")
TOLD = TOPICS[:-1]
"""Those that others write; the last is quota's own."""
EACH = 3
"""Afdelinger of each task."""
RAISES, REFUSED = "raises", "refused"
"""Vacancies on which the step raises, and which the database refuses."""
TOO_LARGE = b"x" * 1_199_900
"""More than a dead letter may hold: it is cut."""

Headers = tuple[tuple[str, bytes | None], ...]


class Sent(NamedTuple):
    """One record for one partition. `poison`: it must become a dead letter."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: Headers
    poison: bool = False


@cache
def afdelinger() -> tuple[str, ...]:
    """Of the first three partitions, so many each."""
    found: dict[int, list[str]] = {int(t): [] for t in TASKS}
    for number in range(1_000):
        name = f"0123-{number:03d}"
        if (home := found.get(partition_of(name))) is not None and len(home) < EACH:
            home.append(name)
    return tuple(name for home in found.values() for name in home)


@cache
def recorded(kind: str, version: int, **data: object) -> tuple[Sent, ...]:
    return of_fact(MODELS[kind, False].model_validate({**data, "revision": version}))


def of_fact(fact: Inbound) -> tuple[Sent, ...]:
    told = recorded_model(fact.kind, False)(version=fact.revision, recorded_at=AT, source="s", event_id="e", fact=fact)
    return sent(topic_of(fact) or "", told, fact.about())


def sent(topic: str, told: Told, entity: str | None) -> tuple[Sent, ...]:
    key, value, headers = encode(told, "simulation")
    places = [partition_of(entity)] if entity else [int(t) for t in TASKS]
    return tuple(Sent(topic, place, key, value, tuple(headers)) for place in places)


@cache
def aalborg() -> dict[str, Any]:
    return load(AALBORG)


@cache
def agreement(version: int, share: int) -> tuple[Sent, ...]:
    """The whole agreement with another share of the green homes."""
    document = deepcopy(aalborg()) | {"effective_from": "2024-01-01"}
    document["quota"]["share"]["green"]["value"] = f"{share}/12"
    model = MODELS["agreement.published", False]
    return of_fact(
        model.model_validate({"document": document, "proposed_by": "a", "approved_by": "b", "revision": version})
    )


@cache
def colours(afdeling: str, version: int, colour: Colour) -> tuple[Sent, ...]:
    line = [Segment(from_=date(2024, 1, 1), colour="green", at_least=None)]
    if colour != "green":
        line.append(Segment(from_=date(2024, 6, 1), colour=colour, at_least=None))
    told = Colours(version=version, recorded_at=AT, afdeling_id=afdeling, agreements="a", timeline=line)
    return sent("colours.v1", told, afdeling)


@cache
def decision(afdeling: str, number: int, version: int) -> tuple[Sent, ...]:
    reasons = [OfferReason(code="rent_above_ceiling", kind="refuse", sentence_da="s")] if version % 2 else []
    told = Decision(
        version=version, recorded_at=AT, offer_id=f"o{number}", vacancy_id=f"v{number}", afdeling_id=afdeling,
        outcome="withdrawn" if version % 3 == 0 else "accepted", reasons=reasons, colour="green", agreement="a",
        vacancy_revision=1, offer_revision=version,
    )  # fmt: skip
    return sent("decisions.v1", told, afdeling)


def vacancy(afdeling: str, name: str, version: int, month: int) -> tuple[Sent, ...]:
    return recorded(
        "vacancy.reported", version, vacancy_id=name, afdeling_id=afdeling, dwelling="family", reason="external",
        rooms=2, area_m2="60", rent_monthly="4000", vacant_from=f"2024-{month:02d}-01",
    )  # fmt: skip


def registered(afdeling: str, version: int) -> tuple[Sent, ...]:
    return recorded(
        "afdeling.registered", version, afdeling_id=afdeling, organisation_id="0123", name=f"n{version}",
        municipality="0851", valid_from="2024-01-01", family_homes=60, area_id=None, flexible_letting=None,
    )  # fmt: skip


def succeeded(version: int, to: str, on: str, of: Sequence[str], share: str | None) -> tuple[Sent, ...]:
    told = {"from": list(of), "to": to, "on": on, **({"share": share} if share else {})}
    return of_fact(MODELS["afdeling.succeeded", False].model_validate({**told, "revision": version}))


def closed(day: date) -> tuple[Sent, ...]:
    return of_fact(DayClosed(day=day, revision=day.toordinal()))


def succession(lots: random.Random, following: Callable[..., int]) -> tuple[Sent, ...]:
    """Merges, a split, a chain and a circle, each of which may be corrected later."""
    names = afdelinger()
    of, to, on = lots.choice(((0, 4, "2024-04-01"), (4, 8, "2024-07-01"), (1, 5, "2024-04-01"), (8, 0, "2024-10-01")))
    share = lots.choice((None, None, "1/3", "1"))
    also = [names[n] for n in (2, 7) if lots.random() < 0.3]
    return succeeded(following("succession", to, on), names[to], on, [names[of], *also], share)


def poison(lots: random.Random, afdeling: str) -> tuple[Sent, ...]:
    """Broken bytes, a value too large to be kept whole, a step that raises, a row that the database refuses."""
    kind = lots.choice(("broken", "broken", "large", RAISES, REFUSED))
    if kind in (RAISES, REFUSED):
        return tuple(s._replace(poison=True) for s in vacancy(afdeling, kind, 1, 3))
    value = TOO_LARGE if kind == "large" else lots.choice((b"{", b"\xff", b"", None))
    topic = lots.choice(TOLD)
    return (Sent(topic, partition_of(afdeling), afdeling.encode(), value, (), poison=True),)


def script(lots: random.Random, length: int = 36) -> Sequence[Sent]:
    """What is sent in one run: facts with growing versions, then shuffled nearby, some late, some twice."""
    counted: dict[object, int] = {}

    def following(*slot: object) -> int:
        counted[slot] = counted.get(slot, 0) + 1
        return counted[slot]

    told: list[Sent] = [*agreement(following("agreement"), 3)]
    for name in afdelinger():
        told += registered(name, following(name))
    for _ in range(length):
        name, kind = lots.choice(afdelinger()), lots.random()
        if kind < 0.50:
            number = lots.randrange(4)
            version = following(name, number)
            if lots.random() < 0.8:
                told += vacancy(name, f"v{number}", version, lots.randint(1, 12))
            else:
                told += recorded("vacancy.cancelled", version, vacancy_id=f"v{number}", afdeling_id=name)
        elif kind < 0.68:
            shade: Colour = lots.choice(("green", "yellow", "red", "unknown"))
            told += colours(name, following(name, "colours"), shade)
        elif kind < 0.82:
            number = lots.randrange(4)
            told += decision(name, number, following(name, number, "decision"))
        elif kind < 0.89:
            told += poison(lots, name)
        elif kind < 0.93:
            told += succession(lots, following)
        elif kind < 0.95:
            told += closed(date(2024, lots.randint(1, 12), 15))
        else:
            told += agreement(following("agreement"), lots.randint(1, 12))
    if lots.random() < 0.7:
        told += lots.sample(told, 8)
    for begin in range(0, len(told), 9):
        nearby = told[begin : begin + 9]
        lots.shuffle(nearby)
        told[begin : begin + 9] = nearby
    return told

"""Streams of facts that are hard on the rules: few afdelinger, few days, many revisions, and everything late."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from shared.events.decoding import of_line

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
AGREEMENT = (EXAMPLES / "small.ndjson").read_bytes().splitlines()[0]
AFDELINGER, DAYS = ("0123-001", "0123-002", "0456-001"), ("2024-02-01", "2024-07-01", "2025-01-01")
SINCE, LAST = "2024-01-01", 9
"""Of the registration that each begins with: its day, and its revision."""
SUBMITTED, ACTORS = date(2024, 7, 2), {"proposed_by": "m1", "approved_by": "m2"}


def told(kind: str, **data: Any) -> bytes:
    event = {"specversion": "1.0", "source": "s", "type": f"dk.trappetrin.{kind}.v1", "data": data}
    return json.dumps({**event, "id": json.dumps([kind, data])[:200]}).encode()


def registered(name: str, area: str | None, since: str, revision: int) -> bytes:
    return told(
        "afdeling.registered", afdeling_id=name, organisation_id=name[:4], name="n", municipality="0851",
        valid_from=since, family_homes=60, area_id=area, flexible_letting=None, revision=revision,
    )  # fmt: skip


def unregistered(name: str, since: str, revision: int) -> bytes:
    return told("afdeling.registered", afdeling_id=name, valid_from=since, revision=revision, retracted=True)


def observed(kind: str, name: str, indicator: str, value: str | None, revision: int) -> bytes:
    source = "lbf" if kind == "afdeling" else "ministry"
    missing = {} if value else {"missing": "suppressed"}
    return told(
        "indicator.observed", subject={"kind": kind, "id": name}, source=source, indicator=indicator,
        as_of="2024-01-01", effective_from="2024-05-01", value=value, revision=revision, **missing,
    )  # fmt: skip


def listed(areas: list[str], revision: int) -> bytes:
    lists = {"udsat": {"complete": True, "areas": sorted(set(areas))}}
    return told("list.published", list_date="2024-12-01", lists=lists, revision=revision)


def vacancy(name: str, number: int, rent: str | None, since: str, revision: int) -> bytes:
    return told(
        "vacancy.reported", vacancy_id=f"v-{name}-{number}", afdeling_id=name, dwelling="family", reason="external",
        rooms=2, area_m2="60", rent_monthly=rent, vacant_from=since, revision=revision,
    )  # fmt: skip


def cancelled(name: str, number: int, revision: int) -> bytes:
    return told("vacancy.cancelled", vacancy_id=f"v-{name}-{number}", afdeling_id=name, revision=revision)


def offer(name: str, number: int, revision: int) -> bytes:
    return told(
        "offer.submitted", offer_id=f"o-{name}-{number}", vacancy_id=f"v-{name}-{number}", afdeling_id=name,
        submitted_on="2024-07-02", revision=revision,
    )  # fmt: skip


def withdrawn(name: str, number: int, revision: int) -> bytes:
    return told("offer.withdrawn", offer_id=f"o-{name}-{number}", afdeling_id=name, revision=revision)


def replied(home: tuple[str, int], kind: str, after: int, version: int, revision: int) -> bytes:
    name, number = home
    return told(
        f"offer.{kind}", offer_id=f"o-{name}-{number}", afdeling_id=name, on=str(SUBMITTED + timedelta(days=after)),
        decision_version=version, revision=revision,
    )  # fmt: skip


def resolved(name: str, number: int, outcome: str, resolves: list[str], revision: int) -> bytes:
    return told(
        "offer.resolved", offer_id=f"o-{name}-{number}", afdeling_id=name, outcome=outcome, resolves=resolves,
        reason="r", revision=revision, **ACTORS,
    )  # fmt: skip


def placed(name: str, colour: str, since: str, until: str | None, revision: int) -> bytes:
    return told(
        "placement.decided", placement_id=f"p-{name}-{since}", afdeling_id=name, colour=colour, valid_from=since,
        valid_to=until, reason="r", revision=revision, **ACTORS,
    )  # fmt: skip


def succeeded(of: list[str], to: str, on: str, share: str | None, revision: int) -> bytes:
    split = {"share": share} if share else {}
    return told("afdeling.succeeded", **{"from": of}, to=to, on=on, revision=revision, **split)


def agreed(since: str, rounding: str, share: str, revision: int) -> bytes:
    """Aalborg's agreement from another day on, with another rounding and share."""
    data = json.loads(AGREEMENT)["data"]
    document = {**data["document"], "effective_from": since}
    shares = {**document["quota"]["share"], "green": {"value": share, "assumption": "a"}}
    document["quota"] = {**document["quota"], "share": shares, "rounding": {"value": rounding, "assumption": "a"}}
    return told("agreement.published", document=document, revision=revision, **ACTORS)


afdeling, day, number = st.sampled_from(AFDELINGER), st.sampled_from(DAYS), st.integers(1, 3)
home = st.integers(1, 4)
areas = st.sampled_from(("Vest", "Øst"))
indicators = st.sampled_from(("out_of_work", "convicted", "basic_education", "income", "nonwestern"))
values = st.sampled_from(("20", "45", "70", None))
replies = st.sampled_from(("assigned", "returned"))
colours = st.sampled_from(("red", "yellow", "green"))
refers = st.lists(st.sampled_from(("colour_unknown", "rent_missing")), min_size=1, max_size=2, unique=True)
pairs = st.permutations(AFDELINGER).map(lambda names: (list(names[1:]), names[0]))
FACT = st.one_of(
    st.builds(registered, afdeling, st.one_of(st.none(), areas), day, number),
    st.builds(unregistered, afdeling, day, number),
    st.builds(unregistered, afdeling, st.just(SINCE), st.just(LAST + 1)),
    st.builds(observed, st.just("afdeling"), afdeling, indicators, values, number),
    st.builds(observed, st.just("area"), areas, indicators, values, number),
    st.builds(listed, st.lists(areas), number),
    st.builds(placed, afdeling, colours, day, st.sampled_from((None, "2025-06-01")), number),
    st.builds(agreed, st.sampled_from(DAYS[1:]), st.sampled_from(("floor", "ceil")), st.just("1/3"), number),
    st.builds(vacancy, afdeling, home, st.sampled_from(("3000", "9000", None)), day, number),
    st.builds(vacancy, afdeling, home, st.sampled_from(("3000", "4000")), day, number),
    st.builds(cancelled, afdeling, home, number),
    st.builds(offer, afdeling, home, number),
    st.builds(offer, afdeling, home, number),
    st.builds(withdrawn, afdeling, home, number),
    st.builds(replied, st.tuples(afdeling, home), replies, st.integers(-1, 9), number, number),
    st.builds(resolved, afdeling, home, st.sampled_from(("accepted", "rejected")), refers, number),
    st.builds(
        lambda pair, many, on, share, revision: succeeded(pair[0][:many], pair[1], on, share, revision),
        pairs, st.integers(1, 2), day, st.sampled_from((None, None, "1/2", "1/3")), number,
    ),
)  # fmt: skip
CLOSED = st.one_of(st.none(), st.dates(date(2024, 1, 1), date(2025, 12, 31)))


def subject(line: bytes) -> tuple[Any, ...]:
    """Sequence, key and revision: of one there is one content, or the first would stand."""
    fact = of_line(line)
    return fact.sequence, fact.key(), fact.revision


def stream() -> st.SearchStrategy[list[bytes]]:
    """Registrations and an agreement first, then whatever comes."""
    first = [AGREEMENT, *(registered(name, "Vest", SINCE, LAST) for name in AFDELINGER)]
    facts = st.lists(FACT, min_size=8, max_size=30, unique_by=subject)
    return facts.map(lambda told: [*first, *told])

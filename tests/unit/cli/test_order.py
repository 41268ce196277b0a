"""Any order, duplication and batching of accepted facts ends in the same state."""

import asyncio
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.cli.evaluate import Offline, fold
from shared.runtime.memory import run_until_quiet
from shared.runtime.views import State

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
AGREEMENT = (EXAMPLES / "small.ndjson").read_bytes().splitlines()[0]
AFDELINGER, DAYS = ("0123-001", "0123-002", "0456-001"), ("2024-02-01", "2024-07-01", "2025-01-01")
afdeling, day, number = st.sampled_from(AFDELINGER), st.sampled_from(DAYS), st.integers(1, 3)


def told(kind: str, **data: Any) -> bytes:
    event = {"specversion": "1.0", "source": "s", "type": f"dk.trappetrin.{kind}.v1", "data": data}
    return json.dumps({**event, "id": json.dumps([kind, data])[:200]}).encode()


def registered(name: str, area: str | None, since: str, revision: int) -> bytes:
    return told(
        "afdeling.registered", afdeling_id=name, organisation_id=name[:4], name="n", municipality="0851",
        valid_from=since, family_homes=60, area_id=area, flexible_letting=None, revision=revision,
    )  # fmt: skip


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


areas = st.sampled_from(("Vest", "Øst"))
indicators = st.sampled_from(("out_of_work", "convicted", "basic_education", "income", "nonwestern"))
values = st.sampled_from(("20", "45", "70", None))
FACT = st.one_of(
    st.builds(registered, afdeling, st.one_of(st.none(), areas), day, number),
    st.builds(observed, st.just("afdeling"), afdeling, indicators, values, number),
    st.builds(observed, st.just("area"), areas, indicators, values, number),
    st.builds(listed, st.lists(areas), number),
    st.builds(vacancy, afdeling, st.integers(1, 4), st.sampled_from(("3000", "9000", None)), day, number),
    st.builds(cancelled, afdeling, st.integers(1, 4), number),
    st.builds(offer, afdeling, st.integers(1, 4), number),
    st.builds(withdrawn, afdeling, st.integers(1, 4), number),
)


def subject(line: bytes) -> tuple[Any, ...]:
    """Sequence, key and revision: of one there is one content, or the first would stand."""
    event = json.loads(line)
    data, kind = event["data"], event["type"].split(".")[2]
    key = [data.get(k) for k in ("afdeling_id", "valid_from", "subject", "indicator", "list_date")]
    ids = (data.get("vacancy_id") if kind == "vacancy" else None, data.get("offer_id"))
    return kind, json.dumps(key), ids, data["revision"]


async def end(lines: list[bytes], batch: int, pause: int) -> State:
    """The state after all; now and then everything is settled before the next lines come."""
    offline = Offline()
    for n, line in enumerate(lines):
        offline.send("f", n, line, "0851")
        if pause and n % pause == 0:
            await run_until_quiet(offline.cores, batch)
    await offline.settle()
    return {**await offline.state(), "refused": None}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(FACT, min_size=8, max_size=30, unique_by=subject), st.data())
def test_order_duplication_and_batching_change_nothing(facts: list[bytes], data: st.DataObject) -> None:
    lines = [AGREEMENT, *(registered(name, "Vest", "2024-01-01", 9) for name in AFDELINGER), *facts]
    again = data.draw(st.permutations(lines + data.draw(st.lists(st.sampled_from(lines), max_size=10))))
    straight, _ = asyncio.run(fold(("f", n, line) for n, line in enumerate(lines)))

    assert asyncio.run(end(again, data.draw(st.integers(1, 9)), data.draw(st.integers(0, 7)))) == {
        **straight,
        "refused": None,
    }

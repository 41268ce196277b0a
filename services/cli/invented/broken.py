"""Broken events among the good ones: each is refused at the edge for what is in it, and each is another event.

Their `source` is `invented/broken`, so that as many refusals are expected as there are of them.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from services.cli.invented.lots import Lots
from services.cli.invented.telling import Event, Told, event

Data = dict[str, Any]
SOURCE = "invented/broken"
VACANCY: Data = {
    "dwelling": "family", "reason": "external", "rooms": 2, "area_m2": "60", "rent_monthly": "4200",
    "vacant_from": "2024-05-01", "revision": 1,
}  # fmt: skip
BREAKS: tuple[tuple[str, Callable[[Data], Data]], ...] = (
    ("vacancy.reported", lambda d: d | VACANCY | {"tenant": "…"}),
    ("vacancy.reported", lambda d: d | VACANCY | {"rent_monthly": "4.200,00"}),
    ("vacancy.reported", lambda d: d | VACANCY | {"rent_monthly": "-1"}),
    ("vacancy.reported", lambda d: d | VACANCY | {"vacant_from": "2025-02-30"}),
    ("vacancy.reported", lambda d: d | VACANCY | {"rooms": 0}),
    ("vacancy.reported", lambda d: d | VACANCY | {"reason": "eviction"}),
    ("vacancy.moved", lambda d: d | VACANCY),
    ("vacancy.cancelled", lambda d: d),
    ("placement.decided", lambda d: {
        "placement_id": d["vacancy_id"], "afdeling_id": d["afdeling_id"], "colour": "green", "valid_from": "2024-01-01",
        "valid_to": None, "reason": "opdigtet", "proposed_by": "opdigtet-1", "approved_by": "opdigtet-1", "revision": 1,
    }),
    ("list.published", lambda d: {
        "list_date": "2023-11-30", "lists": {"udsat": {"complete": False, "areas": [d["vacancy_id"]]}}, "revision": 1,
    }),
)  # fmt: skip
"""Unknown field, wrong decimal, bound, day, rooms, reason and type, no revision, one person, no 1 December."""


def _registered(events: list[Event]) -> dict[str, int]:
    """Where each afdeling is first registered: before that its events are parked, not yet judged."""
    found: dict[str, int] = {}
    for n, e in enumerate(events):
        if e["type"] == "dk.trappetrin.afdeling.registered.v1":
            found.setdefault(e["data"]["afdeling_id"], n)
    return found


def _first_told(events: list[Event], kind: str, name: str, registered: dict[str, int]) -> list[tuple[int, Data]]:
    """The first telling of each vacancy or offer, with the place from which on the edge knows it."""
    found: dict[str, tuple[int, Data]] = {}
    for n, e in enumerate(events):
        if e["type"] == f"dk.trappetrin.{kind}.v1" and e["data"]["afdeling_id"] in registered:
            found.setdefault(e["data"][name], (max(n, registered[e["data"]["afdeling_id"]]), e["data"]))
    return list(found.values())


def broken(lots: Lots, events: list[Event], number: int) -> list[Event]:
    """The events with so many broken ones among them, at random places that leave no doubt about them.

    Of twelve one contradicts a vacancy (same revision, other content) and one moves an offer to another vacancy. Both
    are of the afdeling of what they contradict, so that they follow it in a running system too.
    """
    registered = _registered(events)
    vacancies = _first_told(events, "vacancy.reported", "vacancy_id", registered)
    offers = _first_told(events, "offer.submitted", "offer_id", registered)
    lots.shuffle(vacancies)
    lots.shuffle(offers)
    afdelinger = sorted(registered) or ["9001-001"]
    placed: list[tuple[float, int, Event]] = [(n, 0, e) for n, e in enumerate(events)]
    for n in range(number):
        known, (kind, breaking) = 0, BREAKS[n % len(BREAKS)]
        data = breaking({"vacancy_id": f"opdigtet-fejl-{n}", "afdeling_id": lots.choice(afdelinger)})
        if n % 12 == 0 and vacancies:
            kind, (known, told) = "vacancy.reported", vacancies.pop()
            data = told | {"rooms": told["rooms"] % 20 + 1}
        elif n % 12 == 1 and offers:
            kind, (known, told) = "offer.submitted", offers.pop()
            data = told | {"vacancy_id": f"{told['vacancy_id']}-en-anden", "revision": told["revision"] + 10}
        at = lots.uniform(known, len(events))
        neighbour = events[min(int(at), len(events) - 1)]["time"] if events else "2024-01-01T00:00:00.000Z"
        placed.append((at, n + 1, event(Told(datetime.fromisoformat(neighbour), SOURCE, kind, data))))
    return [e for _, _, e in sorted(placed, key=lambda p: p[:2])]

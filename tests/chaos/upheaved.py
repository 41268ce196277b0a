"""What an invented year is too quiet for: registrations that are taken back for a while, afdelinger that go on in
others, whole or in shares, and days that are closed.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from services.cli.invented.lots import Lots
from services.cli.invented.telling import Told, event, instant, line, tell
from shared.events.day import closing
from shared.events.ids import type_of
from shared.events.inbound import AfdelingRegistered
from tests.chaos.load import Line

TAKEN_BACK, SUCCEEDED, CORRECTED, SPLIT = 0.05, 0.04, 0.3, 0.3
"""Shares of afdelinger, one of them at the least; and of successions: which are corrected, which are splits."""
MEANWHILE = 500
"""Lines at the most until a registration that was taken back comes anew."""
PARTS = ("1/3", "1/2")
"""To the successors of a split; the rest stays."""
CLOSED = [date(2024, 2, 1) + timedelta(days=61 * n) for n in range(6)]
REGISTERED = type_of(AfdelingRegistered.kind)
Placed = tuple[float, Told]


def upheaved(seed: int, lines: Sequence[Line]) -> list[Line]:
    """The lines with these among them, numbered anew."""
    lots, last, known = Lots(seed, "upheavals"), len(lines), registrations(lines)
    names = sorted({told.data["afdeling_id"] for _, told in known})
    changed = [*taken_back(lots, known, last), *succeeded(lots, names, last)]
    placed = [(float(n), text) for n, (_, _, text) in enumerate(lines)]
    placed += [(at, line(event(told)).encode()) for at, told in changed]
    placed += [(last * n / (len(CLOSED) + 1), closing(day, "chaos")) for n, day in enumerate(CLOSED, 1)]
    return [("load", n, text) for n, (_, text) in enumerate(sorted(placed, key=lambda p: p[0]), 1)]


def registrations(lines: Sequence[Line]) -> list[tuple[int, Told]]:
    """Those that stand in the end: where, and the last revision of each."""
    found: dict[tuple[str, str], tuple[int, Told]] = {}
    for n, (_, _, text) in enumerate(lines):
        told = json.loads(text)
        if told["type"] == REGISTERED:
            data, at = told["data"], datetime.fromisoformat(told["time"])
            key = data["afdeling_id"], data["valid_from"]
            if key not in found or found[key][1].data["revision"] < data["revision"]:
                found[key] = n, Told(at, told["source"], AfdelingRegistered.kind, data)
    return [(n, told) for n, told in found.values() if not told.data.get("retracted")]


def taken_back(lots: Lots, known: Sequence[tuple[int, Told]], last: int) -> Iterator[Placed]:
    for n, told in lots.sample(known, max(1, round(len(known) * TAKEN_BACK))):
        gone = told.retracted(told.at)
        back = told._replace(data={**told.data, "revision": gone.data["revision"] + 1})
        at = lots.uniform(n + 1, last)
        yield at, gone
        yield min(last, at + lots.uniform(1, MEANWHILE)), back


def succeeded(lots: Lots, names: Sequence[str], last: int) -> Iterator[Placed]:
    """One of a successor and a day: another would contradict it, and be refused. Corrected, it is of somebody else."""
    taken = set[tuple[str, date]]()
    for _ in range(max(1, round(len(names) * SUCCEEDED))):
        former, another, *others = lots.sample(names, 4)
        day = lots.day(date(2024, 1, 2), date(2024, 12, 30))
        parts = ({"share": part} for part in PARTS) if lots.chance(SPLIT) else ({},)
        for to, part in zip(others, parts, strict=False):
            if (to, day) in taken:
                continue
            taken.add((to, day))
            said = {"from": [former], "to": to, "on": day, **part}
            told, at = tell(instant(day), "municipality/0851", "afdeling.succeeded", **said), lots.uniform(1, last)
            yield at, told
            if lots.chance(CORRECTED):
                yield lots.uniform(at, last), told.revised(told.at, **{"from": [another]})

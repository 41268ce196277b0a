"""How tellings arrive: most at once, some late, some twice, some overtaken by their own correction.

The order of the events is the order of arrival; none arrives before it is told. A repeated event is the same, byte for
byte.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from services.cli.invented.lots import Lots
from services.cli.invented.telling import KEYS, Event, Told, event

LATE, REPEATED, OVERTAKEN = 0.04, 0.03, 0.08
PUNCTUAL = frozenset({"agreement.published"})
"""Without an agreement nothing has a colour, so it is not what a demonstration should wait for."""


def _delay(lots: Lots, told: Told) -> timedelta:
    if lots.chance(LATE) and told.kind not in PUNCTUAL:
        return timedelta(days=min(90.0, lots.expovariate(1 / 14)))
    return timedelta(seconds=lots.uniform(0, 120))


def _repetition(lots: Lots) -> timedelta:
    return timedelta(days=lots.uniform(0.1, 20)) if lots.chance(0.2) else timedelta(seconds=lots.uniform(1, 600))


def _thing(told: Told) -> tuple[str, ...]:
    """What the telling is about: a later telling of it can overtake an earlier one."""
    for name in ("offer_id", "vacancy_id", "placement_id"):
        if name in told.data:
            return name, told.data[name]
    return told.kind, *(str(told.data[n]) for n in KEYS.get(told.kind, ()))


def arrive(seed: int, tellings: Iterable[Told]) -> list[Event]:
    """The events as they arrive."""
    lots, arrivals = Lots(seed, "arrival"), list[tuple[datetime, int, Event]]()
    former: dict[tuple[str, ...], int] = {}
    for n, told in enumerate(tellings):
        said, at, thing = event(told), told.at + _delay(lots, told), _thing(told)
        if told.data["revision"] > 1 and thing in former and lots.chance(OVERTAKEN):
            _, number, overtaken = arrivals[former[thing]]
            arrivals[former[thing]] = at + timedelta(hours=lots.uniform(0.1, 48)), number, overtaken
        former[thing] = len(arrivals)
        arrivals.append((at, n, said))
        if lots.chance(REPEATED):
            arrivals.append((at + _repetition(lots), n, said))
    return [said for _, _, said in sorted(arrivals, key=lambda a: a[:2])]

"""The heads of the journals at the end of a day, by organisation: who keeps an anchor notices what is altered later."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime

from shared.events.internal import Anchor, Anchored, Conclusion
from shared.runtime.contract import Slot, TaskId


def anchored_day(conclusions: Mapping[Slot, Conclusion]) -> date | None:
    """The last day that was anchored."""
    return max((c.day for c in conclusions.values() if isinstance(c, Anchor)), default=None)


def anchors_of(
    heads: Iterable[tuple[str, str, int, str]], task: TaskId, day: date, recorded_at: datetime
) -> Iterator[Anchor]:
    """One for each organisation and kind of journal that the task holds. `heads`: entity, kind, number and hash."""
    found: dict[tuple[str, str], dict[str, Anchored]] = defaultdict(dict)
    for entity, kind, number, hash_ in heads:
        found[entity[:4], kind][entity] = Anchored(number=number, hash=hash_)
    for (organisation, kind), its in sorted(found.items()):
        yield Anchor(recorded_at=recorded_at, organisation_id=organisation, journal=kind, part=task, day=day, heads=its)

"""The registrations of one afdeling: which terms hold on which day. Source: the inbound contract, "In force"."""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date

from shared.events.inbound import AfdelingRegistered
from shared.runtime.contract import Fact, Slot


class Registrations:
    """Those that were not taken back, by `valid_from`; an afdeling without any is not registered."""

    def __init__(self, facts: Mapping[Slot, Fact]) -> None:
        stated = (f.body for (kind, _), f in facts.items() if kind == AfdelingRegistered.kind)
        self.all = sorted((r for r in stated if isinstance(r, AfdelingRegistered)), key=lambda r: r.valid_from)
        self.days = [r.valid_from for r in self.all]

    def __bool__(self) -> bool:
        return bool(self.all)

    @property
    def first(self) -> AfdelingRegistered:
        return self.all[0]

    @property
    def last(self) -> AfdelingRegistered:
        return self.all[-1]

    def on(self, day: date) -> AfdelingRegistered | None:
        """The one in force: the latest `valid_from` not after the day; None before the first."""
        at = bisect_right(self.days, day)
        return self.all[at - 1] if at else None

    def municipality_on(self, day: date) -> str:
        """Before the first registration: that of the first."""
        return (self.on(day) or self.first).municipality

"""Three things that are told apart, each with its reason: has it come up, is it alive, may it be relied on.

Startup: it has found the tables that it needs and joined the group. Live: its loops run and the keeper's turns; when
not, only a restart helps. Ready: its tasks are claimed, nothing is halted, database and broker answer; when not, a
restart does not help.
"""

import asyncio
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from shared.runtime.core import Core
from shared.runtime.counting import Counting
from shared.runtime.looks import Looks

DEAF = 60.0
"""Seconds without a turn of the keeper's loop: longer than any of its waits may last."""


class Health:
    def __init__(self, core: Core, watch: Counting, looks: Looks) -> None:
        self.core, self.watch, self.looks = core, watch, looks
        self.joined = False
        self.found = False  # the tables, once
        self.loops: Sequence[asyncio.Task[Any]] = ()

    def startup(self) -> Mapping[str, Any]:
        if not self.joined:
            return told(self.not_joined())
        self.found = self.found or self.looks.database is None
        return told(None if self.found else self.looks.database)

    def live(self) -> Mapping[str, Any]:
        if ended := next((t for t in self.loops if t.done()), None):
            return told(f"{ended.get_name()} ended")
        silent = monotonic() - self.watch.beat
        return told(f"the keeper's loop has not turned for {silent:.0f} s" if silent > DEAF else None)

    def ready(self) -> Mapping[str, Any]:
        return {**told(self.missing()), "tasks": sorted(self.core.tasks), "stopped": self.core.stopped}

    def missing(self) -> str | None:
        """What is not there, in words. A source that is stopped for its dead letters holds nobody else up."""
        if not self.joined:
            return self.not_joined()
        stopped = self.core.halted | self.core.relay.stuck
        if stopped:
            return "; ".join(f"{task}: {why}" for task, why in sorted(stopped.items()))
        if self.core.torn:
            return self.core.torn
        if self.looks.database or self.looks.broker:
            return self.looks.database or self.looks.broker
        if self.core.missing:
            return f"not claimed yet: {', '.join(sorted(self.core.missing))}"
        return "the producer is not connected" if self.core.relay.spoiled else None

    def not_joined(self) -> str:
        """The database comes first: which version it is of decides whether the group is joined."""
        return self.looks.database or "the broker does not answer yet"


def told(why: str | None) -> dict[str, Any]:
    return {"ok": why is None, "why": why}

"""What a claimed task stands on: topics that end before it, or a group that was told more, have moved under it."""

import re
from collections.abc import Mapping

from shared.runtime.contract import Task

EMPTIED = "ahead of its topics, which were emptied or made anew"
"""Begins why a task is stopped until a `reground`: grown past what was consumed, its topics would seem whole again."""
LOST = re.compile(r"(\S+) at \d+, it ends at \d+")
SET_BACK = "behind what was consumed before, the database was set back"


def emptied(task: Task, ends: Mapping[str, int]) -> str | None:
    """Why, where a topic ends before what was consumed of it.

    Read on from there, and what the topic gets until then would pass for consumed.
    """
    ahead = [topic for topic, end in sorted(ends.items()) if task.offsets.get(topic, 0) > end]
    where = ", ".join(f"{topic} at {task.offsets[topic]}, it ends at {ends[topic]}" for topic in ahead)
    return f"{EMPTIED}: {where}" if ahead else None


def lost_by(why: str) -> list[str]:
    """The topics that were found so, by what was said of them."""
    return LOST.findall(why)


def set_back(task: Task, hints: Mapping[str, int]) -> str | None:
    """Why, where the group was told of more than the database knows.

    What was said since then would be said again under the same versions, with other content.
    """
    behind = [topic for topic, at in sorted(hints.items()) if task.offsets.get(topic, 0) < at]
    where = ", ".join(f"{topic} at {task.offsets.get(topic, 0)}, was at {hints[topic]}" for topic in behind)
    return f"{SET_BACK}: {where}" if behind else None

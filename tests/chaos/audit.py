"""What a run ended in, held against the fold of what was sent: losses, double effects, order violations, dead letters.

Counted after the version filter that every consumer applies. A loss: an accepted fact whose effect is missing from the
final state, or whose version never appeared. A double effect: a fact, receipt or version with two contents, or a state
that differs from the fold. An order violation: a version lower than one already applied.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any

import orjson

from services.cli.checking import DECISIONS, LINES
from services.cli.evaluate import Offline
from shared.events.topics import CONCLUDED, INTERNAL, is_inbound
from shared.runtime.views import State
from tests.chaos import fates, journals, stated
from tests.chaos.findings import Findings, different
from tests.chaos.load import CLOSING, Line, Load
from tests.chaos.published import Published
from tests.chaos.seen import KEYED, Lying, Seen

FACTS = sorted(INTERNAL.keys() - fates.LETTERS.keys() - CONCLUDED)
NAMED = b"dk.trappetrin.area.named.v1"


@dataclass(frozen=True)
class Told:
    """The lines, in the order in which they were sent. By place: what lies there, and what was put there as poison."""

    lines: Sequence[Line]
    sent: Mapping[str, bytes]
    poison: Mapping[str, bytes]


def told(*loads: Load) -> Told:
    return Told(
        [line for load in loads for line in load.lines],
        dict(chain.from_iterable(load.sent.placed.items() for load in loads)),
        dict(chain.from_iterable(load.poison.placed.items() for load in loads)),
    )


def send(offline: Offline, line: Line) -> None:
    """To a fold, as a load sends it to brokers."""
    file, number, text = line
    if CLOSING in text:
        offline.close(date.fromisoformat(orjson.loads(text)["data"]["day"]))
    else:
        offline.send(file, number, text, "0851")


class Audit:
    """What is found goes into `found`."""

    def __init__(self, seen: Seen, told: Told, found: Findings) -> None:
        self.seen, self.told, self.found = seen, told, found
        self.offline = Offline()

    def run(self) -> None:
        self.hold(asyncio.run(self.fold()))

    def hold(self, state: State) -> None:
        """All that is seen against `self.offline`, which is settled and in this state."""
        self.rows = self.seen.rows()
        self.stored = {service: stated.restored(self.rows[f"{service}.conclusion"]) for service in KEYED}
        self.state(state)
        self.intake()
        self.stores()
        self.published()
        self.conclusions()
        self.receipts()
        letters, lines = self.sound(fates.LETTERS.__contains__), [text for _, _, text in self.told.lines]
        fates.letters(self.found, letters, lines, self.told.poison)
        self.found.order_violations += [row["what"] for row in self.rows["violation"]]

    async def fold(self) -> State:
        for line in self.told.lines:
            send(self.offline, line)
        await self.offline.settle()
        return await self.offline.state()

    def sound(self, wanted: Callable[[str], object]) -> Iterator[Lying]:
        """All that lies in the topics, without what was put there as poison."""
        return (record for record in self.seen.records(wanted) if record.place not in self.told.poison)

    # The final state

    def state(self, expected: State) -> None:
        """But for `refused`: which of two contents of one revision comes first is not told by the lines."""
        for path, there, here in different({**expected, "refused": None}, {**self.seen.state(), "refused": None}):
            if here is None:
                self.found.losses.append(f"the state has no {path}: {there}")
            else:
                self.found.double_effects.append(f"the state differs from the fold at {path}: {here}, not {there}")

    def intake(self) -> None:
        expected = {k.id: k.content for k in self.offline.ingest.facts.values()}
        kept = {(r["sequence"], r["key"], r["revision"]): r["content"] for r in self.rows["ingest.fact"]}
        self.found.compare("ingest's facts", expected, kept)

    def stores(self) -> None:
        for service in KEYED:
            stated.facts(self.found, service, self.offline, self.rows[f"{service}.fact"])
            stated.conclusions(self.found, service, self.offline, self.stored[service])

    # The topics

    def published(self) -> None:
        """Every fact that ingest publishes is there, to each partition that it concerns, and each time the same."""
        expected = {
            (topic, partition, dict(record.headers)["ce_id"])
            for (topic, partition), log in self.offline.broker.logs.items()
            if topic in FACTS
            for record in log
        }
        found: dict[Any, set[bytes]] = defaultdict(set)
        for place, value, headers in self.sound(FACTS.__contains__):
            topic, partition, _ = place.split("/")
            named = headers["ce_type"] == NAMED  # by every registration of the area anew
            found[topic, int(partition), headers["ce_id"]].add(b"" if named else value)
        counts = {key: len(values) for key, values in found.items()}
        self.found.compare("published facts", dict.fromkeys(expected, 1), counts)

    def conclusions(self) -> None:
        published = Published(self.sound(CONCLUDED.__contains__))
        published.compare(self.found, chain.from_iterable(stored.values() for stored in self.stored.values()))
        for service, kind, says in (
            ("quota", LINES, journals.ledgers),
            ("matching", DECISIONS, journals.decisions),
        ):
            rows = self.rows[f"{service}.journal"]
            journals.whole(self.found, kind, rows, published)
            says(self.found, rows, self.stored[service])

    def receipts(self) -> None:
        arrived = {place: value for place, value, _ in self.sound(is_inbound)}
        wrong = [f"{p} is not what was sent: {v!r}" for p, v in self.told.sent.items() if arrived.get(p) != v]
        self.found.losses += wrong
        told = self.sound(lambda topic: topic.endswith(".receipts.v1"))
        fates.receipts(self.found, told, arrived, self.rows["ingest.fact"])

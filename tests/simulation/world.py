"""What survives any crash: the broker's logs, the group's mind, the database. And the processes, which do not."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.runtime.contract import Outgoing
from shared.runtime.memory import MemoryStore
from tests.simulation.facts import AT, TASKS, TOPICS, Sent, script

if TYPE_CHECKING:
    from tests.simulation.replica import Replica

SERVICE, MOST = "quota", 3


class World:
    """One run of one seed. `without`: the guard that is taken out; `seen`: which faults really came."""

    def __init__(self, seed: int, without: str = "") -> None:
        self.lots, self.without = random.Random(seed), without
        self.script = script(self.lots)
        self.log: dict[tuple[str, int], list[Sent]] = defaultdict(list)
        self.out: dict[str, list[Outgoing]] = defaultdict(list)
        self.store = MemoryStore()
        self.replicas: list[Replica] = []
        self.owners: set[Replica] = set()
        self.calm = False
        self.broken: list[str] = []
        self.seen: Counter[str] = Counter()
        self.skew = timedelta(0)

    def clock(self) -> datetime:
        """The machine's clock, which is moved under the services' feet."""
        return AT + self.skew

    def start(self) -> "Replica":
        from tests.simulation.replica import Replica

        replica = Replica(self)
        self.replicas.append(replica)
        return replica

    def kill(self, victim: "Replica") -> None:
        """Without a word; another one is started in its place."""
        victim.alive = False
        self.replicas.remove(victim)
        self.start()
        self.seen["kill"] += 1

    def receive(self, topic: str, records: Iterable[Outgoing]) -> None:
        """What the service publishes; its own topic it reads again."""
        for record in records:
            self.out[topic].append(record)
            if topic in TOPICS:
                place = topic, record.partition
                self.log[place].append(Sent(*place, record.key or b"", record.value, tuple(record.headers)))

    def rebalance(self) -> None:
        """The group gives every task to one of those that answer; they hear of it when they hear of it."""
        live = [r for r in self.replicas if r.alive and not r.frozen]
        self.owners = set()
        for number, replica in enumerate(live):
            mine = {t for n, t in enumerate(TASKS) if n % len(live) == number}
            if mine:
                self.owners.add(replica)
            replica.told(mine, self.lots.uniform(0, 1.5))
        self.seen["rebalance"] += 1

    def offset(self, task: str, topic: str) -> int:
        """The stored one."""
        known = self.store.tasks.get(task)
        return known.offsets.get(topic, 0) if known else 0

    def quiet(self) -> bool:
        """All is consumed and published."""
        consumed = all(self.offset(str(n), topic) == len(records) for (topic, n), records in self.log.items())
        return consumed and not self.store.outbox and all(t.cursor is None for t in self.store.tasks.values())

"""The observer of the core and the relay that counts: what they tell, into the metrics, once per batch."""

from collections import Counter
from collections.abc import Sequence
from time import monotonic, time

from shared.metrics import Metrics, family
from shared.runtime.contract import Draft, Record
from shared.runtime.lag import Lag
from shared.runtime.signals import Signals

WHYS = ("fenced", "gap", "full", "fault", "refused", "flood", "emptied")


class Counting:
    """`beat`: when the keeper's loop last turned, monotonic. `signals` are told of what is written, too."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics, self.lag = metrics, Lag()
        self.signals: Sequence[Signals] = ()
        self.beat = monotonic()
        for why in WHYS:
            metrics.dropped.labels(why)

    def committed(self, drafts: Sequence[Draft], seconds: float) -> None:
        self.metrics.commit_seconds.observe(seconds)
        for draft in drafts:
            for reason, records in draft.letters.items():
                self.metrics.dead_letters.labels(reason).inc(records)
            for signals in self.signals:
                signals.committed(draft)

    def handled(self, records: Sequence[Record], seconds: float) -> None:
        self.metrics.batch_seconds.observe(seconds)
        self.metrics.batch_records.observe(len(records))
        self.metrics.event_age.observe(max(0.0, time() - min(r.timestamp for r in records) / 1000))
        for topic, number in Counter(r.topic for r in records).items():
            self.metrics.records.labels(family(topic)).inc(number)
        self.lag.consumed(records)

    def dropped(self, why: str) -> None:
        self.metrics.dropped.labels(why).inc()

    def assigned(self) -> None:
        self.metrics.rebalances.inc()

    def turned(self) -> None:
        self.beat = monotonic()
        self.metrics.heartbeat.set_to_current_time()

    def published(self, topic: str, records: int) -> None:
        self.metrics.published.labels(family(topic)).inc(records)

    def statement(self, seconds: float, failed: bool) -> None:
        """Of the pool: a statement and how long it took."""
        self.metrics.statements.inc()
        self.metrics.statement_seconds.observe(seconds)
        if failed:
            self.metrics.statement_errors.inc()

    def restarted(self) -> None:
        self.metrics.relay_restarts.inc()

"""Every metric of a service, in base units, with bounded labels: never an afdeling, a vacancy or an offer."""

from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.version import VERSION


class Metrics:
    """One service's metrics in a registry of their own; counted once per batch from what the service already knows."""

    def __init__(self, service: str) -> None:
        self.registry = registry = CollectorRegistry()
        # Which version runs: constant 1, the version is a label.
        build = Gauge("trappetrin_build_info", "Version that runs", ["service", "version"], registry=registry)
        build.labels(service, VERSION).set(1)
        # Records whose effects were committed, dead letters among them.
        self.records = Counter("trappetrin_records", "Records committed", registry=registry)
        # Batches that were committed, each in one statement.
        self.batches = Counter("trappetrin_batches", "Batches committed", registry=registry)
        # Load, step and commit of a batch; the relay is not in it.
        self.seconds = Histogram(
            "trappetrin_batch_seconds",
            "Time from records in hand to their commit",
            registry=registry,
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15),
        )
        # Tasks given up, by why: fenced, gap, fault, full. Each is claimed anew.
        self.dropped = Counter("trappetrin_tasks_dropped", "Tasks given up, claimed anew", ["why"], registry=registry)
        # Records that became dead letters.
        self.dead_letters = Counter("trappetrin_dead_letters", "Records that became dead letters", registry=registry)
        # Tasks that this process owns, and those it refuses to go on with until somebody looks.
        self.tasks = Gauge("trappetrin_tasks", "Tasks claimed by this process", registry=registry)
        self.halted = Gauge("trappetrin_tasks_halted", "Tasks stopped until somebody looks", registry=registry)
        # Committed rows that the broker has not acknowledged yet, as far as this process knows.
        self.outbox = Gauge("trappetrin_outbox_rows", "Outbox rows waiting for the broker", registry=registry)
        # When the keeper's loop last turned, as seconds since 1970.
        self.heartbeat = Gauge("trappetrin_heartbeat_timestamp_seconds", "When the loop last turned", registry=registry)


class Counting:
    """The core's observer: what it tells, into the metrics; `beat` is when the keeper's loop last turned, monotonic."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics, self.beat = metrics, monotonic()

    def committed(self, records: int, tasks: int, seconds: float) -> None:
        self.metrics.records.inc(records)
        self.metrics.batches.inc()
        self.metrics.seconds.observe(seconds)

    def dropped(self, why: str) -> None:
        self.metrics.dropped.labels(why).inc()

    def buried(self, records: int) -> None:
        self.metrics.dead_letters.inc(records)

    def turned(self) -> None:
        self.beat = monotonic()
        self.metrics.heartbeat.set_to_current_time()

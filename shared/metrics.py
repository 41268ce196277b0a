"""Every metric of the system, in base units, with bounded labels: never an afdeling, a vacancy or an offer.

Counted once per batch from what a service already knows, or read every few seconds of a process's own tasks only, so
that the sum over a service's processes is the whole. What is none is 0, so that no expression is empty without a cause.
`service` and `instance` are labels of whoever scrapes.
"""

import re
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from shared.version import VERSION

QUICK = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
AGES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 3600, 86400)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)


@lru_cache(maxsize=4096)
def family(topic: str) -> str:
    """The topic as a label: senders' own topics under one name, `org.*.in.v1`."""
    return re.sub(r"^(org|municipality)\.[0-9]{4}\.", r"\1.*.", topic)


class Metrics:
    """What every service has."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        # CPU seconds, resident memory, open files, start time.
        ProcessCollector(registry=registry)

        def counter(name: str, told: str, *labels: str) -> Counter:
            return Counter(f"trappetrin_{name}", told, labels, registry=registry)

        def gauge(name: str, told: str, *labels: str) -> Gauge:
            return Gauge(f"trappetrin_{name}", told, labels, registry=registry)

        def histogram(name: str, told: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"trappetrin_{name}", told, registry=registry, buckets=buckets)

        # Which version runs: constant 1, the version is a label.
        gauge("build_info", "Version that runs", "version").labels(VERSION).set(1)

        # Rate, errors, duration.

        # Records whose effects were committed, dead letters among them, by the topic they came from.
        self.records = counter("records", "Records committed", "topic")
        # Records that became dead letters, by kind of reason: of keyed services `invalid`, `refused` by the database or
        # a step that `raised`; of ingest the kind of the refusal.
        self.dead_letters = counter("dead_letters", "Records that became dead letters", "reason")
        # Records that the broker acknowledged, by the topic they went to.
        self.published = counter("published_records", "Records acknowledged by the broker", "topic")
        # From records in hand to their commit: load, step and commit; the relay is not in it.
        self.batch_seconds = histogram("batch_seconds", "Time from records in hand to their commit", QUICK)
        # Records a batch.
        self.batch_records = histogram("batch_records", "Records committed in one batch", SIZES)
        # Age of the oldest record of a batch at its commit, by the broker's clock when it took the record.
        self.event_age = histogram("event_age_seconds", "Age of a batch's oldest record at its commit", AGES)

        # The database.

        # The one statement that commits a batch or a chunk of a re-evaluation, for all its tasks.
        self.commit_seconds = histogram("commit_seconds", "Time of the statement that commits", QUICK)
        # All statements, whatever for; divided by batches it is statements a batch.
        self.statements = counter("statements", "Statements sent to the database")
        # How long each took, waiting for locks included.
        self.statement_seconds = histogram("statement_seconds", "Time of a statement", QUICK)
        # Statements that the database refused or that ran out of time.
        self.statement_errors = counter("statement_errors", "Statements that failed")
        # Connections of the pool: open, idle among them, and how many there may be.
        self.pool = gauge("pool_connections", "Connections of the pool", "state")
        # 1 when the last look at the database succeeded.
        self.database = gauge("database_up", "Whether the database answered the last look")

        # Tasks.

        # Tasks that this process owns, those that exist for all its replicas together, and those that it refuses to go
        # on with until somebody looks.
        self.tasks = gauge("tasks", "Tasks claimed by this process")
        self.tasks_expected = gauge("tasks_expected", "Tasks that all replicas of the service have together")
        self.halted = gauge("tasks_halted", "Tasks stopped until somebody looks")
        # Tasks given up, by why: fenced (another process has claimed it: the fence refused us), gap, fault, full,
        # refused, emptied or flood. Each but the last is claimed anew; of emptied ones the claim tells why, and halts.
        self.dropped = counter("tasks_dropped", "Tasks given up, claimed anew", "why")
        # How often the group assigned partitions to this process.
        self.rebalances = counter("rebalances", "Assignments by the group")
        # Tasks with a re-evaluation under way.
        self.reconsidering = gauge("tasks_reconsidering", "Tasks that re-evaluate their afdelinger")
        # When the keeper's loop last turned, as seconds since 1970.
        self.heartbeat = gauge("heartbeat_timestamp_seconds", "When the loop last turned")
        # 1 when the process is ready, as /ready tells it.
        self.ready = gauge("ready", "Whether the process is ready")

        # Lag, of the tasks that the group gave this process, claimed or not.

        # Records between what was committed and the topic's end.
        self.lag_records = gauge("lag_records", "Records not committed yet", "topic")
        # For how long the oldest of them has been there.
        self.lag_seconds = gauge("lag_seconds", "Age of the oldest record not committed yet", "topic")
        # 1 when the last look at the ends of the topics succeeded.
        self.broker = gauge("broker_up", "Whether the broker answered the last look")

        # The outbox: committed and not acknowledged by the broker yet.

        # Rows in the table.
        self.outbox_rows = gauge("outbox_rows", "Rows of the outbox")
        # For how long the first row of a task has been the first: at the least, since it was first seen.
        self.outbox_oldest = gauge("outbox_oldest_seconds", "Age of the oldest row of the outbox")
        # How often the relay began anew with a fresh producer.
        self.relay_restarts = counter("relay_restarts", "Faults of the relay, after which it began anew")

        # The agreement's own signals.

        # When they were last read, as seconds since 1970, and how long that took.
        self.signals_at = gauge("signals_timestamp_seconds", "When the agreement's signals were last read")
        self.signals_seconds = gauge("signals_seconds", "How long it took to read the agreement's signals")
        # Entities whose state lacks a record that became a dead letter.
        self.incomplete = gauge("incomplete_entities", "Entities whose state lacks a dead letter")


class IngestMetrics:
    """What ingest has besides."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Inbound events by fate: accepted, parked, released, duplicate, refused.
        self.events = Counter("trappetrin_inbound_events", "Fates of inbound events", ["fate"], registry=registry)
        # Events that wait, by for what: that their afdeling is registered.
        self.parked = Gauge("trappetrin_parked_events", "Events that wait", ["reason"], registry=registry)
        # For how long the oldest of them has waited.
        self.oldest_parked = Gauge(
            "trappetrin_oldest_parked_event_seconds", "Age of the oldest parked event", registry=registry
        )


class ColourMetrics:
    """What the classifier has besides."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Afdelinger by the colour that the newest facts lead to.
        self.afdelinger = Gauge(
            "trappetrin_afdelinger", "Afdelinger by colour, by the newest facts", ["colour"], registry=registry
        )
        # How long ago the newest of the ministry's lists was published, by its date; 0 while none is known.
        self.list_age = Gauge("trappetrin_newest_list_age_seconds", "Age of the newest list", registry=registry)
        # Changes of colour in the timelines that were published, by the colours before and after.
        self.changes = Counter(
            "trappetrin_colour_changes", "Changes of colour told", ["before", "after"], registry=registry
        )


class QuotaMetrics:
    """What quota has besides."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Homes over all afdelinger: due, reported, owed, credit.
        self.homes = Gauge("trappetrin_quota_homes", "Homes of the 25 %", ["count"], registry=registry)
        # Vacancies over all afdelinger: counting, suspended, excluded.
        self.vacancies = Gauge("trappetrin_vacancies", "Vacancies by how they count", ["count"], registry=registry)
        # Afdelinger that owe homes.
        self.owing = Gauge("trappetrin_afdelinger_owing", "Afdelinger that owe homes", registry=registry)
        # Since when the longest owing of them owes, as an age; 0 while it is not told.
        self.owed_age = Gauge("trappetrin_oldest_owed_home_seconds", "How long homes have been owed", registry=registry)


class OfferMetrics:
    """What matching has besides."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Versions of decisions that were made, by outcome, and the reasons in them, by code and kind.
        self.decisions = Counter("trappetrin_decisions", "Decisions made", ["outcome"], registry=registry)
        self.reasons = Counter(
            "trappetrin_decision_reasons", "Reasons of decisions made", ["reason", "kind"], registry=registry
        )
        # Offers by the outcome that stands.
        self.offers = Gauge("trappetrin_offers", "Offers by the outcome that stands", ["outcome"], registry=registry)
        # Offers that could be used, or that two people must look at, and that nobody has answered: how many, and how
        # old the oldest of each outcome is, from the day on which it was submitted.
        self.unanswered = Gauge("trappetrin_offers_unanswered", "Offers to answer", ["outcome"], registry=registry)
        self.unanswered_age = Gauge(
            "trappetrin_oldest_unanswered_offer_seconds", "Age of the oldest of them", ["outcome"], registry=registry
        )

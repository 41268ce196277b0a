"""What the databases hold of topics, as the records that it was, and its way into them in the services' stead."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
from confluent_kafka import KafkaError, Message, Producer

from services.cli.ground.reading import Impossible
from services.cli.ground.said import concluded as conclusion_of
from services.cli.publish import FLUSH
from services.ingest.service import publications
from services.ingest.store import kept
from shared.events.decoding import encode
from shared.events.internal import Chained
from shared.events.partitioning import partition_of
from shared.events.topics import INTERNAL, READS, concluded
from shared.runtime.contract import Outgoing

AT_ONCE = 1_000

# Everything that was accepted, in the order in which it was.
FACTS = """
SELECT kind, body, content, topic, partition, "offset", source, event_id, event_type, recorded_at, trace
FROM ingest.fact WHERE NOT parked ORDER BY recorded_at, topic, partition, "offset"
"""
CONCLUSIONS = "SELECT kind, body FROM {schema}.conclusion WHERE kind = ANY($1) ORDER BY task, entity, kind, key"
JOURNALS = "SELECT kind, body FROM {schema}.journal WHERE kind = ANY($1) ORDER BY task, entity, kind, number"


async def said(connection: asyncpg.Connection, lost: set[str]) -> AsyncIterator[tuple[str, Outgoing]]:
    """All that the databases hold of these topics; in a transaction, since it is read by cursors."""
    if any(INTERNAL[t].owner == "ingest" for t in lost & INTERNAL.keys()):
        async for row in connection.cursor(FACTS, prefetch=AT_ONCE):
            for topic, record in publications(kept(row)):
                if topic in lost:
                    yield topic, record
    for service in READS:
        kinds = {m.kind: m for t in lost & INTERNAL.keys() if INTERNAL[t].owner == service for m in INTERNAL[t].carries}
        chained = [kind for kind, model in kinds.items() if issubclass(model, Chained)]
        async for kind, body in connection.cursor(JOURNALS.format(schema=service), chained, prefetch=AT_ONCE):
            record = outgoing(service, kind, body)
            yield concluded(service, kind) or "", record._replace(value=body.encode())
        rest = [kind for kind in kinds if kind not in chained]
        async for kind, body in connection.cursor(CONCLUSIONS.format(schema=service), rest, prefetch=AT_ONCE):
            yield concluded(service, kind) or "", outgoing(service, kind, body)


def outgoing(service: str, kind: str, body: str) -> Outgoing:
    told = conclusion_of(kind, body)
    return Outgoing(partition_of(told.entity()), *encode(told, service))


class Writer:
    """Into the topics in the services' stead; which are acknowledged is counted. Both methods raise `Impossible`."""

    def __init__(self, producer: Producer) -> None:
        self.producer, self.sent, self.failed = producer, Counter[str](), list[str]()

    def write(self, topic: str, record: Outgoing) -> None:
        self.check()

        def done(error: KafkaError | None, _message: Message) -> None:
            if error:
                self.failed.append(f"{topic}: {error.str()}")
            else:
                self.sent[topic] += 1

        headers: Any = list(record.headers)
        while True:
            try:
                self.producer.produce(
                    topic, record.value, record.key, record.partition, headers=headers, on_delivery=done
                )
                break
            except BufferError:
                self.producer.poll(0.5)
        self.producer.poll(0)

    def finish(self) -> None:
        if left := self.producer.flush(FLUSH):
            self.failed.append(f"{left} records were not acknowledged within {FLUSH:g} s")
        self.check()

    def check(self) -> None:
        """One that was not taken is enough: all is written again then."""
        if self.failed:
            raise Impossible(f"not all was written, run it again: {'; '.join(sorted(set(self.failed))[:5])}")

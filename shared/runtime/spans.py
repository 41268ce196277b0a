"""Spans on their way to a collector, by OTLP over HTTP. Sampling, queue and export are OpenTelemetry's own, set by the
`OTEL_…` variables; a span is given whole, when its end is known, since by the SDK's tracer it costs twice as much.
"""

import threading
from collections.abc import Sequence
from typing import NamedTuple

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, ParentBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from shared.version import VERSION

GRACE = 2.0
FINE, WRONG = Status(), Status(StatusCode.ERROR)
Told = dict[str, str | int | float]


class Span(NamedTuple):
    """`trace`, `parent` and `links` are `traceparent`s; times are nanoseconds since 1970."""

    name: str
    trace: str
    since: int
    until: int
    told: Told
    parent: str | None = None
    links: Sequence[str] = ()
    wrong: bool = False


class Spans:
    """Of one process. Sending neither waits nor raises: what the queue cannot hold is dropped, and logged."""

    def __init__(self, service: str, instance: str) -> None:
        told = {"service.namespace": "trappetrin", "service.name": service, "service.version": VERSION}
        provider = TracerProvider(
            resource=Resource.create(told | {"service.instance.id": instance}), shutdown_on_exit=False
        )
        self.resource, self.ids, self.sampler = provider.resource, provider.id_generator, provider.sampler
        self.follows = isinstance(self.sampler, ParentBased)
        self.processor = BatchSpanProcessor(OTLPSpanExporter())
        # What is the same of every span is told once a request.
        same = {"messaging.system": "kafka", "messaging.operation.type": "process"}
        group = {"messaging.consumer.group.name": f"trappetrin.{service}"}
        self.scope = InstrumentationScope("trappetrin", VERSION, attributes=same | group)

    def begin(self, parent: str | None = None) -> str:
        """The `traceparent` of a span to come: of the parent's trace, or else of a new one."""
        trace = parent[3:35] if parent else f"{self.ids.generate_trace_id():032x}"
        sampled = is_sampled(parent) if parent and self.follows else self.samples(int(trace, 16))
        return f"00-{trace}-{self.ids.generate_span_id():016x}-{'01' if sampled else '00'}"

    def samples(self, trace: int) -> bool:
        return self.sampler.should_sample(None, trace, "process").decision is Decision.RECORD_AND_SAMPLE

    def send(self, span: Span) -> None:
        self.processor.on_end(
            ReadableSpan(
                span.name,
                context_of(span.trace),
                context_of(span.parent) if span.parent else None,
                self.resource,
                span.told,
                links=[Link(context_of(other)) for other in span.links],
                kind=SpanKind.CONSUMER,
                instrumentation_scope=self.scope,
                status=WRONG if span.wrong else FINE,
                start_time=span.since,
                end_time=span.until,
            )
        )

    def close(self) -> None:
        """What is queued still goes, for a short while: the SDK would wait 30 s for a collector that is away."""
        closing = threading.Thread(target=self.processor.shutdown, daemon=True)
        closing.start()
        closing.join(GRACE)


def is_sampled(trace: str) -> bool:
    return int(trace[53:55], 16) & 1 == 1


def context_of(trace: str) -> SpanContext:
    flags = TraceFlags(int(trace[53:55], 16))
    return SpanContext(int(trace[3:35], 16), int(trace[36:52], 16), is_remote=True, trace_flags=flags)

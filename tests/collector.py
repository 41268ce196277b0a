"""A collector that takes spans as OpenTelemetry's own does, by OTLP over HTTP; as a process of its own it only counts:
`python -m tests.collector` tells its address, and at the end of its input how many spans came.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.receiver import Receiver

LIMIT = 30.0


class Seen(NamedTuple):
    """A span as it came. Ids are in hexadecimal; links are (trace, span)."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    links: tuple[tuple[str, str], ...]
    told: dict[str, Any]
    wrong: bool
    seconds: float


class Collector(Receiver):
    """`status`: what it answers; anything but 200 is a collector in need."""

    def __init__(self, status: int = 200) -> None:
        self.spans: list[Seen] = []
        self.requests, self.status = 0, status
        super().__init__(self.take)

    def take(self, _path: str, body: bytes) -> int:
        self.requests += 1
        if self.status == 200:
            self.spans += seen(ExportTraceServiceRequest.FromString(body))
        return self.status

    def until(self, done: Callable[[list[Seen]], bool]) -> list[Seen]:
        """The spans, once they are as they should be."""
        deadline = time.monotonic() + LIMIT
        while not done(self.spans):
            assert time.monotonic() < deadline, sorted((s.service, s.name, s.trace) for s in self.spans)
            time.sleep(0.05)
        return self.spans


def seen(request: ExportTraceServiceRequest) -> Iterator[Seen]:
    for resource in request.resource_spans:
        service = attributes(resource.resource)["service.name"]
        for span in (s for scope in resource.scope_spans for s in scope.spans):
            yield Seen(
                service,
                span.name,
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                attributes(span),
                span.status.code == span.status.STATUS_CODE_ERROR,
                (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
            )


def attributes(of: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in of.attributes}


@contextmanager
def collecting(status: int = 200) -> Iterator[Collector]:
    collector = Collector(status)
    try:
        yield collector
    finally:
        collector.close()


if __name__ == "__main__":
    with collecting() as counting:
        sys.stdout.write(f"{counting.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
        sys.stdout.write(f"{len(counting.spans)}\n")

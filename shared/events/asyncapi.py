"""`python -m shared.events.asyncapi [--check]`: an AsyncAPI 3 document per service, from the registry of topics.

What it reads and what it writes, with keys, partitions, retention and the headers of every message; payloads are the
committed JSON Schemas.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from shared.events.cloudevents import TRACEPARENT
from shared.events.generated import ROOT, command, text_of
from shared.events.ids import type_of
from shared.events.inbound import Inbound
from shared.events.schemas import file_of
from shared.events.topics import INTERNAL, READS, SERVICES, Topic, dead_letters, inbound_topics, operations_topics
from shared.version import VERSION

FOLDER = ROOT / "docs" / "asyncapi"
ORGANISATION, MUNICIPALITY = "0123", "0851"
"""Stand for any: in the documents these are parameters."""
PARAMETERS = {
    "organisation": {"description": "Number of the housing organisation, four digits"},
    "municipality": {"description": "Code of the municipality, four digits"},
}
TEXT = {"type": "string"}
HEADERS = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "content-type"],
    "properties": {
        **{f"ce_{name}": TEXT for name in ("id", "source", "time", "subject", "dataschema")},
        "ce_specversion": {"const": "1.0"},
        "ce_type": TEXT,
        "content-type": {"const": "application/json"},
        TRACEPARENT: {"type": "string", "description": "The trace that it is of, as W3C has it; optional"},
    },
}
DEAD = "dead-letter"
LETTER = {
    "name": DEAD,
    "summary": "A record as it was received, with the reason in headers of its own",
    "headers": {
        "type": "object",
        "properties": {
            f"dead_letter_{n}": TEXT for n in ("reason", "error", "topic", "partition", "offset", "time", "cut")
        },
    },
}


def documents() -> dict[str, str]:
    return {f"{service}.json": text_of(document(service)) for service in SERVICES}


def document(service: str) -> dict[str, Any]:
    receives, sends = list(read_by(service)), list(written_by(service))
    channels = {id_of(t): channel(t) for t in (*receives, *sends)}
    actions = [("receive", t) for t in receives] + [("send", t) for t in sends]
    kinds = sorted({kind for t in (*receives, *sends) for kind in carried(t)})
    return {
        "asyncapi": "3.0.0",
        "info": {"title": f"Trappetrin {service}", "version": VERSION},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": {
            f"{action} {id_of(t)}": {"action": action, "channel": {"$ref": f"#/channels/{id_of(t)}"}}
            for action, t in actions
        },
        "components": {"messages": {kind: LETTER if kind == DEAD else message(kind) for kind in kinds}},
    }


def read_by(service: str) -> Iterator[Topic]:
    if service == "ingest":
        yield from (t for t in outside() if t.owner != "ingest")
    else:
        yield from (INTERNAL[name] for name in READS[service])


def written_by(service: str) -> Iterator[Topic]:
    yield from (t for t in INTERNAL.values() if t.owner == service)
    if service == "ingest":
        yield from (t for t in outside() if t.owner == "ingest")


def outside() -> list[Topic]:
    """Topics between ingest and the senders."""
    return [*inbound_topics([ORGANISATION], [MUNICIPALITY]), *operations_topics()]


def address_of(topic: Topic) -> str:
    """With parameters in the place of the sender's own number."""
    first, _, rest = topic.name.partition(".")
    named = {"org": "{organisation}", "municipality": "{municipality}"}.get(first)
    return f"{first}.{named}.{rest.partition('.')[2]}" if named else topic.name


def id_of(topic: Topic) -> str:
    return address_of(topic).replace("{", "").replace("}", "")


def channel(topic: Topic) -> dict[str, Any]:
    address = address_of(topic)
    parameters = {name: told for name, told in PARAMETERS.items() if f"{{{name}}}" in address}
    return {
        "address": address,
        "description": f"{topic.description}. Key: {topic.key}. Written by {owner_of(topic)}.",
        **({"parameters": parameters} if parameters else {}),
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in carried(topic)},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": topic.retention_ms,
                    "max.message.bytes": topic.max_message_bytes,
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def owner_of(topic: Topic) -> str:
    return topic.owner.replace(f" {ORGANISATION}", "").replace(f" {MUNICIPALITY}", "")


def carried(topic: Topic) -> Iterable[str]:
    """Names of the messages: kinds of events."""
    if topic.name in {dead_letters(service) for service in SERVICES}:
        return [DEAD]
    recorded = "recorded." if topic.owner == "ingest" else ""
    return [f"{recorded}{m.kind}" if issubclass(m, Inbound) else m.kind for m in topic.carries]


def message(kind: str) -> dict[str, Any]:
    return {
        "name": type_of(kind),
        "contentType": "application/json",
        "headers": HEADERS,
        "payload": {"$ref": f"../../schemas/{file_of(kind)}"},
    }


if __name__ == "__main__":
    sys.exit(command(FOLDER, documents(), "*.json"))

"""From bytes to facts and back: what ingest reads (strict), what the services tell one another (tolerant), what a
database row holds. The same models everywhere, exact both ways.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from shared.events.canonical import digest
from shared.events.cloudevents import Envelope, Invalid, from_line, path_of, read_json, rule_of
from shared.events.ids import PREFIX, RECORDED, SUFFIX, event_id, type_of
from shared.events.inbound import KINDS, MODELS, Inbound
from shared.events.internal import PUBLISHED, UNPUBLISHED, AreaNamed, Conclusion, Receipt, Recorded
from shared.events.topics import inbound_topic_for
from shared.runtime.contract import EVERYONE, Fact, Record

CONCLUSIONS: Mapping[str, type[Conclusion]] = {m.kind: m for m in (*PUBLISHED, *UNPUBLISHED)}
NO_RETRACTION = {
    "agreement.published": "must not be given: an agreement is only replaced, by a higher revision",
    "vacancy.reported": "must not be given: a vacancy is cancelled by vacancy.cancelled",
    "offer.submitted": "must not be given: an offer is withdrawn by offer.withdrawn",
}
Told = Recorded[Any] | AreaNamed | Conclusion | Receipt


def inbound(envelope: Envelope) -> Inbound:
    """The fact that an event tells. Raises `Invalid`."""
    event = envelope.id, envelope.type
    kind = envelope.type.removeprefix(PREFIX).removesuffix(SUFFIX)
    if envelope.type != PREFIX + kind + SUFFIX or kind not in KINDS:
        raise Invalid("type", "must be a type of the contract", envelope.type, event)
    data = envelope.data
    if not isinstance(data, Mapping):
        raise Invalid("data", "must be an object", data, event)
    model = MODELS.get((kind, data.get("retracted") is True))
    if model is None:
        raise Invalid("data.retracted", NO_RETRACTION.get(kind, "must not be given for this type"), True, event)
    try:
        return model.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        first = min(error.errors(include_url=False), key=lambda e: e["type"] == "missing")
        compared = first.get("ctx", {}) if first["type"] == "rule" else {}
        path = path_of("data", *first["loc"], compared.get("field"))
        value = None if first["type"] == "missing" or isinstance(first["input"], Mapping) else first["input"]
        raise Invalid(path, rule_of(first), compared.get("value") or value, event) from None


def content_hash(fact: Inbound) -> str:
    """Same content, same hash: as decoded, decimals in their shortest form, a default that is given as one left out.

    Defaults are not in it: it is kept, and a field that a later version adds must not make old bytes other content.
    """
    return digest({"kind": fact.kind, "fact": fact.model_dump(mode="json", by_alias=True, exclude_defaults=True)})


def route(line: bytes, municipality: str = "0851") -> tuple[str, bytes]:
    """The inbound topic and the key of a file's line, from what can be read of it: the edge judges, not this."""
    try:
        told = read_json(line)
        kind, data = str(told["type"]).removeprefix(PREFIX).removesuffix(SUFFIX), told["data"]
        key = data.get("afdeling_id") or data.get("subject", {}).get("id") or kind
        return inbound_topic_for(kind, data, municipality), str(key).encode(errors="replace")[:200]
    except (Invalid, KeyError, TypeError, AttributeError):
        return inbound_topic_for(None, None, municipality), b""


def of_line(line: bytes) -> Inbound:
    """The fact of a file's line. Raises `Invalid`."""
    return inbound(from_line(line))


# What the services tell one another


def kind_of(told: Told) -> str:
    """The event's type without the prefix and the suffix."""
    return f"recorded.{told.fact.kind}" if isinstance(told, Recorded) else told.kind


def subject_of(told: Told) -> tuple[str, str]:
    """Entity (the topic's key, empty for what concerns everyone) and key within it."""
    match told:
        case Recorded():
            return told.fact.about() or EVERYONE, told.fact.key()
        case Conclusion():
            return told.entity(), told.key()
        case AreaNamed():
            return EVERYONE, told.area_id
        case Receipt():
            return EVERYONE, f"{told.topic}/{told.partition}/{told.offset}/{told.fate}"


def encode(told: Told, writer: str) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Key, value and headers in CloudEvents binary mode. The id is made of writer, entity and version: byte for byte
    the same event whenever it is published again.
    """
    kind, (entity, key) = kind_of(told), subject_of(told)
    version = 0 if isinstance(told, Receipt) else told.version
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id(writer, entity, kind, key, version).encode()),
        ("ce_source", f"trappetrin/{writer}".encode()),
        ("ce_type", type_of(kind).encode()),
        ("ce_time", told.recorded_at.isoformat().replace("+00:00", "Z").encode()),
        ("ce_subject", (entity or key).encode()),
        ("ce_dataschema", f"schemas/{kind}{SUFFIX}.json".encode()),
        ("content-type", b"application/json"),
    ]
    text = told.model_dump_json(by_alias=True, exclude_unset=isinstance(told, Recorded))
    return entity.encode(), text.encode(), headers


@lru_cache(maxsize=64)
def recorded_model(kind: str, retraction: bool) -> type[Recorded[Any]]:
    return Recorded.__class_getitem__(MODELS[kind, retraction])  # type: ignore[return-value]  # pydantic makes a class


def decode(record: Record) -> Fact:
    """An internal event as a fact of its entity; unknown fields are ignored. Raises `Invalid`."""
    headers = dict(record.headers)
    event_type = (headers.get("ce_type") or b"").decode(errors="replace")
    kind = event_type.removeprefix(PREFIX).removesuffix(SUFFIX)
    event = (headers.get("ce_id") or b"").decode(errors="replace"), event_type
    data = read_json(record.value or b"")
    try:
        if event_type.startswith(RECORDED):
            kind = kind.removeprefix("recorded.")
            retraction = isinstance(data, dict) and data.get("fact", {}).get("retracted") is True
            told = recorded_model(kind, retraction).model_validate(data, extra="ignore")
            fact = told.fact
            return Fact(fact.about() or EVERYONE, fact.kind, fact.key(), told.version, told.recorded_at, fact)
        if kind == AreaNamed.kind:
            area = AreaNamed.model_validate(data, extra="ignore")
            return Fact(EVERYONE, kind, area.area_id, area.version, area.recorded_at, area)
        concluded = CONCLUSIONS[kind].model_validate(data, extra="ignore")
        return Fact(concluded.entity(), kind, concluded.key(), concluded.version, concluded.recorded_at, concluded)
    except KeyError:
        raise Invalid("headers.ce_type", "must be an internal type", event_type, event) from None
    except (ValidationError, AttributeError) as error:
        first = (
            error.errors(include_url=False)[0]
            if isinstance(error, ValidationError)
            else {"loc": (), "type": "", "msg": str(error)}
        )
        path = path_of("data", *first["loc"])
        raise Invalid(path, rule_of(first), None, event) from None


# What a database row holds


def dump(body: BaseModel) -> str:
    """A fact's or a conclusion's JSON text; `restore` gives the same back."""
    return body.model_dump_json(by_alias=True, exclude_unset=isinstance(body, Inbound))


def restore(kind: str, body: str | bytes) -> BaseModel:
    """The model of a row by its kind. What a newer version beside this one has written there besides is ignored.

    Not by `read_json`: `dump` wrote it, without names that come twice, and numbers are whole and of
    64 bits. Raises `ValueError`, `KeyError` and `AttributeError` where somebody has altered it.
    """
    data = orjson.loads(body)
    if kind in KINDS:
        return MODELS[kind, data.get("retracted") is True].model_validate(data, extra="ignore")
    if kind == AreaNamed.kind:
        return AreaNamed.model_validate(data, extra="ignore")
    return CONCLUSIONS[kind].model_validate(data, extra="ignore")

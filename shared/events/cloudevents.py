"""CloudEvents 1.0 as they come in: Kafka binary mode, structured mode, and lines of a file. Strict, and exact.

Nothing here raises anything but `Invalid`, which says the field, the rule and the value, as a receipt does.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from shared.events.values import Id, Instant, JsonNumber, Strict

Headers = Sequence[tuple[str, bytes | None]]
STRUCTURED = "application/cloudevents+json"
TRACEPARENT = "traceparent"
"""The header, and the attribute, that tells of which trace an event is, as W3C has it."""
SHOWN = 200


Event = tuple[str | None, str | None]
"""Id and type of an event, as far as they could be read."""


class Invalid(Exception):
    """What is wrong with one event. `field` is a path such as `data.vacant_from` or `headers.ce_id`."""

    def __init__(self, field: str, rule: str, value: Any = None, event: Event = (None, None)) -> None:
        super().__init__(f"{field} {rule}")
        self.field, self.rule, self.value = field, rule, shown(value)
        self.event_id, self.event_type = event


def shown(value: Any) -> str | None:
    """A value as it is told back to its sender: text, at most 200 characters, printable."""
    if value is None:
        return None
    match value:
        case str() | JsonNumber():
            text = str(value)
        case bytes():
            text = repr(value)
        case _:
            text = json.dumps(value, default=str)
    text = "".join(c if c.isprintable() else "\ufffd" for c in text[: SHOWN + 1])
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


class Envelope(Strict):
    """Who says what about which type of event; `source` is the sender's own word and decides nothing."""

    specversion: Annotated[str, Field(pattern=r"^1\.0$")]
    id: Id
    source: Id
    type: Id
    time: Instant | None = None
    subject: Id | None = None
    dataschema: Id | None = None
    datacontenttype: Annotated[str, Field(pattern=r"^application/json")] | None = None
    traceparent: Id | None = None
    tracestate: str | None = None
    partitionkey: str | None = None
    data: Any


def read_json(text: bytes, field: str = "value") -> Any:
    """Exact JSON: numbers with a point as `JsonNumber`, no name twice, no NaN. Raises `Invalid`."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [n for n, _ in pairs]
            raise Invalid(field, "must not name an object's member twice", next(n for n in names if names.count(n) > 1))
        return found

    def never(constant: str) -> Any:
        raise Invalid(field, "must be JSON: NaN and Infinity are no numbers", constant)

    try:
        return json.loads(text.decode(), parse_float=JsonNumber, parse_constant=never, object_pairs_hook=once)
    except UnicodeDecodeError as error:
        raise Invalid(field, "must be UTF-8", text[error.start : error.start + 20]) from None
    except ArithmeticError:
        raise Invalid(
            field, "must be JSON with numbers that can be told exactly", text[:SHOWN].decode(errors="replace")
        ) from None
    except (ValueError, RecursionError) as error:
        raise Invalid(field, f"must be JSON: {str(error)[:100]}", text[:SHOWN].decode(errors="replace")) from None


def from_record(headers: Headers, value: bytes | None) -> Envelope:
    """Binary or structured by the content type. Raises `Invalid`."""
    attributes: dict[str, str] = {}
    for name, content in headers:
        try:
            name.encode()
            attributes[name] = (content or b"").decode()
        except UnicodeEncodeError:  # as it comes where its bytes were no UTF-8
            raw = name.encode(errors="surrogateescape")
            raise Invalid("headers", "must have names in UTF-8", raw, named(headers)) from None
        except UnicodeDecodeError:
            raise Invalid(f"headers.{name}", "must be UTF-8", content, named(headers)) from None
        if content is None:
            raise Invalid(f"headers.{name}", "must not be null", None, named(headers))
    event = attributes.get("ce_id"), attributes.get("ce_type")
    if not value:
        raise Invalid("value", "must not be empty", value, event)
    try:
        if attributes.get("content-type", "").startswith(STRUCTURED):
            return from_line(value)
        told: dict[str, Any] = {n.removeprefix("ce_"): v for n, v in attributes.items() if n.startswith("ce_")}
        told |= {n: attributes[n] for n in ("traceparent", "tracestate") if n in attributes}
        if "content-type" in attributes:
            told["datacontenttype"] = attributes["content-type"]
        told["data"] = read_json(value)
        return envelope(told, "headers.ce_")
    except Invalid as error:
        error.event_id, error.event_type = error.event_id or event[0], error.event_type or event[1]
        raise


def named(headers: Headers) -> Event:
    """Id and type of a record of which some header cannot be read."""
    found = {n: (v or b"").decode(errors="replace") for n, v in headers}
    return found.get("ce_id"), found.get("ce_type")


def from_line(line: bytes) -> Envelope:
    """Structured mode. Raises `Invalid`."""
    told = read_json(line)
    if not isinstance(told, Mapping):
        raise Invalid("value", "must be a CloudEvent: a JSON object", told)
    return envelope(told, "")


def envelope(told: Mapping[str, Any], prefix: str) -> Envelope:
    event = tuple(v if isinstance(v := told.get(n), str) else None for n in ("id", "type"))
    if "data" not in told:
        raise Invalid("data", "must be given", None, event)  # type: ignore[arg-type]  # two of them
    try:
        return ENVELOPE.validate_python(told)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = path_of(*first["loc"])
        place = (
            name
            if name in ("traceparent", "tracestate")
            else "headers.content-type"
            if prefix and name == "datacontenttype"
            else prefix + name
        )
        raise Invalid(place, rule_of(first), first["input"] if first["type"] != "missing" else None, event) from None  # type: ignore[arg-type]  # two of them


ENVELOPE = TypeAdapter(Envelope)
SENTENCES = {
    "missing": "must be given",
    "extra_forbidden": "is not a known field",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "none_required": "must be null",
}


def path_of(*parts: str | int | None) -> str:
    """A field's path, of pydantic's parts, without its mark for a name that is itself wrong."""
    return ".".join(str(p) for p in parts if p not in (None, "", "[key]"))


def rule_of(error: Mapping[str, Any]) -> str:
    """Pydantic's error as a rule in words."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in SENTENCES:
        return SENTENCES[kind]
    match kind:
        case "rule":
            return str(context["rule"])
        case "literal_error":
            return f"must be one of {context['expected']}".replace("'", "")
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "string_too_short" | "too_short":
            return "must not be empty"
        case "string_too_long":
            return f"must have at most {context['max_length']} characters"
        case "too_long":
            return f"must have at most {context['max_length']} members"
        case "string_pattern_mismatch":
            return f"must match {context['pattern']}"
        case _:
            return str(error["msg"])

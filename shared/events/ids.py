"""The id of an internal event: made of writer, entity, kind, key and version, so that it is the same whenever the event
is published again, and anyone can name an event without having seen it.
"""

from uuid import NAMESPACE_URL, uuid5

PREFIX, RECORDED, SUFFIX = "dk.trappetrin.", "dk.trappetrin.recorded.", ".v1"


def event_id(writer: str, entity: str, kind: str, key: str, version: int) -> str:
    """A UUIDv5 as text. `kind`: the event's type without the prefix and the suffix."""
    return str(uuid5(NAMESPACE_URL, f"{writer}\n{entity}\n{kind}\n{key}\n{version}"))


def type_of(kind: str) -> str:
    """The CloudEvents type of a kind."""
    return f"{PREFIX}{kind}{SUFFIX}"

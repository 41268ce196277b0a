"""Canonical JSON (RFC 8785 with all numbers as decimal text), and the versions by content that are made of it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from shared.agreement.document import Document
from shared.events.values import plain


def canonical(value: Any) -> str:
    """Names in the order of their UTF-16 code units, no spaces, 40 and 40.0 and "40" the same."""
    return json.dumps(texts(value), ensure_ascii=False, separators=(",", ":"))


def texts(value: Any) -> Any:
    match value:
        case bool() | None:
            return value
        case int() | Decimal():
            return plain(Decimal(value))
        case Mapping():
            return {str(k): texts(value[k]) for k in sorted(value, key=lambda k: str(k).encode("utf-16-be"))}
        case str():
            return value
        case Sequence():
            return [texts(v) for v in value]
        case _:
            return str(value)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def agreement_version(document: Document) -> str:
    """The version of an agreement: the digest of its document as it was sent (fields that were left out stay out)."""
    return _digest_of(document.model_dump_json(by_alias=True, exclude_unset=True))


@lru_cache(maxsize=256)
def _digest_of(text: str) -> str:
    """Every task of every service asks for the same few documents, so each is hashed once a process."""
    return digest(json.loads(text))

"""`python -m shared.events.schemas [--check]`: JSON Schemas for the data of all events, and for the agreement document.

Inbound types as they are validated (stated, or taken back), `recorded.*` as ingest passes them on, conclusions and
receipts. `schemas/history/` keeps every form that a schema ever had, so that a later one can be held against all.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.agreement.document import Document
from shared.events.decoding import recorded_model
from shared.events.generated import ROOT, command, text_of
from shared.events.ids import SUFFIX, type_of
from shared.events.inbound import MODELS, STATED
from shared.events.internal import PUBLISHED, AreaNamed, Receipt
from shared.events.topics import topic_of_model

FOLDER = ROOT / "schemas"
HISTORY = FOLDER / "history"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
DEFINED = "#/$defs/{model}"


def schemas() -> dict[str, dict[str, Any]]:
    """By kind: the event's type without prefix and suffix."""
    found = dict(sorted(models()))
    return {kind: schema(kind, of) for kind, of in found.items()}


def models() -> Iterator[tuple[str, list[type[BaseModel]]]]:
    for stated in STATED:
        forms = [(r, m) for r in (False, True) if (m := MODELS.get((stated.kind, r)))]
        yield stated.kind, [m for _, m in forms]
        if topic_of_model(stated) is not None:
            yield f"recorded.{stated.kind}", [recorded_model(stated.kind, r) for r, _ in forms]
    yield AreaNamed.kind, [AreaNamed]
    yield Receipt.kind, [Receipt]
    for model in PUBLISHED:
        yield model.kind, [model]
    yield "agreement.document", [Document]


def schema(kind: str, forms: list[type[BaseModel]]) -> dict[str, Any]:
    _, shared = models_json_schema([(m, "validation") for m in forms], ref_template=DEFINED, by_alias=True)
    names = [DEFINED.format(model=name) for name in names_of(forms, shared["$defs"])]
    whole = {"$ref": names[0]} if len(names) == 1 else {"oneOf": [{"$ref": n} for n in names]}
    event = {} if kind == "agreement.document" else {"title": type_of(kind)}
    return {"$schema": DIALECT, "$id": file_of(kind), **event, **whole, "$defs": shared["$defs"]}


def names_of(forms: list[type[BaseModel]], defined: Mapping[str, Any]) -> list[str]:
    """The names under which pydantic has put these models."""
    titles = {definition.get("title"): name for name, definition in defined.items()}
    return [titles[m.model_config.get("title") or m.__name__] for m in forms]


def file_of(kind: str) -> str:
    return f"{kind}{SUFFIX}.json"


def histories(current: Mapping[str, str]) -> dict[str, str]:
    """Each schema's former forms and its present one, a line each."""
    found = {}
    for name, text in current.items():
        file, line = HISTORY / f"{name}l", json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True)
        before = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        found[file.name] = "".join(f"{one}\n" for one in (before if line in before[-1:] else [*before, line]))
    return found


def main() -> int:
    current = {file_of(kind): text_of(told) for kind, told in schemas().items()}
    ended = command(FOLDER, current, "*.json")
    return max(ended, command(HISTORY, histories(current), "*.jsonl"))


if __name__ == "__main__":
    sys.exit(main())

"""Whether a later JSON Schema still takes all that an earlier one took: what is in the log must stay readable."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
TOLD = {"title", "description", "default", "$id", "$schema", "$defs", "examples"}
"""What says nothing about which values are taken."""
AT_LEAST, AT_MOST = {"minimum", "minLength", "minItems", "minProperties"}, {"maximum", "maxLength", "maxItems"}
BRANCHES = ("oneOf", "anyOf")


def breaks(earlier: Schema, later: Schema) -> list[str]:
    """What the later one would refuse, with the path; empty when it takes all. Unknown keywords must not change."""
    return list(compare(earlier, later, earlier, later, "data"))


def compare(old: Schema, new: Schema, earlier: Schema, later: Schema, path: str) -> Iterator[str]:
    old, new = resolved(old, earlier), resolved(new, later)
    branches, into = alternatives(old), alternatives(new)
    if len(branches) > 1 or len(into) > 1:
        for number, branch in enumerate(branches):
            if all(list(compare(branch, one, earlier, later, path)) for one in into):
                yield f"{path}: form {number + 1} of the earlier ones is no longer taken"
        return
    for name in sorted((old.keys() | new.keys()) - TOLD - {"properties", "required", "items", "additionalProperties"}):
        if (why := narrowed(name, old.get(name), new.get(name))) is not None:
            yield f"{path}: {name} {why}"
    yield from objects(old, new, earlier, later, path)
    if isinstance(new.get("items"), Mapping):
        yield from compare(old.get("items", {}), new["items"], earlier, later, f"{path}[]")


def objects(old: Schema, new: Schema, earlier: Schema, later: Schema, path: str) -> Iterator[str]:
    fields, known = old.get("properties", {}), new.get("properties", {})
    for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{path}.{name}: must be given now"
    for name, field in fields.items():
        if name in known:
            yield from compare(field, known[name], earlier, later, f"{path}.{name}")
        elif new.get("additionalProperties") is False:
            yield f"{path}.{name}: is not known any longer"
    extra, taken = old.get("additionalProperties", True), new.get("additionalProperties", True)
    if isinstance(extra, Mapping) and isinstance(taken, Mapping):
        yield from compare(extra, taken, earlier, later, f"{path}.*")
    elif extra is not False and taken is False:
        yield f"{path}: other fields are not taken any longer"


def narrowed(name: str, old: Any, new: Any) -> str | None:
    """Why the keyword takes less than before; None when it does not."""
    if old == new or new is None:
        return None
    if old is not None:
        if name in AT_LEAST and new <= old:
            return None
        if name in AT_MOST and new >= old:
            return None
        if name == "enum" and set(map(str, old)) <= set(map(str, new)):
            return None
    return f"was {old}, is {new}" if old is not None else f"is new: {new}"


def resolved(schema: Schema, whole: Schema) -> Schema:
    """The definition that a reference names."""
    while "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def alternatives(schema: Schema) -> list[Schema]:
    return next((list(schema[b]) for b in BRANCHES if b in schema), [schema])

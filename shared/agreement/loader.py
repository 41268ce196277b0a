"""Reads an agreement from a YAML file into the JSON-able document that `agreement.published` carries.

Days become text, decimals exact text, numeric keys text; numbers with a leading zero are codes and stay text. The
document is checked as the edge checks it. Errors: `InvalidAgreement`, one line a broken rule with the field's path,
the rule and the value; `OSError` where there is no such file.
"""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from shared.agreement.document import Document
from shared.events.cloudevents import path_of, rule_of, shown
from shared.events.values import plain

AALBORG = Path(__file__).with_name("aalborg.yaml")
"""The agreement of Aalborg as far as it is public; what is not says `assumption`."""


class InvalidAgreement(ValueError):
    """The file does not hold an agreement; the message says where, which rule, and what stands there."""


class _Exact(yaml.SafeLoader):
    """YAML as it is written: no binary floats, no dates, no octal numbers, and no key twice."""


def _number(loader: _Exact, node: yaml.ScalarNode) -> int | str:
    text = str(loader.construct_scalar(node))
    if text.isdecimal() and (text == "0" or not text.startswith("0")):
        return int(text)
    try:
        return text if text.isdecimal() else plain(Decimal(text))
    except InvalidOperation:
        return text


def _text(loader: _Exact, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


def _object(loader: _Exact, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in node.value:
        key = str(loader.construct_object(name, deep=True))
        if key in found:
            raise yaml.constructor.ConstructorError(problem=f"{key} stands twice", problem_mark=name.start_mark)
        found[key] = loader.construct_object(value, deep=True)
    return found


_Exact.add_constructor("tag:yaml.org,2002:int", _number)
_Exact.add_constructor("tag:yaml.org,2002:float", _number)
_Exact.add_constructor("tag:yaml.org,2002:timestamp", _text)
_Exact.add_constructor("tag:yaml.org,2002:map", _object)


def load(path: Path) -> dict[str, Any]:
    """The document of the file, ready for JSON. Raises `InvalidAgreement` or `OSError`."""
    try:
        document = yaml.load(path.read_text("utf-8"), Loader=_Exact)  # noqa: S506 - the loader is a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidAgreement(f"{path}: must be YAML in UTF-8; {error}") from error
    if not isinstance(document, dict):
        raise InvalidAgreement(f"{path}: must be an object with the agreement's fields; it is {document!r:.200}")
    try:
        Document.model_validate(document)
    except ValidationError as error:
        raise InvalidAgreement("\n".join(f"{path}: {line}" for line in _broken_rules(error))) from error
    return document


def _broken_rules(error: ValidationError) -> Iterator[str]:
    for one in error.errors(include_url=False):
        compared = one.get("ctx", {}) if one["type"] == "rule" else {}
        path = path_of(*one["loc"], compared.get("field")) or "the document"
        value = None if one["type"] == "missing" or isinstance(one["input"], dict) else one["input"]
        found = shown(compared.get("value") or value)
        yield f"{path} {rule_of(one)}" + (f"; it is {found}" if found else "")

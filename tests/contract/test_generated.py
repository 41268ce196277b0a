"""What is generated and committed is what the code says, and nothing that was ever valid is refused later."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from services.cli.evaluate import fold_files
from shared.events import asyncapi, schemas
from shared.events.cloudevents import from_line
from shared.events.compatibility import breaks
from shared.events.generated import ROOT, differing, text_of
from shared.events.ids import PREFIX, SUFFIX
from shared.events.topics import INTERNAL, SERVICES, inbound_topics

EXAMPLES = ROOT / "examples"
CURRENT = {schemas.file_of(kind): told for kind, told in schemas.schemas().items()}


def validator(file: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((schemas.FOLDER / file).read_text()))


def test_the_committed_schemas_are_the_code_s() -> None:
    current = {name: text_of(told) for name, told in CURRENT.items()}

    assert differing(schemas.FOLDER, current, "*.json") == []
    assert differing(schemas.HISTORY, schemas.histories(current), "*.jsonl") == []


def test_the_committed_documents_are_the_code_s() -> None:
    assert differing(asyncapi.FOLDER, asyncapi.documents(), "*.json") == []


@pytest.mark.parametrize("module", ["schemas", "asyncapi"])
def test_a_difference_is_found(module: str, tmp_path: Path) -> None:
    wanted = {"a.json": "1", "b.json": "2"}
    (tmp_path / "a.json").write_text("1")
    (tmp_path / "c.json").write_text("3")

    assert differing(tmp_path, wanted, "*.json") == ["b.json", "c.json"]

    done = subprocess.run([sys.executable, "-m", f"shared.events.{module}", "--check"], check=False)

    assert done.returncode == 0


@pytest.mark.parametrize("file", sorted(CURRENT))
def test_a_schema_is_one(file: str) -> None:
    jsonschema.Draft202012Validator.check_schema(CURRENT[file])


@pytest.mark.parametrize("file", sorted(CURRENT))
def test_no_later_form_of_a_schema_refuses_what_an_earlier_one_took(file: str) -> None:
    forms = [json.loads(line) for line in (schemas.HISTORY / f"{file}l").read_text().splitlines()]

    assert forms[-1] == CURRENT[file]
    assert {n: told for n, form in enumerate(forms) if (told := breaks(form, CURRENT[file]))} == {}


def lines(name: str) -> list[tuple[int, bytes]]:
    return list(enumerate((EXAMPLES / name).read_bytes().splitlines(), 1))


def schema_of(line: bytes) -> tuple[str, Any]:
    event = from_line(line)
    return event.type.removeprefix(PREFIX).removesuffix(SUFFIX), event.data


def test_what_is_accepted_is_valid_by_its_schema() -> None:
    refused = fold_files([EXAMPLES / "small.ndjson"]).refused
    bad = {r.line for r in refused}
    for number, line in lines("small.ndjson"):
        if number not in bad:
            kind, data = schema_of(line)

            assert list(validator(f"{kind}{SUFFIX}.json").iter_errors(data)) == []


def test_what_is_malformed_is_invalid_by_its_schema() -> None:
    """Of the refused ones those that a schema can tell: not the calendar, two actors, or what came before."""
    told = set()
    for number, line in lines("refused.ndjson"):
        kind, data = schema_of(line)
        if f"{kind}{SUFFIX}.json" in CURRENT and not validator(f"{kind}{SUFFIX}.json").is_valid(data):
            told.add(number)

    assert told == {14, 18, 20, 22, 24}


def test_every_topic_is_described_by_its_writer_and_its_readers() -> None:
    documents = {s: json.loads((asyncapi.FOLDER / f"{s}.json").read_text()) for s in SERVICES}
    for topic in (*INTERNAL.values(), *inbound_topics(["0123"], ["0851"])):
        name = asyncapi.id_of(topic)
        for service in SERVICES:
            operations = documents[service]["operations"]

            assert (f"send {name}" in operations) == (topic.owner == service)
            assert (f"receive {name}" in operations) == (service in topic.readers)


def test_every_reference_leads_somewhere() -> None:
    for service in SERVICES:
        document = json.loads((asyncapi.FOLDER / f"{service}.json").read_text())
        for reference in references(document):
            file, _, inside = reference.partition("#/")
            if file:
                assert (asyncapi.FOLDER / file).resolve().is_file()
            else:
                found = document
                for step in inside.split("/"):
                    found = found[step]


def references(told: Any) -> list[str]:
    if isinstance(told, dict):
        own = [told["$ref"]] if "$ref" in told else []
        return own + [r for value in told.values() for r in references(value)]
    return [r for value in told for r in references(value)] if isinstance(told, list) else []

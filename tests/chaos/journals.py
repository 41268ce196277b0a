"""The journals: each whole and as it was published, and saying what its service says of the same."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from services.cli.checking import Kind, checked
from services.cli.verify import sentence
from services.quota.domain.ledger import standing
from shared.events.internal import Amounts, Decision, LedgerLine, Position, Quota
from shared.runtime.contract import Written
from tests.chaos.findings import Findings
from tests.chaos.published import Published
from tests.chaos.seen import Row
from tests.chaos.stated import Stored
from tests.statements import balance_of


def whole(found: Findings, kind: Kind, rows: Iterable[Row], published: Published) -> None:
    """Numbers 1, 2, 3 … without gaps, the chain of hashes, the steps, what can be made again, and the topic."""
    journals = {name: list(its) for name, its in groupby(written(rows), key=lambda entry: entry.entity)}
    names = journals.keys() | {name for told, name in published.entries if told == kind.model.kind}
    for name in sorted(names):
        entries, told = journals.get(name, []), published.entries.get((kind.model.kind, name), {})
        twice = sorted(number for number, values in told.items() if len(values) > 1)
        found.double_effects += [f"{kind.word}s {twice} of {name} were published with two contents"] if twice else []
        one_each = {number: values[min(values)] for number, values in told.items()}
        for fault in checked(kind, name, entries, one_each, ()).faults:
            (found.double_effects if fault.what == "altered" else found.losses).append(sentence(fault))


def ledgers(found: Findings, rows: Iterable[Row], stored: Stored) -> None:
    """Lines add up to the quota, and end in what the service remembers of each thing. `stored`: its conclusions."""
    quotas, held = dict[str, Amounts](), dict[tuple[str, str], Any]()
    for (entity, _, key), body in stored.items():
        if isinstance(body, Quota):
            quotas[entity] = balance_of(body)
        elif isinstance(body, Position):
            held[entity, key] = saying(body)
    sums, ends = dict.fromkeys(quotas, Amounts()), dict[tuple[str, str], Any]()
    for name, its in groupby(written(rows), key=lambda entry: entry.entity):
        lines = [LedgerLine.model_validate_json(entry.body) for entry in its]
        sums[name] = sum((line.effect for line in lines), Amounts())
        ends |= {(name, key): saying(position) for key, position in standing(lines).items()}
    found.compare("sums of the ledgers", quotas, sums)
    found.compare("ledgers", held, ends)


def decisions(found: Findings, rows: Iterable[Row], stored: Stored) -> None:
    """Of each offer the last record is that of the decision that stands; their contents are the topic's."""
    stand = {(e, key): (d.version, d.number) for (e, _, key), d in stored.items() if isinstance(d, Decision)}
    ends = dict[tuple[str, str], tuple[int, int]]()
    for entry in written(rows):
        record = Decision.model_validate_json(entry.body)
        ends[entry.entity, record.offer_id] = record.version, record.number
    found.compare("records of decisions", stand, ends)


def written(rows: Iterable[Row]) -> list[Written]:
    """In the order of names and numbers."""
    return sorted(Written(row["entity"], row["number"], row["hash"], row["body"]) for row in rows)


def saying(position: Position) -> tuple[Any, ...]:
    """What lines tell of a thing: all but which event it rests on now."""
    return position.step, position.line, position.what, position.effect

"""The ledgers as they lie in quota's database, and whether they still are what was written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple

from pydantic import ValidationError

from services.cli import records
from services.cli.system import System
from shared.events.internal import Amounts, LedgerLine
from shared.runtime.contract import Written


class Broken(Exception):
    """A ledger is not as it was written; the message names the afdeling and the line."""


class Kept(NamedTuple):
    """A line of a ledger, its bytes as text, and their hash."""

    line: LedgerLine
    text: str
    hash: str


Ledgers = Mapping[str, Sequence[Kept]]
"""By afdeling: all of its lines, by their numbers."""


def written(system: System, prefix: str = "") -> Iterator[Written]:
    """Every ledger line of the afdelinger whose numbers begin so, in order. Raises `Unreachable`."""
    return records.written(system, "quota", LedgerLine.kind, prefix)


def ledgers(entries: Iterable[Written]) -> Ledgers:
    """Raises `Broken` where one is not as it was written, or does not add up."""
    return {name: ledger_of(its) for name, its in groupby(entries, key=lambda entry: entry.entity)}


def ledger_of(entries: Iterable[Written]) -> list[Kept]:
    """Of one afdeling: numbers without gaps, bytes by their hashes, each of which the next line names, and sums."""
    kept, former, balance = list[Kept](), "", Amounts()
    for number, entry in enumerate(entries, 1):
        where = f"line {number} of the ledger of {entry.entity}"
        if entry.number != number:
            raise Broken(f"{where} is missing: the next one there is {entry.number}")
        if sha256(entry.body.encode()).hexdigest() != entry.hash:
            raise Broken(f"{where} was altered: its bytes do not have the hash that was written with them")
        try:
            line = LedgerLine.model_validate_json(entry.body, extra="ignore")
        except ValidationError as error:
            raise Broken(f"{where} cannot be read: {error.errors()[0]['msg']}") from error
        if line.previous != former:
            raise Broken(f"{where} does not name the hash of the line before it: one of the two was altered")
        former, balance = entry.hash, balance + line.effect
        if line.balance != balance:
            raise Broken(f"{where} does not add up: its balance is not the sum of all effects up to it")
        kept.append(Kept(line, entry.body, entry.hash))
    return kept

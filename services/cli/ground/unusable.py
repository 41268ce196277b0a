"""What became a dead letter of the records that a state is made of, and whose state it left incomplete."""

from dataclasses import dataclass, field

from services.cli.letters import of_record
from services.cli.marks import Mark, mark_of
from shared.runtime.contract import Flaw, Record
from shared.runtime.deadletters import entity_named, first_offset


@dataclass(slots=True)
class Letters:
    """The service's dead letters of one task, by the places that they tell, with why; and what they left incomplete."""

    told: dict[tuple[str, int, int], list[tuple[Mark, str]]] = field(default_factory=dict)
    flaws: dict[tuple[str, int, int], Flaw] = field(default_factory=dict)

    def hear(self, record: Record) -> None:
        """What is no letter of ours is of no record."""
        letter = of_record(record)
        if letter.ours:
            self.told.setdefault(letter.source, []).append((mark_of(letter), letter.reason[:500]))

    def holds(self, record: Record) -> bool:
        """Whether the record has become a dead letter: it leaves its entity incomplete."""
        for mark, why in self.told.get(record[:3], ()):
            if mark.fits(record) and not mark.precedes(record):
                self.leaves(record, why)
                return True
        return False

    def leaves(self, record: Record, why: str) -> None:
        """An entity incomplete."""
        place = record.topic, record.partition, first_offset(record)
        self.flaws.setdefault(place, Flaw(entity_named(record), *place, why))

    def mended(self, record: Record) -> None:
        """A record that could be used; if it was sent again, what it left incomplete is whole."""
        self.flaws.pop((record.topic, record.partition, first_offset(record)), None)

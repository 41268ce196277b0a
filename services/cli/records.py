"""What a service wrote into its journals, and what stands of an entity: asked of the running system."""

import re
from collections.abc import Iterator
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

from services.cli.system import System
from shared.events.cloudevents import Invalid, read_json
from shared.events.internal import Conclusion
from shared.runtime.contract import Written

C = TypeVar("C", bound=Conclusion)


class Name(NamedTuple):
    """An offer as it is named on the console; `organisation`: None where it is left out."""

    organisation: str | None
    offer: str

    @classmethod
    def of(cls, text: str) -> "Name":
        found = re.fullmatch(r"([0-9]{4})/(.+)", text)
        return cls(found[1], found[2]) if found else cls(None, text)

    @property
    def prefix(self) -> str:
        """With which the numbers of its organisation's afdelinger begin."""
        return f"{self.organisation}-" if self.organisation else ""

    def __str__(self) -> str:
        return f"{self.organisation}/{self.offer}" if self.organisation else self.offer


def written(system: System, service: str, kind: str, prefix: str = "") -> Iterator[Written]:
    """Every entry of the entities whose names begin so, in the order of names and numbers. Raises `Unreachable`."""
    after = prefix[:-1]
    while page := [Written(**e) for e in system.ask(service, f"/journal?{urlencode({'kind': kind, 'after': after})}")]:
        yield from (entry for entry in page if entry.entity.startswith(prefix))
        after = page[-1].entity
        if after > prefix and not after.startswith(prefix):
            return


def offer_in(entry: Written) -> str | None:
    """Which offer a decision's record is about; None where its bytes do not say."""
    try:
        told = read_json(entry.body.encode())
    except Invalid:
        return None
    return told.get("offer_id") if isinstance(told, dict) else None


def concluded(system: System, service: str, entity: str, model: type[C]) -> list[C]:
    """What stands of these conclusions. Raises `Unreachable`."""
    told = system.ask(service, f"/conclusions?{urlencode({'entity': entity})}")
    return [model.model_validate_json(one["body"], extra="ignore") for one in told if one["kind"] == model.kind]

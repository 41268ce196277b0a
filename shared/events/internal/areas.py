"""The designations of an area, by list year."""

from typing import ClassVar, Literal

from shared.events.internal.base import Conclusion, Verdict
from shared.events.values import Designation, Id, Strict


class Designated(Strict):
    """One designation of one list year: as the ministry published it, as computed, and what results."""

    published: Verdict
    computed: Verdict
    result: Verdict
    counts: bool


class AreaYear(Strict):
    year: int
    designations: dict[Designation, Designated]


class Area(Conclusion):
    """The designations of an area by list year, and those of the newest year that counts for each."""

    kind: ClassVar[str] = "area"
    area_id: Id
    list_year: int | None
    udsat: Verdict
    parallelsamfund: Verdict
    omdannelse: Verdict
    forebyggelse: Verdict
    headline: Designation | Literal["none", "unknown"]
    years: list[AreaYear] = []

    def entity(self) -> str:
        return self.area_id

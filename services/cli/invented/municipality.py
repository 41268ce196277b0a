"""An invented municipality: organisations, afdelinger, their homes, and the areas that they lie in.

Sized after Aalborg: 20 organisations and 32,500 homes over 250 afdelinger, 79 m² on average, rents 835–899 kr. a m² a
year and dearer in newer buildings, so that about 8 % of the family homes lie under 3,500 kr. a month.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

from services.cli.invented.lots import Lots
from shared.events.values import Dwelling

Profile = Literal["none", "forebyggelse", "udsat", "parallelsamfund", "omdannelse"]
"""What an area's figures are meant to lead to."""

PROFILES: tuple[Profile, ...] = (
    "forebyggelse", "udsat", "none", "omdannelse", "none", "forebyggelse",
    "none", "parallelsamfund", "none", "none", "forebyggelse", "none",
)  # fmt: skip
STRAIN: dict[Profile, tuple[float, float]] = {
    "none": (0.15, 0.45),
    "forebyggelse": (0.62, 0.75),
    "udsat": (0.84, 0.95),
    "parallelsamfund": (0.88, 0.98),
    "omdannelse": (0.9, 1.0),
}
MEAN_HOMES, RESIDENTS_PER_HOME = 130, 1.7
FIRST, MOST = 9001, 999
"""The code of the first organisation, and how many have one of four digits."""
ROOMS: dict[Dwelling, dict[int, float]] = {
    "family": {1: 0.08, 2: 0.25, 3: 0.37, 4: 0.237, 5: 0.063},
    "youth": {1: 0.85, 2: 0.15},
    "elderly": {2: 0.75, 3: 0.25},
}
AREA_M2: dict[Dwelling, dict[int, tuple[float, float]]] = {
    "family": {1: (38, 4.5), 2: (64, 6.5), 3: (83, 6), 4: (102, 7), 5: (121, 8)},
    "youth": {1: (32, 4), 2: (46, 4)},
    "elderly": {2: (63, 5), 3: (76, 4)},
}
BUILT = {(1945, 1979): 0.55, (1980, 1999): 0.26, (2000, 2014): 0.13, (2015, 2100): 0.06}
RENT_PER_M2 = {1945: (830, 30), 1980: (866, 30), 2000: (945, 35), 2015: (1065, 40)}
PLACES = ("Elme", "Birke", "Linde", "Rønne", "Lærke", "Svale", "Vipe", "Hassel", "Tjørne", "Kløver", "Skov", "Fjord")
ENDINGS = ("parken", "haven", "gården", "vænget", "bakken", "engen", "lunden", "højen", "toften", "krogen")
ASSOCIATIONS = ("Nordlys", "Fyrtårn", "Havørn", "Morgenrøde", "Kornblomst", "Drivtømmer", "Strandskade", "Måneskin")


class Home(NamedTuple):
    """Area in m², rent in kr. a month without heating."""

    dwelling: Dwelling
    rooms: int
    area_m2: int
    rent_monthly: Decimal


@dataclass(slots=True)
class Afdeling:
    """`strain`, 0 to 1, is what all its key figures hang on."""

    id: str
    name: str
    built: int
    homes: list[Home]
    strain: float
    area: str | None = None
    flexible: bool = False

    @property
    def organisation(self) -> str:
        return self.id[:4]

    @property
    def family_homes(self) -> int:
        return sum(h.dwelling == "family" for h in self.homes)

    @property
    def residents(self) -> int:
        return max(1, round(len(self.homes) * RESIDENTS_PER_HOME))


@dataclass(frozen=True, slots=True)
class Organisation:
    id: str
    name: str
    cvr: str


@dataclass(slots=True)
class Area:
    """The ministry's unit; other homes than the organisations' lie in it too."""

    id: str
    profile: Profile
    strain: float
    other_residents: int
    afdelinger: list[Afdeling] = field(default_factory=list)

    @property
    def residents(self) -> int:
        return self.other_residents + sum(a.residents for a in self.afdelinger)


@dataclass(frozen=True, slots=True)
class Municipality:
    code: str
    organisations: list[Organisation]
    afdelinger: list[Afdeling]
    areas: list[Area]


def _organisations(lots: Lots, number: int) -> list[Organisation]:
    found: list[Organisation] = []
    for n in range(number):
        name = f"Opdigtet Boligforening {lots.choice(ASSOCIATIONS)} {n + 1}"
        # one registration as a company can cover several organisations
        cvr = found[-1].cvr if found and lots.chance(0.1) else f"99{n:06d}"
        found.append(Organisation(f"{FIRST + n:04d}", name, cvr))
    return found


def _sizes(lots: Lots, number: int) -> list[int]:
    """Many small, few large, as the mean would have it."""
    weights = [lots.lognormvariate(0, 0.8) for _ in range(number)]
    scale = MEAN_HOMES * number / sum(weights)
    return [max(8, round(w * scale)) for w in weights]


def _homes(lots: Lots, number: int, built: int) -> list[Home]:
    epoch = max(e for e in RENT_PER_M2 if e <= built)
    level = lots.gauss(*RENT_PER_M2[epoch])
    # homes for the young are built small
    youth, elderly = lots.choices(((0, 0), (0, 0.25), (0.95, 0)), (0.72, 0.2, 0.08 if number < MEAN_HOMES else 0))[0]
    counts: dict[Dwelling, int] = {"youth": round(number * youth), "elderly": round(number * elderly)}
    counts["family"] = number - sum(counts.values())
    homes = []
    for dwelling, count in counts.items():
        for rooms in lots.choices(list(ROOMS[dwelling]), list(ROOMS[dwelling].values()), k=count):
            mean, spread = AREA_M2[dwelling][rooms]
            area = max(20, round(lots.gauss(mean, spread)))
            rent = Decimal(round(area * max(650, lots.gauss(level, 25)) / 12 * 2)) / 2
            homes.append(Home(dwelling, rooms, area, rent))
    return homes


def _areas(lots: Lots, afdelinger: list[Afdeling]) -> list[Area]:
    """About one for 20 afdelinger, of two to four afdelinger each, all above the law's 1,000 residents."""
    free, areas = list(afdelinger), list[Area]()
    lots.shuffle(free)
    for n in range(max(1, round(len(afdelinger) / 21))):
        profile = PROFILES[n % len(PROFILES)]
        name = f"Opdigtet {PLACES[n % len(PLACES)]}området {n + 1}"
        area = Area(name, profile, lots.uniform(*STRAIN[profile]), lots.randint(1010, 1900))
        for _ in range(min(lots.randint(2, 4), len(free) - 1)):
            afdeling = free.pop()
            afdeling.area, afdeling.strain = name, min(1, max(0, area.strain + lots.gauss(0, 0.04)))
            area.afdelinger.append(afdeling)
        areas.append(area)
    return areas


def invent(seed: int, afdelinger: int, year: int, code: str) -> Municipality:
    """The municipality as it is at the beginning of the year."""
    lots = Lots(seed, "municipality")
    organisations = _organisations(lots, min(MOST, max(1, round(afdelinger * 20 / 250))))
    numbers = dict.fromkeys((o.id for o in organisations), 0)
    found = []
    for size in _sizes(lots, afdelinger):
        owner = lots.choice([o for o in numbers if numbers[o] < 999])
        numbers[owner] += 1
        first, last = lots.choices(list(BUILT), list(BUILT.values()))[0]
        built = lots.randint(first, max(first, min(last, year - 1)))
        name = f"Opdigtet {lots.choice(PLACES)}{lots.choice(ENDINGS)} {numbers[owner]}"
        strain = lots.uniform(0.8, 0.95) if lots.chance(0.02) else lots.betavariate(2, 4.5)
        found.append(Afdeling(f"{owner}-{numbers[owner]:03d}", name, built, _homes(lots, size, built), strain))
    areas = _areas(lots, found)
    for afdeling in found:
        afdeling.flexible = lots.chance(0.75 if afdeling.strain > 0.8 else 0.3 if afdeling.strain > 0.55 else 0.03)
    return Municipality(code, organisations, found, areas)

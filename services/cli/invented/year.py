"""An invented municipality's year as a stream of inbound events, in the order in which they arrive.

250 afdelinger give some 14,000 events. Told from 1 October of the year before: what is past first, then the year.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from services.cli.invented import everyone
from services.cli.invented.arrival import arrive
from services.cli.invented.broken import broken as with_broken
from services.cli.invented.figures import figures_of, tell_figures, tell_placements
from services.cli.invented.lettings import tell_lettings
from services.cli.invented.lots import Lots
from services.cli.invented.municipality import invent
from services.cli.invented.register import tell_register
from services.cli.invented.telling import Event, Told
from shared.agreement.loader import AALBORG, load

AFDELINGER, EVENTS_PER_AFDELING = 250, 45
RAISED = Decimal("1.06")


def _tellings(seed: int, afdelinger: int, year: int, municipality: str, document: everyone.Document) -> Iterator[Told]:
    first_day, whole = date(year - 1, 10, 1), invent(seed, afdelinger, year, municipality)
    old = everyone.agreement_from(document, date(year - 6, 1, 1), municipality)
    new = everyone.with_higher_ceilings(old, date(year, 7, 1), RAISED)
    figures = figures_of(seed, whole, year)
    yield everyone.tell_agreement(municipality, old, first_day)
    yield everyone.tell_agreement(municipality, new, date(year, 5, 15))
    yield from everyone.tell_everyone(seed, whole, year, first_day)
    yield from tell_register(seed, whole, year, first_day)
    yield from tell_figures(seed, whole, figures, year, first_day)
    yield from tell_placements(seed, whole, year)
    yield from tell_lettings(seed, whole, figures, old, year=year, first_day=first_day)


def simulate(
    seed: int,
    afdelinger: int | None = None,
    year: int = 2024,
    *,
    municipality: str = "0851",
    agreement: Path = AALBORG,
    events: int | None = None,
    broken: float = 0.0,
) -> Iterator[Event]:
    """Inbound events as CloudEvents, in the order of arrival; the same arguments give the same events.

    With `events` there are exactly so many: the municipality grows until its year has them, and what arrives after
    them is cut. Of all events the share `broken` is refused at the edge; their `source` is `invented/broken`.
    Raises `InvalidAgreement` and `OSError` for the agreement's file.
    """
    document = load(agreement)
    size = afdelinger or (max(1, (events or 0) // EVENTS_PER_AFDELING) if events else AFDELINGER)
    good = None if events is None else events - round(events * broken)
    while True:
        told = arrive(seed, _tellings(seed, size, year, municipality, document))
        if good is None or len(told) >= good:
            break
        size += max(1, size * (good - len(told)) // len(told) + size // 50)
    told = told[:good]
    number = round(len(told) * broken / (1 - broken)) if events is None else events - len(told)
    yield from with_broken(Lots(seed, "broken"), told, number)

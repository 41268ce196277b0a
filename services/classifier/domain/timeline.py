"""The colour timeline of an afdeling: the staircase on each day on which anything takes effect, neighbours merged."""

from datetime import date

from services.classifier.domain.designations import ALL
from services.classifier.domain.kin import NOBODY, Kin
from services.classifier.domain.parameters import Parameters
from services.classifier.domain.staircase import Afdeling, step_on
from shared.events.internal import AreaSegment, Segment


def timeline(afdeling: Afdeling, kin: Kin, parameters: Parameters) -> list[Segment]:
    """Segments from the first registration on; the trace of each is that of its first day."""
    segments: list[Segment] = []
    for day in days(afdeling, kin, parameters):
        step = kin.step(step_on(afdeling, day, parameters), day)
        last = segments[-1] if segments else None
        if last is None or (last.colour, last.at_least) != (step.colour, step.at_least):
            segments.append(
                Segment(
                    from_=day,
                    colour=step.colour,
                    at_least=step.at_least,
                    manual=step.manual,
                    agreement=step.agreement,
                    because=[way.told() for way in step.ways],
                )
            )
    return segments


def areas(afdeling: Afdeling, parameters: Parameters) -> list[AreaSegment]:
    """What the area in which the afdeling lies is designated as, from the first registration on."""
    segments: list[AreaSegment] = []
    for day in days(afdeling, NOBODY, parameters):
        if (terms := afdeling.registrations.on(day)) is None:
            continue
        name = terms.area_id
        agreement = parameters.agreements.on(terms.municipality, day)
        found = parameters.designations(name, day, agreement) if name is not None else {}
        said = {d: found[d].result if name is not None else False for d in ALL}
        last = segments[-1] if segments else None
        if last is None or (last.area_id, {d: getattr(last, d) for d in ALL}) != (name, said):
            segments.append(AreaSegment(from_=day, area_id=name, **said))
    return segments


def days(afdeling: Afdeling, kin: Kin, parameters: Parameters) -> list[date]:
    """On which a segment may begin: a fact about the afdeling, its kin, its areas, a list, an average, an agreement."""
    found = {r.valid_from for r in afdeling.registrations.all} | parameters.days() | kin.days()
    for registration in afdeling.registrations.all:
        found.update(parameters.agreements.days(registration.municipality))
        if registration.area_id is not None:
            found |= parameters.area(registration.area_id).days()
    found.update(o.effective_from for o in afdeling.observed)
    found.update(t.effective_from for t in afdeling.twins)
    found.update(d for p in afdeling.placements for d in (p.valid_from, p.valid_to) if d is not None)
    return sorted(d for d in found if d >= afdeling.registrations.first.valid_from)

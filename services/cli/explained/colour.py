"""Why the afdeling has its colour: the trace of its segment, way by way, criterion by criterion."""

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby

from services.cli.explained.lines import Line, Section
from services.cli.explained.words import CRITERIA, DESIGNATIONS, MET, YES_NO, Language
from services.matching.domain.reasons import COLOURS
from shared.agreement.criteria import FOUR, any_of
from shared.events.internal import ColourInput, Criterion, Decision, Reason

FIGURES = "nøgletal: Landsbyggefonden", "figures: Landsbyggefonden"
MINISTRY = "ministeriets overvågning af boligområder", "the ministry's monitoring of areas"
TWINS = "tvillinger: Landsbyggefonden", "twins: Landsbyggefonden"
ENOUGH = re.compile(r"at least (\d+) of (\d+)(?:: (.+))?")
MEAN = re.compile(r"mean of the twins (.+)")


def of_colour(record: Decision, language: Language) -> Iterator[Section]:
    """Nothing where no colour was looked at: the vacancy was cancelled, or the offer withdrawn."""
    inputs = record.inputs
    if inputs is None or inputs.vacancy is None or inputs.offer.withdrawn:
        return
    day, told = language.day(inputs.vacancy.vacant_from), inputs.colour
    colour = language.of(COLOURS[told.colour if told else "unknown"])
    title = language.say(f"Afdelingens farve den {day}: {colour}", f"The estate's colour on {day}: {colour}")
    yield Section(title, list(because(told, language) if told else before(language)))


def before(language: Language) -> Iterator[Line]:
    yield Line(
        language.say(
            "Dagen ligger før afdelingens første registrering, så der er intet at bygge en farve på.",
            "The day lies before the estate's first registration, so there is nothing to build a colour on.",
        )
    )


def because(told: ColourInput, language: Language) -> Iterator[Line]:
    """Step by step until one holds; before that what is no step, a placement for one."""
    since, version = language.day(told.from_), told.version
    yield Line(
        language.say(
            f"Den gælder fra {since} og blev fastslået på dette (farvetidslinjens version {version}):",
            f"It holds from {since} and was established on this (version {version} of the timeline):",
        )
    )
    if told.at_least:
        yield Line(language.say("Rød kan ikke udelukkes; mindst gul.", "Red cannot be excluded; at least yellow."))
    for reason in told.because:
        if reason.step is None:
            yield Line(beside_the_steps(told, reason, language))
    for step in ("red", "yellow"):
        ways = [r for r in told.because if r.step == step]
        verdict = any_of(r.verdict for r in ways)
        if ways:
            yield Line(f"{language.of(COLOURS[step]).capitalize()}: {language.of(YES_NO[verdict])}")
            for way in ways:
                yield from TOLD[way.way](way, language)
        if verdict:
            return


def beside_the_steps(told: ColourInput, reason: Reason, language: Language) -> str:
    note = reason.note or ""
    match reason.way:
        case "placement":
            return language.say(f"Manuel placering {told.manual}: {note}", f"Manual placement {told.manual}: {note}")
        case "predecessors":
            return language.say(
                f"Egne tal giver ingen farve, så den strengeste blandt forgængerne gælder: {kin(note, language)}",
                f"Its own figures give no colour, so the strictest of its predecessors holds: {kin(note, language)}",
            )
        case "successors":
            return language.say(
                f"Afdelingen er ført videre og har den strengeste farve blandt efterfølgerne: {kin(note, language)}",
                f"The estate goes on in others and has the strictest colour of its successors: {kin(note, language)}",
            )
        case _:
            return language.say(f"Ukendt: {language.note(note)}", f"Unknown: {language.note(note)}")


def kin(note: str, language: Language) -> str:
    """The afdelinger of a note ("0123-002 red, 0123-003 green"), with their colours in words."""
    told = (one.rpartition(" ") for one in note.split(", "))
    return ", ".join(f"{of} {language.of(COLOURS.get(colour, (colour, colour)))}" for of, _, colour in told)


def area(way: Reason, language: Language) -> Iterator[Line]:
    heading, verdict = language.say("Område", "Area"), language.of(YES_NO[way.verdict])
    if not way.criteria:
        yield Line(f"{heading}: {verdict}; {language.note(way.note)}", 1)
        return
    each = ", ".join(
        f"{', '.join(f'{language.of(DESIGNATIONS[c.name])} {language.of(YES_NO[c.verdict])}' for c in its)} ({note})"
        for note, its in groupby(way.criteria, key=lambda c: language.note(c.note))
    )
    yield Line(f"{heading} {way.note}: {verdict}; {each}", 1, (language.of(MINISTRY),))


def own_figures(way: Reason, language: Language) -> Iterator[Line]:
    many, source = enough([c for c in way.criteria if c.name in FOUR], way, language)
    also = language.say(
        "; desuden skal andelen fra ikke-vestlige lande være over sin grænse",
        "; and the share from non-western countries must be over its limit",
    )
    beside = also if any(c.name not in FOUR for c in way.criteria) else ""
    heading, verdict = language.say("Egne nøgletal", "Own figures"), language.of(YES_NO[way.verdict])
    yield Line(f"{heading}: {verdict}; {many}{beside}", 1, (language.of(FIGURES), source))
    for c in way.criteria:
        if c.value is not None:
            yield Line(f"{language.of(MET[c.verdict])} – {own(c, c.value, language)}", 2, (c.source,))
    if missing := ", ".join(language.of(CRITERIA[c.name].name) for c in way.criteria if c.value is None):
        yield Line(language.say(f"ukendt – intet tal: {missing}", f"unknown – no figure: {missing}"), 2)


def twins(way: Reason, language: Language) -> Iterator[Line]:
    many, source = enough(way.criteria, way, language)
    heading, verdict = language.say("Tvillinger", "Twins"), language.of(YES_NO[way.verdict])
    yield Line(f"{heading}: {verdict}; {many}", 1, (language.of(TWINS) if way.criteria else None, source))
    for c in way.criteria:
        yield Line(f"{language.of(MET[c.verdict])} – {beside_twins(c, language)}", 2, (c.source,))


TOLD = {"area": area, "own_figures": own_figures, "twins": twins}
"""The ways of a step."""


def enough(counted: list[Criterion], way: Reason, language: Language) -> tuple[str, str | None]:
    """How many criteria are met and how many must be, and where that comes from."""
    found = ENOUGH.fullmatch(way.note or "")
    if found is None:
        return language.note(way.note), None
    needed, of, source = found.groups()
    met, unknown = (sum(c.verdict is v for c in counted) for v in (True, None))
    also = language.say(f", {unknown} ukendt", f", {unknown} unknown") if unknown else ""
    told = language.say(
        f"{met} af {of} opfyldt{also}; mindst {needed} skal være det",
        f"{met} of {of} met{also}; at least {needed} must be",
    )
    return told, source


def own(c: Criterion, value: Decimal, language: Language) -> str:
    measure = CRITERIA[c.name]
    if c.limit is None:
        limit = language.say(f"grænsen er ukendt: {language.note(c.note)}", f"limit unknown: {language.note(c.note)}")
    else:
        compared, distance = language.of(measure.compared), far(c.distance, language)
        limit = f"{language.say('grænse', 'limit')}: {compared} {language.percent(c.limit)}{distance}"
    return f"{language.of(measure.name)}: {language.percent(value)} ({limit})"


def far(distance: Decimal | None, language: Language) -> str:
    if distance is None:
        return ""
    if not distance:
        return language.say("; præcis på grænsen", "; exactly on the limit")
    how = language.say("over", "above") if distance > 0 else language.say("under", "below")
    return f"; {language.points(abs(distance))} {how}"


def beside_twins(c: Criterion, language: Language) -> str:
    name, mean = language.of(CRITERIA[c.name].name), MEAN.fullmatch(c.note or "")
    if c.value is None or c.limit is None or c.distance is None or mean is None:
        return f"{name}: {language.note(c.note)}"
    worse, its, limit = c.distance + c.limit, language.percent(Decimal(mean[1])), language.number(c.limit)
    value = language.percent(c.value)
    how = language.say("dårligere", "worse") if worse > 0 else language.say("bedre", "better")
    by = f"{language.points(abs(worse))} {how}" if worse else language.say("det samme", "the same")
    return language.say(
        f"{name}: {value}, tvillingerne {its}: {by} (grænse: mindst {limit})",
        f"{name}: {value}, its twins {its}: {by} (limit: at least {limit})",
    )

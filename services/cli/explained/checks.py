"""The home as it was reported, and the checks that were made of it: value, limit, and where the limit comes from."""

from collections.abc import Iterator

from services.cli.explained.lines import Line, Section
from services.cli.explained.words import DEMANDS, MAY, Language
from services.matching.domain.reasons import CAUSES, COLOURS, DWELLINGS, in_rooms, of_rooms
from shared.events.internal import Decision, Inputs, Terms, VacancyInput


def of_home(record: Decision, language: Language) -> Section:
    home, afdeling, inputs = record.vacancy_id, record.afdeling_id, record.inputs
    title = language.say(f"Boligen: {home} i afdeling {afdeling}", f"The home: {home} in afdeling {afdeling}")
    lines = list(described(inputs.vacancy, language)) if inputs and inputs.vacancy else []
    if inputs:
        day = language.day(inputs.offer.submitted_on)
        lines.append(Line(language.say(f"Tilbudt kommunen den {day}.", f"Offered to the municipality on {day}.")))
    return Section(title, lines)


def described(vacancy: VacancyInput, language: Language) -> Iterator[Line]:
    told = [language.of(DWELLINGS[vacancy.dwelling]), language.of(in_rooms(vacancy.rooms)), area(vacancy, language)]
    told.append(rent(vacancy, language))
    source = language.say("som indberettet af boligorganisationen", "as the organisation reported it")
    day, cause = language.day(vacancy.vacant_from), language.of(CAUSES[vacancy.reason])
    home = ", ".join(told)
    yield Line(f"{home[:1].upper()}{home[1:]} ({source}).")
    yield Line(language.say(f"Ledig fra {day}: {cause}.", f"Vacant from {day}: {cause}."))


def area(vacancy: VacancyInput, language: Language) -> str:
    return f"{language.number(vacancy.area_m2)} m²"


def rent(vacancy: VacancyInput, language: Language) -> str:
    if vacancy.rent_monthly is None:
        return language.say("huslejen er ikke oplyst", "rent not given")
    amount = language.amount(vacancy.rent_monthly)
    return language.say(f"husleje {amount} kr. om måneden uden forbrug", f"rent {amount} kr. a month without heating")


def of_checks(record: Decision, language: Language) -> Iterator[Section]:
    """None where none was made: withdrawn, cancelled, or no agreement to check against."""
    inputs = record.inputs
    if inputs is None or inputs.vacancy is None or inputs.terms is None or inputs.offer.withdrawn:
        return
    vacancy, terms, codes = inputs.vacancy, inputs.terms, {r.code for r in record.reasons}
    lines = [
        *of_letting(record, inputs, terms, language),
        *of_relevance(vacancy, terms, codes, language),
        counted(vacancy, terms, codes, language),
    ]
    yield Section(language.say("Det er kontrolleret", "What was checked"), lines)


def of_letting(record: Decision, inputs: Inputs, terms: Terms, language: Language) -> Iterator[Line]:
    colour = record.colour or "unknown"
    row, shade = terms.letting.row(colour), language.of(COLOURS[colour])
    report, assign = language.of(MAY[row.may_report]), language.of(MAY[row.may_assign])
    yield Line(
        language.say(
            f"Farve: {shade}. Boligorganisationen må indmelde: {report}. Kommunen må anvise: {assign}.",
            f"Colour: {shade}. The organisation may report: {report}. The municipality may assign: {assign}.",
        ),
        sources=(terms.letting.basis(colour).origin,),
    )
    criteria = "; ".join(inputs.registration.criteria) if inputs.registration else ""
    none, demand = (
        language.say("ingen kriterier", "no criteria"),
        language.of(DEMANDS[row.flexible_letting]),
    )
    yield Line(
        language.say(
            f"Fleksibel udlejning (§ 60): {demand}, når farven er {shade}; i kraft i afdelingen: {criteria or none}.",
            f"Flexible letting (§ 60): {demand} when the colour is {shade}; in force here: {criteria or none}.",
        ),
        sources=(terms.letting.basis(colour).origin,),
    )


def of_relevance(vacancy: VacancyInput, terms: Terms, codes: set[str], language: Language) -> Iterator[Line]:
    rooms, rents, areas = (
        language.of(of_rooms(vacancy.rooms)),
        terms.relevance.rent_monthly_max,
        terms.relevance.area_m2_max,
    )
    most = language.amount(rents.of(vacancy.rooms))
    if vacancy.rent_monthly is None:
        yield Line(
            language.say(
                f"Husleje: ikke oplyst; loftet er {most} kr. for {rooms}.",
                f"Rent: not given; the ceiling is {most} kr. for {rooms}.",
            ),
            sources=(rents.origin,),
        )
    else:
        value = language.amount(vacancy.rent_monthly)
        said = over("rent_above_ceiling" in codes, language)
        yield Line(
            language.say(
                f"Husleje: {value} kr., {said} loftet på {most} kr. for {rooms}.",
                f"Rent: {value} kr., {said} the ceiling of {most} kr. for {rooms}.",
            ),
            sources=(rents.origin,),
        )
    widest, said = language.number(areas.of(vacancy.rooms)), over("area_above_ceiling" in codes, language)
    yield Line(
        language.say(
            f"Areal: {area(vacancy, language)}, {said} loftet på {widest} m² for {rooms}.",
            f"Area: {area(vacancy, language)}, {said} the ceiling of {widest} m² for {rooms}.",
        ),
        sources=(areas.origin,),
    )


def over(above: bool, language: Language) -> str:
    return language.say("over", "above") if above else language.say("ikke over", "not above")


def counted(vacancy: VacancyInput, terms: Terms, codes: set[str], language: Language) -> Line:
    home = f"{language.of(DWELLINGS[vacancy.dwelling])}; {language.of(CAUSES[vacancy.reason])}"
    covered = language.say("omfattet", "covered")
    if "vacancy_excluded" in codes:
        covered = language.say("ikke omfattet", "not covered")
    return Line(
        language.say(f"De 25 %: {covered} ({home}).", f"The 25 %: {covered} ({home})."),
        sources=(terms.counts.dwellings.origin, terms.counts.reasons.origin),
    )

"""A decision in plain words, made from its record: what was decided, why, and what would have to be otherwise.

Everything that is said stands in the record, its frozen inputs among it, or in the life of the offer; nothing is
decided anew here. Each number has its source, or the word "antagelse" where the agreement is silent.
"""

from collections.abc import Iterator

from services.cli.explained.checks import of_checks, of_home
from services.cli.explained.colour import of_colour
from services.cli.explained.lines import Line, Section
from services.cli.explained.stands import of_life
from services.cli.explained.words import CHANGES, CODES, COUNTS, KINDS, MENDS, Language
from services.matching.domain.outcomes import OUTCOMES
from shared.events.internal import Change, Decision, Life, Terms

SHORT = 12


def explanation(record: Decision, life: Life | None, language: Language) -> list[Section]:
    """Without inputs (a record that was made before there were any) only what the record says of itself."""
    return [
        of_outcome(record, language),
        of_home(record, language),
        *of_colour(record, language),
        *of_checks(record, language),
        *of_reasons(record, language),
        *of_resolution(record, language),
        *of_changes(record, language),
        *of_restrictions(record, language),
        *of_life(life, language),
        of_versions(record, language),
    ]


def of_outcome(record: Decision, language: Language) -> Section:
    outcome = language.of(OUTCOMES[record.outcome])
    offer = f"{record.afdeling_id[:4]}/{record.offer_id}"
    return Section(language.say(f"Tilbud {offer}: {outcome}", f"Offer {offer}: {outcome}"), [])


def of_reasons(record: Decision, language: Language) -> Iterator[Section]:
    lines = []
    for r in record.reasons:
        sentence = language.say(r.sentence_da, r.sentence_en or r.sentence_da)
        lines.append(Line(f"{language.of(KINDS[r.kind])}: {sentence}", sources=(r.source,)))
        told = [language.of(table[v]) for table, v in ((MENDS, r.party), (COUNTS, r.quota_effect)) if v]
        lines.append(Line(" ".join(told), 1))
    if record.outcome == "withdrawn":
        lines.append(
            Line(
                language.say(
                    "Boligorganisationen har trukket tilbuddet tilbage, så intet er kontrolleret.",
                    "The organisation has withdrawn the offer, so nothing was checked.",
                )
            )
        )
    elif not lines:
        lines.append(Line(language.say("Intet taler imod tilbuddet.", "Nothing speaks against the offer.")))
    yield Section(language.say("Begrundelse", "Reasons"), lines)


def of_resolution(record: Decision, language: Language) -> Iterator[Section]:
    """What two people made of it, and what of it they did not look at."""
    resolution = record.inputs.resolution if record.inputs else None
    if resolution is None:
        return
    outcome = language.of(OUTCOMES[resolution.outcome])
    seen = ", ".join(language.of(CODES[code]) for code in resolution.resolves)
    lines = [
        Line(
            language.say(
                f"To personer har set på: {seen}. Deres svar: {outcome}.",
                f"Two people looked at: {seen}. Their answer: {outcome}.",
            )
        )
    ]
    refer = [r.code for r in record.reasons if r.kind == "refer"]
    if left := [language.of(CODES[code]) for code in refer if code not in resolution.resolves]:
        lines.append(
            Line(language.say(f"De har ikke set på: {', '.join(left)}.", f"They did not look at: {', '.join(left)}."))
        )
    elif not refer or any(r.kind == "refuse" for r in record.reasons):
        lines.append(Line(language.say("Det ændrer ikke afgørelsen.", "That does not change the decision.")))
    yield Section(language.say("Manuel afgørelse", "Decided by two people"), lines)


def of_changes(record: Decision, language: Language) -> Iterator[Section]:
    if record.counterfactual is None:
        return
    terms = record.inputs.terms if record.inputs else None
    lines = [
        Line(
            f"{language.say(c.sentence_da, c.sentence_en)} {language.of(CHANGES[c.party])}",
            sources=(origin(c, terms),),
        )
        for c in record.counterfactual.changes
    ]
    title = language.say("Det mindste, der skulle være anderledes", "The least that would have to be different")
    yield Section(title, lines)


def origin(change: Change, terms: Terms | None) -> str | None:
    """Where the limit comes from that would have to be met."""
    if terms is None:
        return None
    limits = {
        "rent_monthly": terms.relevance.rent_monthly_max,
        "area_m2": terms.relevance.area_m2_max,
        "colour": terms.letting,
    }
    limit = limits.get(change.field)
    return limit.origin if limit else None


def of_restrictions(record: Decision, language: Language) -> Iterator[Section]:
    if record.restrictions:
        lines = [Line(language.say(r.sentence_da, r.sentence_en), sources=(r.paragraph,)) for r in record.restrictions]
        yield Section(language.say("Hvem boligen må anvises til", "To whom the home may be assigned"), lines)


def of_versions(record: Decision, language: Language) -> Section:
    inputs, at = record.inputs, record.recorded_at
    instant = f"{language.day(at.date())} {at:%H:%M} UTC"
    lines = [
        Line(
            language.say(
                f"Afgørelse nr. {record.version} om tilbuddet; nr. {record.number} i afdelingens journal.",
                f"Decision no. {record.version} on the offer; no. {record.number} in the estate's journal.",
            )
        ),
        Line(
            language.say(
                f"Den bygger på, hvad der var modtaget {instant}; beslutningsreglernes version {record.engine}.",
                f"It rests on what had been received by {instant}; version {record.engine} of the rules.",
            )
        ),
    ]
    if inputs and inputs.terms:
        since, short = language.day(inputs.terms.effective_from), inputs.terms.agreement[:SHORT]
        lines.append(
            Line(language.say(f"Aftale {short}…, i kraft fra {since}.", f"Agreement {short}…, in force from {since}."))
        )
    if len(record.outcomes) > 1:
        each = ", ".join(f"{n}: {language.of(OUTCOMES[o])}" for n, o in enumerate(record.outcomes, 1))
        lines.append(Line(language.say(f"Afgørelserne indtil nu: {each}.", f"The decisions until now: {each}.")))
    return Section(language.say("Versioner", "Versions"), lines)

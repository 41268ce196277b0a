"""Where an offer stands now: its life, which goes on after the decision."""

from collections.abc import Iterator

from services.cli.explained.lines import Line, Section
from services.cli.explained.words import Language
from services.matching.domain.outcomes import GOOD
from shared.events.internal import Life

DEADLINE = "aftalens frister i arbejdsdage", "the agreement's deadlines in working days"


def of_life(life: Life | None, language: Language) -> Iterator[Section]:
    if life is None:
        return
    lines = [Line(state(life, language), sources=(language.of(DEADLINE),) if life.deadline else ())]
    if life.decision_version:
        lines.append(
            Line(
                language(
                    f"Svaret bygger på afgørelse nr. {life.decision_version}.",
                    f"The reply acted on decision no. {life.decision_version}.",
                )
            )
        )
    if life.idle_days is not None:
        lines.append(Line(idle(life.idle_days, language)))
    lines += [Line(language(f.sentence_da, f.sentence_en)) for f in life.findings]
    yield Section(language("Hvor tilbuddet står nu", "Where the offer stands now"), lines)


def state(life: Life, language: Language) -> str:
    since, deadline = (language.day(d) if d else "" for d in (life.since, life.deadline))
    match life.state:
        case "assigned":
            return language(
                f"Anvist den {since}{by(deadline, language)}.", f"Assigned on {since}{by(deadline, language)}."
            )
        case "returned":
            return language(
                f"Givet tilbage den {since}{by(deadline, language)}.", f"Returned on {since}{by(deadline, language)}."
            )
        case "lapsed":
            return language(f"Bortfaldet: intet svar inden {since}.", f"Lapsed: no reply by {since}.")
        case "withdrawn":
            return language("Trukket tilbage.", "Withdrawn.")
        case "submitted":
            return language("Indsendt; endnu ikke afgjort.", "Submitted; not decided yet.")
        case _ if life.outcome == "referred":
            expires = language(f" inden {deadline}", f" by {deadline}") if deadline else ""
            return language(f"Venter på to personers afgørelse{expires}.", f"Waits for two people to decide{expires}.")
        case _ if deadline:
            return language(
                f"Afgjort; kommunen skal svare senest {deadline}.",
                f"Decided; the municipality must reply by {deadline}.",
            )
        case _ if life.outcome in GOOD:
            return language("Afgjort; kommunen har ingen frist for sit svar.", "Decided; no deadline for the reply.")
        case _:
            return language("Afgjort; der ventes intet svar.", "Decided; no reply is expected.")


def by(deadline: str, language: Language) -> str:
    return language(f"; fristen var {deadline}", f"; the deadline was {deadline}") if deadline else ""


def idle(days: int, language: Language) -> str:
    many = language("dag" if days == 1 else "dage", "day" if days == 1 else "days")
    return language(
        f"Boligen stod tom og tilbudt i {days} {many}.", f"The home stood empty and offered for {days} {many}."
    )

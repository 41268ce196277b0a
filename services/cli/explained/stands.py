"""Where an offer stands now: its life, which goes on after the decision."""

from collections.abc import Iterator

from services.cli.explained.lines import Line, Section
from services.cli.explained.words import Language
from shared.events.internal import GOOD, Life

DEADLINE = "aftalens frister i arbejdsdage", "the agreement's deadlines in working days"


def of_life(life: Life | None, language: Language) -> Iterator[Section]:
    if life is None:
        return
    lines = [Line(state(life, language), sources=(language.of(DEADLINE),) if life.deadline else ())]
    if life.decision_version:
        lines.append(
            Line(
                language.say(
                    f"Svaret bygger på afgørelse nr. {life.decision_version}.",
                    f"The reply acted on decision no. {life.decision_version}.",
                )
            )
        )
    if life.idle_days is not None:
        lines.append(Line(idle(life.idle_days, language)))
    lines += [Line(language.say(f.sentence_da, f.sentence_en)) for f in life.findings]
    yield Section(language.say("Hvor tilbuddet står nu", "Where the offer stands now"), lines)


def state(life: Life, language: Language) -> str:
    since, deadline = (language.day(d) if d else "" for d in (life.since, life.deadline))
    match life.state:
        case "assigned":
            return language.say(
                f"Anvist den {since}{by(deadline, language)}.", f"Assigned on {since}{by(deadline, language)}."
            )
        case "returned":
            return language.say(
                f"Givet tilbage den {since}{by(deadline, language)}.", f"Returned on {since}{by(deadline, language)}."
            )
        case "lapsed":
            return language.say(f"Bortfaldet: intet svar inden {since}.", f"Lapsed: no reply by {since}.")
        case "withdrawn":
            return language.say("Trukket tilbage.", "Withdrawn.")
        case "submitted":
            return language.say("Indsendt; endnu ikke afgjort.", "Submitted; not decided yet.")
        case _ if life.outcome == "referred":
            expires = language.say(f" inden {deadline}", f" by {deadline}") if deadline else ""
            return language.say(
                f"Venter på to personers afgørelse{expires}.", f"Waits for two people to decide{expires}."
            )
        case _ if deadline:
            return language.say(
                f"Afgjort; kommunen skal svare senest {deadline}.",
                f"Decided; the municipality must reply by {deadline}.",
            )
        case _ if life.outcome in GOOD:
            return language.say(
                "Afgjort; kommunen har ingen frist for sit svar.", "Decided; no deadline for the reply."
            )
        case _:
            return language.say("Afgjort; der ventes intet svar.", "Decided; no reply is expected.")


def by(deadline: str, language: Language) -> str:
    return language.say(f"; fristen var {deadline}", f"; the deadline was {deadline}") if deadline else ""


def idle(days: int, language: Language) -> str:
    many = language.say("dag" if days == 1 else "dage", "day" if days == 1 else "days")
    return language.say(
        f"Boligen stod tom og tilbudt i {days} {many}.", f"The home stood empty and offered for {days} {many}."
    )

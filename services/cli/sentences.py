"""What the services publish, as sentences for people: the outcome first, then why."""

from rich.text import Text

from services.cli.explained.words import Language
from services.cli.state import COLOURS
from services.cli.words import what
from shared.events.internal import Area, Colours, Decision, LedgerLine, Life, OfferReason, Quota, Receipt, Supply

OUTCOMES = {
    "accepted": ("accepted", "green"),
    "accepted_with_conditions": ("accepted with conditions", "green"),
    "rejected": ("rejected", "red"),
    "referred": ("referred to a human", "yellow"),
    "withdrawn": ("withdrawn", "dim"),
}
STATES = {
    "submitted": "yellow",
    "decided": "yellow",
    "assigned": "green",
    "returned": "red",
    "lapsed": "red",
    "withdrawn": "dim",
}
FATES = {"accepted": "green", "duplicate": "dim", "parked": "yellow", "released": "green", "refused": "red"}


def of_colours(event: Colours) -> Text:
    steps = [Text.assemble(coloured(s.colour, s.at_least), f" from {s.from_}") for s in event.timeline]
    return Text.assemble(f"{event.afdeling_id}  ", Text(", ").join(steps) if steps else "no colour yet")


def coloured(colour: str, at_least: str | None = None) -> Text:
    known = f" (at least {at_least})" if at_least else ""
    return Text(f"{colour}{known}", COLOURS[colour])


def of_area(event: Area) -> Text:
    return Text(f"{event.area_id}  {event.headline}, by the list year {event.list_year or 'none'}")


def of_quota(event: Quota) -> Text:
    due = f"{event.due} of {event.counting} counting homes due, {event.reported} reported"
    credit = f"{event.credit} in credit" if event.credit else "even"
    balance: str | tuple[str, str] = (f"{event.owed} owed", "red") if event.owed else credit
    after = f"next due in {event.next_due_in}" if event.next_due_in is not None else "no next one due"
    return Text.assemble(f"{event.afdeling_id}  {due}, ", balance, f", {after}")


def of_decision(event: Decision) -> Text:
    outcome = Text.assemble(f"{event.offer_id}  ", OUTCOMES[event.outcome])
    return Text("\n").join([outcome, *map(of_reason, event.reasons)])


def of_reason(reason: OfferReason) -> Text:
    return Text.assemble(f"    {reason.sentence_da}", (f" ({reason.source})" if reason.source else "", "dim"))


def of_life(event: Life) -> Text:
    until = f", answer due by {event.deadline}" if event.deadline and event.state == "decided" else ""
    since = f" on {event.since}" if event.since else ""
    idle = f", {event.idle_days} idle days" if event.idle_days is not None else ""
    findings = "".join(f"\n    {finding.sentence_da}" for finding in event.findings)
    return Text.assemble(f"{event.offer_id}  ", (event.state, STATES[event.state]), f"{since}{until}{idle}", findings)


def of_line(event: LedgerLine) -> Text:
    has = event.balance
    after = f"{has.counting} counting, {has.share} share, {has.reported} reported"
    about = f"{event.about} {event.offer_id or ''}".rstrip()
    said = f"{event.afdeling_id}  {event.number}  {event.day}  {what(event, Language.en)}  {about}  "
    return Text.assemble(said, (f"→ {after}", "dim"))


def of_supply(event: Supply) -> Text:
    reported, relevant, used = (sum(getattr(s, n) for s in event.shelves) for n in ("reported", "relevant", "used"))
    return Text(f"{event.afdeling_id}  {reported} reported, {relevant} of them relevant, {used} used")


def of_receipt(event: Receipt) -> Text:
    name = event.event_id or f"{event.topic}/{event.partition}/{event.offset}"
    value = "" if event.value is None else f": {event.value!r}"
    why = f": {event.field} {event.rule}{value}" if event.fate == "refused" else ""
    return Text.assemble(f"{name}  ", (event.fate, FATES[event.fate]), why)

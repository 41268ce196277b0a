"""What the services publish, as sentences for people: the outcome first, then why."""

from services.cli.explained.words import Language
from services.cli.state import COLOURS
from services.cli.words import what
from shared.events.internal import Area, Colours, Decision, LedgerLine, Life, OfferReason, Quota, Receipt, Supply

OUTCOMES = {
    "accepted": "[green]accepted[/]",
    "accepted_with_conditions": "[green]accepted with conditions[/]",
    "rejected": "[red]rejected[/]",
    "referred": "[yellow]referred to a human[/]",
    "withdrawn": "[dim]withdrawn[/]",
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


def of_colours(event: Colours) -> str:
    steps = [f"{coloured(s.colour, s.at_least)} from {s.from_}" for s in event.timeline]
    return f"{event.afdeling_id}  {', '.join(steps) or 'no colour yet'}"


def coloured(colour: str, at_least: str | None = None) -> str:
    known = f" (at least {at_least})" if at_least else ""
    return f"[{COLOURS[colour]}]{colour}{known}[/]"


def of_area(event: Area) -> str:
    return f"{event.area_id}  {event.headline}, by the list year {event.list_year or 'none'}"


def of_quota(event: Quota) -> str:
    due = f"{event.due} of {event.counting} counting homes due, {event.reported} reported"
    balance = f"[red]{event.owed} owed[/]" if event.owed else f"{event.credit} in credit" if event.credit else "even"
    after = f"next due in {event.next_due_in}" if event.next_due_in is not None else "no next one due"
    return f"{event.afdeling_id}  {due}, {balance}, {after}"


def of_decision(event: Decision) -> str:
    return "\n".join([f"{event.offer_id}  {OUTCOMES[event.outcome]}", *map(of_reason, event.reasons)])


def of_reason(reason: OfferReason) -> str:
    source = f" [dim]({reason.source})[/]" if reason.source else ""
    return f"    {reason.sentence_da}{source}"


def of_life(event: Life) -> str:
    until = f", answer due by {event.deadline}" if event.deadline and event.state == "decided" else ""
    since = f" on {event.since}" if event.since else ""
    idle = f", {event.idle_days} idle days" if event.idle_days is not None else ""
    state = f"{event.offer_id}  [{STATES[event.state]}]{event.state}[/]{since}{until}{idle}"
    return "\n".join([state, *(f"    {finding.sentence_da}" for finding in event.findings)])


def of_line(event: LedgerLine) -> str:
    has = event.balance
    after = f"{has.counting} counting, {has.share} share, {has.reported} reported"
    about = f"{event.about} {event.offer_id or ''}".rstrip()
    return f"{event.afdeling_id}  {event.number}  {event.day}  {what(event, Language.en)}  {about}  [dim]→ {after}[/]"


def of_supply(event: Supply) -> str:
    reported, relevant, used = (sum(getattr(s, n) for s in event.shelves) for n in ("reported", "relevant", "used"))
    return f"{event.afdeling_id}  {reported} reported, {relevant} of them relevant, {used} used"


def of_receipt(event: Receipt) -> str:
    what = (
        f"{event.event_id or f'{event.topic}/{event.partition}/{event.offset}'}  [{FATES[event.fate]}]{event.fate}[/]"
    )
    if event.fate != "refused":
        return what
    value = "" if event.value is None else f": {event.value!r}"
    return f"{what}: {event.field} {event.rule}{value}"

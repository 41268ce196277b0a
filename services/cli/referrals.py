"""`trappetrin referrals`: offers that a person must look at, the oldest first, with why, and when they expire."""

from datetime import date
from typing import Any, NamedTuple

import typer
from rich.table import Table

from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import System, find
from services.cli.watch import What, told
from shared.clock import utc_now
from shared.events.internal import Decision, Life


class Referral(NamedTuple):
    """`age` in days since the offer; `expires`: the day on which it lapses, None where the agreement sets none."""

    offer: str
    afdeling: str
    codes: list[str]
    sentences: list[str]
    submitted_on: date
    age: int
    expires: date | None

    def told(self) -> dict[str, Any]:
        days = {"submitted_on": str(self.submitted_on), "expires": str(self.expires) if self.expires else None}
        return self._asdict() | days


def referrals_of(system: System) -> list[Referral]:
    """Those that are open. The age is counted up to the last closed day, to today while none was closed."""
    closed = system.ask("matching", "/state").get("closed_day")
    today = date.fromisoformat(closed) if closed else utc_now().date()
    lives = {(e.afdeling_id, e.offer_id): e for e in told(system, What.lives) if isinstance(e, Life)}
    found = []
    for event in told(system, What.decisions):
        life = lives.get((event.afdeling_id, event.offer_id)) if isinstance(event, Decision) else None
        if isinstance(event, Decision) and life and life.outcome == "referred" and life.state == "decided":
            refer = [r for r in event.reasons if r.kind == "refer"]
            found.append(
                Referral(
                    f"{event.afdeling_id[:4]}/{event.offer_id}",
                    event.afdeling_id,
                    [r.code for r in refer],
                    [r.sentence_da for r in refer],
                    life.submitted_on,
                    max(0, (today - life.submitted_on).days),
                    life.deadline,
                )
            )
    return sorted(found, key=lambda r: (r.submitted_on, r.offer))


def referrals(as_text: Json = False) -> None:
    """List the offers that are referred to a person: resolved by two people with offer.resolved."""
    found = referrals_of(find())
    if as_text:
        typer.echo(as_json([r.told() for r in found]))
        return
    table = Table(title=f"{len(found)} offers wait for a person")
    for heading in ("offer", "since", "days", "expires", "why"):
        table.add_column(heading, overflow="fold")
    for r in found:
        expires = str(r.expires) if r.expires else "never"
        table.add_row(r.offer, str(r.submitted_on), str(r.age), expires, "\n".join(r.sentences))
    screen().print(table)

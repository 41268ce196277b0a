"""The balance of an afdeling: what is due, reported, owed and in credit, since when, and when the next one is due.

Shares are exact fractions of a home; only `due` is rounded, once. Source: the inbound contract, "Quota";
almenboligloven § 59.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from fractions import Fraction
from itertools import groupby
from math import ceil, floor
from typing import Any

from services.quota.domain.ledger import Wanted
from shared.agreement.document import Document
from shared.agreement.inforce import Agreement
from shared.events.internal import Amounts, Quota
from shared.events.values import Colour


def quota_of(
    afdeling: str, things: Collection[Wanted], colour: Colour, current: Agreement | None, recorded_at: datetime
) -> Quota:
    """`things`: all that the ledger shall say; `colour`: of the last segment; `current`: the agreement that rounds."""
    has = summed(things)
    document = current.document if current else None
    due, share = rounded(has.share, document), document.quota.share.of(colour) if document else Fraction(0)
    return Quota(
        recorded_at=recorded_at,
        afdeling_id=afdeling,
        counting=has.counting,
        provisional=has.provisional,
        suspended=has.suspended,
        excluded=has.excluded,
        due_exact=str(has.share),
        due=due,
        reported=has.reported,
        owed=max(0, due - has.reported),
        credit=max(0, has.reported - due),
        next_due_in=next_due_in(has.share, share, document),
        agreement=current.version if current else None,
        owed_since=owed_since(things, has.reported, document),
        next_must_be_reported=share > 0 and rounded(has.share + share, document) > has.reported,
    )


def summed(things: Collection[Wanted]) -> Amounts:
    """Of their effects; made at once, since there are as many as homes."""
    told: dict[str, Any] = {name: sum(getattr(t.effect, name) for t in things) for name in Amounts.model_fields}
    return Amounts(**told)


def rounded(total: Fraction, document: Document | None) -> int:
    return ceil(total) if document and document.quota.rounding.value == "ceil" else floor(total)


def next_due_in(total: Fraction, share: Fraction, document: Document | None) -> int | None:
    """Counting vacancies still needed, at this share, until one more home is due."""
    if document is None or share == 0:
        return None
    if document.quota.rounding.value == "ceil":
        return floor((ceil(total) - total) / share) + 1
    return ceil((floor(total) + 1 - total) / share)


def owed_since(things: Iterable[Wanted], reported: int, document: Document | None) -> date | None:
    """The day on which the oldest home that is still owed became due: reported homes settle the oldest first."""
    since, total = None, Fraction(0)
    for day, its in groupby(sorted(things, key=lambda t: t.day), key=lambda t: t.day):
        total += sum((t.effect.share for t in its), Fraction(0))
        if rounded(total, document) <= reported:
            since = None
        elif since is None:
            since = day
    return since

"""Internal events, one module a service's subject; the base has what all of them are."""

from shared.events.internal.areas import Area, AreaYear, Designated
from shared.events.internal.base import AreaNamed, Chained, Conclusion, Receipt, Recorded, Verdict
from shared.events.internal.colours import (
    AreaSegment,
    ColourChange,
    Colours,
    Criterion,
    Reason,
    Relative,
    Segment,
    Step,
)
from shared.events.internal.offers import (
    GOOD,
    Anchor,
    Anchored,
    AreaInput,
    Change,
    Check,
    ColourInput,
    Counterfactual,
    Decision,
    Finding,
    Inputs,
    Kind,
    Life,
    LifeState,
    OfferInput,
    OfferReason,
    Outcome,
    Party,
    QuotaEffect,
    RegisterInput,
    ResolutionInput,
    Restriction,
    Terms,
    VacancyInput,
)
from shared.events.internal.quotas import (
    Account,
    Amounts,
    Band,
    Basis,
    Cause,
    Entry,
    Handover,
    LedgerLine,
    Position,
    Quota,
    Reversal,
    Shelf,
    Supply,
)

__all__ = [
    "GOOD", "PUBLISHED", "UNPUBLISHED", "Account", "Amounts", "Anchor", "Anchored", "Area", "AreaInput", "AreaNamed",
    "AreaSegment", "AreaYear", "Band", "Basis", "Cause", "Chained", "Change", "Check", "ColourChange", "ColourInput",
    "Colours", "Conclusion", "Counterfactual", "Criterion", "Decision", "Designated", "Entry", "Finding", "Handover",
    "Inputs", "Kind", "LedgerLine", "Life", "LifeState", "OfferInput", "OfferReason", "Outcome", "Party", "Position",
    "Quota", "QuotaEffect", "Reason", "Receipt", "Recorded", "RegisterInput", "Relative", "ResolutionInput",
    "Restriction", "Reversal", "Segment", "Shelf", "Step", "Supply", "Terms", "VacancyInput", "Verdict",
]  # fmt: skip

PUBLISHED: tuple[type[Conclusion], ...] = (
    Area, Colours, Relative, Quota, LedgerLine, Supply, Handover, Decision, Life, Anchor,
)  # fmt: skip
UNPUBLISHED: tuple[type[Conclusion], ...] = (Position,)
"""What a service only remembers."""

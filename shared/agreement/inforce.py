"""The agreements that are known, by municipality and day. Source: the inbound contract, "In force"."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from shared.agreement.document import Document
from shared.events.canonical import agreement_version, digest
from shared.events.inbound import AgreementPublished
from shared.runtime.contract import Fact, Slot


@dataclass(frozen=True, slots=True)
class Agreement:
    """One document with its version by content, and the sender's revision that it came by."""

    document: Document
    version: str
    revision: int

    @property
    def effective_from(self) -> date:
        return self.document.effective_from


class Agreements:
    """All that are known, each effective from its day until the next of its municipality.

    `version` tells two sets apart: whoever knows the same agreements has the same one.
    """

    def __init__(self, everyone: Mapping[Slot, Fact]) -> None:
        published = (f.body for (kind, _), f in everyone.items() if kind == AgreementPublished.kind)
        told = [p for p in published if isinstance(p, AgreementPublished)]
        self.all = sorted(
            (Agreement(t.document, agreement_version(t.document), t.revision) for t in told),
            key=lambda a: (a.effective_from, a.document.municipality),
        )
        self.by_municipality: dict[str, list[Agreement]] = {}
        for agreement in self.all:
            self.by_municipality.setdefault(agreement.document.municipality, []).append(agreement)
        self.version = digest([[a.document.municipality, str(a.effective_from), a.version] for a in self.all])

    def on(self, municipality: str, day: date) -> Agreement | None:
        """The one in force: the latest `effective_from` not after the day; None before the first."""
        known = self.by_municipality.get(municipality, [])
        at = bisect_right(known, day, key=lambda a: a.effective_from)
        return known[at - 1] if at else None

    def latest(self, municipality: str) -> Agreement | None:
        """The one with the latest `effective_from`, whether or not that day has come."""
        known = self.by_municipality.get(municipality)
        return known[-1] if known else None

    def latest_of_all(self) -> Agreement | None:
        return self.all[-1] if self.all else None

    def days(self, municipality: str) -> list[date]:
        return [a.effective_from for a in self.by_municipality.get(municipality, [])]

"""The registry of topics: name, key, partitions, retention, owner and what they carry. Topics are created from it.

One topic has one writer. All keep everything and none is compacted: the log is the record, and after a crash an older
version may be the last one written, so compaction would keep the wrong one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from shared.events.inbound import (
    STATED,
    AfdelingRegistered,
    AfdelingSucceeded,
    AgreementPublished,
    DayClosed,
    Door,
    Inbound,
    IndicatorObserved,
    ListPublished,
    OfferAssigned,
    OfferResolved,
    OfferReturned,
    OfferSubmitted,
    OfferWithdrawn,
    PlacementDecided,
    ReferencePublished,
    TwinsCompared,
    VacancyCancelled,
    VacancyReported,
)
from shared.events.internal import (
    Anchor,
    Area,
    AreaNamed,
    Colours,
    Conclusion,
    Decision,
    Handover,
    LedgerLine,
    Life,
    Quota,
    Receipt,
    Relative,
    Supply,
)
from shared.events.partitioning import PARTITIONS

Service = Literal["ingest", "classifier", "quota", "matching"]
SERVICES: tuple[Service, ...] = ("ingest", "classifier", "quota", "matching")
FOREVER = -1
INBOUND_BYTES = 1_000_000
INTERNAL_BYTES = 1_150_000
UNKEYED = ("any", "as sent", "as received")
LETTER_BYTES = 1_200_000
"""So that the largest inbound record fits untouched, with the reason beside it."""


@dataclass(frozen=True, slots=True)
class Topic:
    """`carries`: models of the data; inbound models stand for `Recorded` of them where ingest writes."""

    name: str
    key: str
    owner: str
    readers: tuple[str, ...]
    description: str
    carries: tuple[type[Inbound | AreaNamed | Conclusion | Receipt], ...] = ()
    partitions: int = PARTITIONS
    retention_ms: int = FOREVER
    max_message_bytes: int = INTERNAL_BYTES

    @property
    def keyed(self) -> bool:
        """Whether the key decides the partition, so that another number of them would move keys."""
        return self.key not in UNKEYED


def dead_letters(service: str) -> str:
    """Where a service keeps what it could not use."""
    return f"{service}.dead-letters.v1"


def anchors(what: str) -> str:
    """Where the heads of a kind of journals are anchored every day."""
    return f"{what}.anchors.v1"


CONTROL = "control.v1"
"""Of what concerns everyone."""
_REGISTRY = (
    Topic(
        CONTROL,
        "a copy to every partition",
        "ingest",
        ("classifier", "quota", "matching"),
        "What concerns everyone: agreements, averages, lists, figures and names of areas, successions, closed days",
        (
            AgreementPublished,
            ReferencePublished,
            ListPublished,
            IndicatorObserved,
            AreaNamed,
            AfdelingSucceeded,
            DayClosed,
        ),
    ),
    Topic(
        "afdelinger.v1",
        "afdeling_id",
        "ingest",
        ("classifier", "quota", "matching"),
        "Registrations of afdelinger",
        (AfdelingRegistered,),
    ),
    Topic(
        "indicators.v1",
        "afdeling_id",
        "ingest",
        ("classifier",),
        "Figures of an afdeling, comparisons with its twins, manual placements",
        (IndicatorObserved, TwinsCompared, PlacementDecided),
    ),
    Topic(
        "vacancies.v1",
        "afdeling_id",
        "ingest",
        ("quota", "matching"),
        "Homes that become free",
        (VacancyReported, VacancyCancelled),
    ),
    Topic(
        "offers.v1",
        "afdeling_id",
        "ingest",
        ("matching",),
        "Offers, replies and resolutions",
        (OfferSubmitted, OfferWithdrawn, OfferAssigned, OfferReturned, OfferResolved),
    ),
    Topic(
        "colours.v1",
        "afdeling_id",
        "classifier",
        ("quota", "matching"),
        "The colour timeline of an afdeling, whole, with its trace",
        (Colours,),
    ),
    Topic("areas.v1", "area_id", "classifier", (), "The designations of an area by list year", (Area,)),
    Topic(
        "relatives.v1",
        "afdeling_id",
        "classifier",
        ("classifier",),
        "What a succeeded afdeling and its successor tell one another of their colours",
        (Relative,),
    ),
    Topic(
        "decisions.v1",
        "afdeling_id",
        "matching",
        ("quota",),
        "Decisions on offers, with reasons and all that they rest on; the life of each offer",
        (Decision, Life),
    ),
    Topic(
        "quotas.v1",
        "afdeling_id",
        "quota",
        (),
        "The 25 % of an afdeling, and its usable supply",
        (Quota, Supply),
    ),
    Topic("ledger.v1", "afdeling_id", "quota", (), "The ledger of an afdeling, line by line", (LedgerLine,)),
    Topic(
        "handovers.v1",
        "afdeling_id",
        "quota",
        ("quota",),
        "What a succeeded afdeling hands over to its successor",
        (Handover,),
    ),
    *(
        Topic(
            anchors(what),
            "organisation_id",
            owner,
            (),
            f"At the end of each day, the heads of an organisation's journals of {what}",
            (Anchor,),
        )
        for what, owner in (("decisions", "matching"), ("ledger", "quota"))
    ),
    *(
        Topic(
            dead_letters(service),
            "as received",
            service,
            (),
            f"What {service} could not use: original key, value and headers, and the reason",
            max_message_bytes=LETTER_BYTES,
        )
        for service in SERVICES
    ),
)
INTERNAL: Mapping[str, Topic] = {t.name: t for t in _REGISTRY}
READS: Mapping[str, tuple[str, ...]] = {
    s: tuple(t.name for t in _REGISTRY if s in t.readers) for s in ("classifier", "quota", "matching")
}
_CONCLUDED: Mapping[tuple[str, str], str] = {
    (t.owner, m.kind): t.name for t in _REGISTRY for m in t.carries if issubclass(m, Conclusion)
}


CONCLUDED = frozenset(_CONCLUDED.values())
"""The topics of all conclusions."""


def concluded(service: str, kind: str) -> str | None:
    """The topic of a service's kind of conclusion; None where it keeps that to itself."""
    return _CONCLUDED.get((service, kind))


OPERATIONS = "operations.in.v1"
"""What those who run the system tell it; written by the console and by ingest's own clock."""
INBOUND_PATTERN = r"^(org\.[0-9]{4}\.in\.v1|municipality\.[0-9]{4}\.(facts|replies)\.in\.v1|operations\.in\.v1)$"
_INBOUND = re.compile(r"(?P<who>org|municipality)\.(?P<code>[0-9]{4})(\.(?P<door>facts|replies))?\.in\.v1")
_RECORDED: Mapping[type[Inbound], str] = {m: t.name for t in _REGISTRY for m in t.carries if issubclass(m, Inbound)}
_MODELS = {m.kind: m for m in STATED}


class Sender(NamedTuple):
    """Who writes to an inbound topic: known by the topic, never believed from the payload."""

    door: Door
    code: str


def sender_of(topic: str) -> Sender:
    """The sender of an inbound topic. Raises `ValueError` for any other topic."""
    if topic == OPERATIONS:
        return Sender("operations", "")
    found = _INBOUND.fullmatch(topic)
    if not found or (found["who"] == "org") == bool(found["door"]):
        raise ValueError(f"{topic} is no inbound topic")
    doors: dict[str | None, Door] = {None: "organisation", "facts": "facts", "replies": "replies"}
    return Sender(doors[found["door"]], found["code"])


def receipts_topic(inbound: str) -> str:
    """Where the sender of an inbound topic reads the fate of what it sent."""
    sender = sender_of(inbound)
    if sender.door == "operations":
        return "operations.receipts.v1"
    return f"{'org' if sender.door == 'organisation' else 'municipality'}.{sender.code}.receipts.v1"


def inbound_topics(organisations: Iterable[str], municipalities: Iterable[str]) -> list[Topic]:
    """The topics of these senders: one of their own to write to each, and their receipts."""
    found = []
    for code in organisations:
        carries = tuple(m for m in STATED if m.door == "organisation")
        who = f"organisation {code}"
        found.append(_inbound(f"org.{code}.in.v1", who, "Registrations, vacancies, offers", carries))
        found.append(_receipts(f"org.{code}.receipts.v1", who))
    for code in municipalities:
        who = f"municipality {code}"
        facts = tuple(m for m in STATED if m.door == "facts")
        replies = tuple(m for m in STATED if m.door == "replies")
        found.append(_inbound(f"municipality.{code}.facts.in.v1", who, "Figures, lists, placements, agreements", facts))
        found.append(_inbound(f"municipality.{code}.replies.in.v1", who, "Replies and resolutions", replies))
        found.append(_receipts(f"municipality.{code}.receipts.v1", who))
    return found


def operations_topics() -> list[Topic]:
    """Of those who run the system: one partition, so that one process owns it."""
    who, carries = "operations", tuple(m for m in STATED if m.door == "operations")
    return [
        replace(_inbound(OPERATIONS, who, "Closed days", carries), partitions=1),
        replace(_receipts(receipts_topic(OPERATIONS), who), partitions=1),
    ]


def wanted_topics(names: Iterable[str]) -> list[Topic]:
    """All that must be there where these are: the internal ones, and those of every sender of whom one is there."""
    codes: Mapping[str, set[str]] = {"org": set(), "municipality": set()}
    for name in names:
        if found := re.fullmatch(r"(org|municipality)\.([0-9]{4})\..+", name):
            codes[found[1]].add(found[2])
    senders = inbound_topics(sorted(codes["org"]), sorted(codes["municipality"]))
    return [*_REGISTRY, *operations_topics(), *senders]


def is_inbound(name: str) -> bool:
    """Whether it is a sender's topic, which ingest reads."""
    return re.fullmatch(INBOUND_PATTERN, name) is not None


def is_ours(name: str) -> bool:
    """Whether a topic lies under a name of ours, known to the registry or not."""
    first, dot, _ = name.partition(".")
    return bool(dot) and first in _FIRST


_FIRST = {"org", "municipality", "operations", *(t.name.partition(".")[0] for t in _REGISTRY)}


def _inbound(name: str, who: str, description: str, carries: tuple[type[Inbound], ...]) -> Topic:
    return Topic(name, "any", who, ("ingest",), description, carries, 2, max_message_bytes=INBOUND_BYTES)


def _receipts(name: str, who: str) -> Topic:
    return Topic(name, "as sent", "ingest", (who,), "The fate of each inbound event", (Receipt,), 2)


def topic_of(fact: Inbound) -> str | None:
    """The internal topic of a recorded fact; None for what ingest keeps to itself (organisations)."""
    stated = _MODELS[fact.kind]
    if stated is IndicatorObserved:
        return "indicators.v1" if fact.about() else CONTROL
    return topic_of_model(stated)


def topic_of_model(stated: type[Inbound]) -> str | None:
    """The same of a model; of observed indicators the topic of an afdeling's."""
    return _RECORDED.get(stated)


def inbound_topic_for(kind: str | None, data: Any, municipality: str = "0851") -> str:
    """Where a file's event belongs: an organisation's to its own topic, replies and all else to the municipality's."""
    model = _MODELS.get(kind or "")
    afdeling = data.get("afdeling_id") if isinstance(data, Mapping) else None
    if model is not None and model.door == "organisation" and re.match(r"[0-9]{4}", str(afdeling)):
        return f"org.{str(afdeling)[:4]}.in.v1"
    door = "replies" if model is not None and model.door == "replies" else "facts"
    return f"municipality.{municipality}.{door}.in.v1"

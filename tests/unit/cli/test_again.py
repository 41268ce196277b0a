"""The edge made anew from what was sent and from the receipts, in whatever order and however often these are read."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from services.cli.ground.edge import Edge, Receipts, published
from services.cli.ground.reading import Impossible
from services.ingest.contract import Origin
from services.ingest.service import DISCARDED, receipt
from shared.runtime.contract import Outgoing, Record
from tests.edge import ORG
from tests.edge import Edge as Live

AT = datetime(2026, 1, 2, 8, tzinfo=UTC)
ORIGIN = Origin(ORG, 0, 7, "s", "e1", "dk.trappetrin.vacancy.reported.v1")


class Sent:
    """What went through a live edge, and the copies of it in the topics."""

    def __init__(self) -> None:
        self.live, self.records = Live(), list[Record]()

    async def send(self, *lines: bytes) -> None:
        records = [self.live.record(ORG, line) for line in lines]
        self.records += records
        await self.live.batch(records)

    def topics(self) -> list[tuple[str, Outgoing]]:
        return [(t, o) for t, o in self.live.out if ".receipts." not in t and "dead-letters" not in t]

    def receipts(self) -> list[Outgoing]:
        return [o for t, o in self.live.out if ".receipts." in t]

    def again(self, receipts: list[Outgoing], told: list[tuple[str, Outgoing]]) -> Edge:
        edge = Edge(Receipts(), published(Record(t, o.partition, 0, o.key, o.value, o.headers) for t, o in told))
        for one in receipts:
            edge.receipts.hear(one)
        for record in self.records:
            edge.take(record)
        return edge


@pytest.fixture
async def sent() -> Sent:
    """Two registrations, of which one names an area."""
    sent = Sent()
    event = sent.live.event
    await sent.send(
        event("afdeling.registered", area_id="A-vest"), event("afdeling.registered", afdeling_id="0123-002")
    )
    return sent


async def test_every_copy_that_was_not_published_is(sent: Sent) -> None:
    whole = sent.topics()

    assert len(whole) == 8  # two registrations, and the area's name in every partition
    for missing in whole:
        edge = sent.again(sent.receipts(), [one for one in whole if one != missing])

        assert [(topic, one) for _, topic, one in edge.unpublished()] == [missing]


async def test_nothing_is_published_again_of_what_all_were_told(sent: Sent) -> None:
    assert list(sent.again(sent.receipts(), sent.topics()).unpublished()) == []


async def test_what_was_told_in_part_and_not_answered_is_told_to_the_others_as_of_the_same_time(sent: Sent) -> None:
    whole, copies = sent.topics(), list[int]()
    for known in [one for one in whole if one[0] == "afdelinger.v1"]:
        again = [(topic, one) for _, topic, one in sent.again([], [known]).unpublished()]
        copies.append(len(again))

        assert [one for one in again if one not in whole or one == known] == []

    assert copies == [6, 0]  # one of them names an area


@pytest.mark.parametrize(
    "told", [("accepted",), ("duplicate",), ("refused",), ("parked",), ("parked", "released"), ("parked", "refused")]
)
def test_the_fate_of_a_record_hangs_on_no_order_and_no_repetition(told: tuple[str, ...]) -> None:
    answers = [
        receipt(ORIGIN, b"k", AT + timedelta(days=n), fate=fate, rule=DISCARDED if n else None)[1]
        for n, fate in enumerate(told)
    ]
    for order in permutations(answers * 2):
        receipts = Receipts()
        for one in order:
            receipts.hear(one)

        assert receipts.fates[ORG, 0][7][:3] == (told[0], AT, ("", "", None))
        assert receipts.became((ORG, 0), 7) == told[-1]
        assert receipts.end((ORG, 0)) == 8


async def test_a_parked_receipt_that_is_heard_again_last_undoes_nothing() -> None:
    sent = Sent()
    await sent.send(sent.live.event("vacancy.reported"), sent.live.event("afdeling.registered"))
    await sent.live.release()
    edge = sent.again([*sent.receipts(), sent.receipts()[0]], sent.topics())

    assert [(k.id, k.parked) for k in edge.kept] == [(k.id, False) for k in edge.kept]
    assert len(edge.kept) == 2


async def test_of_two_refusals_of_one_event_either_may_have_been_written_down_first() -> None:
    sent = Sent()
    broken = sent.live.event("vacancy.reported", "e1", rooms="x")
    await sent.send(broken, sent.live.event("vacancy.reported", "e1", rooms="y"))
    edge = sent.again(sent.receipts(), [])
    [told] = edge.refusals.values()

    assert [r.value for r in told] == ["x", "y"]
    assert list(edge.standing()) == told[:1]
    assert [edge.may_stand(r) for r in (*told, told[0]._replace(rule="z"))] == [True, True, False]


def test_what_is_no_receipt_of_ours_is_named_and_of_no_record() -> None:
    receipts = Receipts()
    receipts.hear(Record("org.0123.receipts.v1", 0, 3, b"k", b"poison 1"))
    receipts.hear(Record("org.0123.receipts.v1", 0, 4, b"k", b"{}", (("ce_source", b"org/0123"), ("ce_type", b"a\0b"))))

    assert receipts.fates == {}
    assert receipts.foreign == [
        "a record without a type in org.0123.receipts.v1/0/3 is of no service, and was left out",
        "a\ufffdb in org.0123.receipts.v1/0/4 is of no service, and was left out",
    ]


@pytest.mark.parametrize("value", [b"poison 1", b"{}", b"[]", b'{"topic": 1}', None])
def test_a_receipt_of_ours_that_cannot_be_read_is_refused(value: bytes | None) -> None:
    _, good = receipt(ORIGIN, b"k", AT, fate="accepted")

    with pytest.raises(Impossible, match=r"^receipt in org\.0123\.receipts\.v1/0/3 can not be read by this release"):
        Receipts().hear(Record("org.0123.receipts.v1", 0, 3, b"k", value, good.headers))

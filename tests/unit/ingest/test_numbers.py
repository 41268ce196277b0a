"""Numbers that no reader could hold, or that the contract wants as text, cost their own event and nothing else."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.agreement.document import Number, ShareOf
from tests.edge import FACTS, ORG

AS_TEXT = (
    'must be a decimal number as text with a point, for example "3500.50", with at most 20 digits on either side of it'
)
HUGE = "1e-999999999"
BEYOND = "1e9999999999999999999"


@pytest.mark.parametrize(
    ("now", "instead", "told"),
    [
        (b'"3500"', b"3500.50", ("data.rent_monthly", AS_TEXT, "3500.50")),
        (b'"3500"', HUGE.encode(), ("data.rent_monthly", AS_TEXT, "1E-999999999")),
        (b'"3500"', b'"0.123456789012345678901"', ("data.rent_monthly", AS_TEXT, "0.123456789012345678901")),
        (b'"3500"', BEYOND.encode(), ("value", "must be JSON with numbers that can be told exactly", None)),
        (b'"data"', b'"time": "0001-01-01T00:00:00+01:00", "data"',
            ("time", "must be an instant from year 1 to 9999, in UTC", "0001-01-01T00:00:00+01:00")),
        (b'"data"', b'"time": "9999-12-31T23:59:59-01:00", "data"',
            ("time", "must be an instant from year 1 to 9999, in UTC", "9999-12-31T23:59:59-01:00")),
    ],
)  # fmt: skip
async def test_a_number_or_a_time_that_cannot_be_used_is_refused(
    edge: Any, now: bytes, instead: bytes, told: tuple[str, str, str | None]
) -> None:
    good, line = edge.event("afdeling.registered"), edge.event("vacancy.reported")
    assert now in line

    refused, accepted = await edge.send(ORG, line.replace(now, instead), good)

    assert (refused["fate"], refused["field"], refused["rule"]) == ("refused", *told[:2])
    assert told[2] is None or refused["value"] == told[2]
    assert accepted["fate"] == "accepted"


async def test_what_reading_stumbles_over_costs_its_own_record(edge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.ingest import reading

    def fails(envelope: Any) -> Any:
        if envelope.id == "e-1":
            raise MemoryError
        return reads(envelope)

    reads = reading.inbound
    monkeypatch.setattr(reading, "inbound", fails)

    refused, accepted = await edge.send(ORG, edge.event("vacancy.reported", "e-1"), edge.event("afdeling.registered"))

    assert (refused["fate"], refused["event_id"], refused["rule"]) == ("refused", "e-1", "cannot be read: MemoryError")
    assert accepted["fate"] == "accepted"


@pytest.mark.parametrize(
    "value", ["4_0", " 40 ", "٤٠", "4e1", HUGE, "1/4", "", "-1", -1, True, None, Decimal(HUGE), Decimal("NaN"), 10**30]
)
def test_what_is_no_number_of_an_agreement(value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Number).validate_python(value)


@pytest.mark.parametrize(
    "value", ["1/0", "1/4_0", " 1/4", "5/4", "-1/4", "2e-1", HUGE, "", True, None, Decimal(HUGE), Decimal("1.5")]
)
def test_what_is_no_share_of_an_agreement(value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(ShareOf).validate_python(value)


@pytest.mark.parametrize(
    ("value", "share"),
    [
        ("1/4", Fraction(1, 4)),
        ("0.25", Fraction(1, 4)),
        (Decimal("0.25"), Fraction(1, 4)),
        (1, Fraction(1)),
        ("0", Fraction(0)),
    ],
)
def test_a_share_is_exact_and_reads_back(value: Any, share: Fraction) -> None:
    read = TypeAdapter(ShareOf)

    assert read.validate_python(value) == share
    assert read.validate_python(
        read.dump_python(read.validate_python("0.12345678901234567891"), mode="json")
    ) == Fraction(12345678901234567891, 10**20)


async def test_a_share_of_a_split_is_bounded_too(edge: Any) -> None:
    [receipt] = await edge.send(FACTS, edge.event("afdeling.succeeded", share=HUGE))

    assert (receipt["fate"], receipt["field"], receipt["value"]) == ("refused", "data.share", HUGE)

"""What an area is designated as is kept by the day since when it is so, and is the same as on the day itself."""

from datetime import date
from decimal import Decimal
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from services.classifier.domain.designations import AreaFacts
from services.classifier.domain.figures import Averages
from services.classifier.domain.parameters import Parameters
from shared.agreement.document import Document
from shared.agreement.inforce import Agreement
from shared.agreement.loader import AALBORG, load
from shared.events.inbound import IndicatorObserved, ListPublished, ReferencePublished, Subject
from shared.events.inbound.everyone import DesignatedAreas
from shared.events.values import Indicator

HERE, THERE = "Here", "There"
AGREEMENT = Agreement(Document.model_validate(load(AALBORG)), "first", 1)
DAYS = st.dates(date(2019, 1, 1), date(2023, 12, 31))


@st.composite
def observations(draw: st.DrawFn) -> IndicatorObserved:
    as_of = draw(st.dates(date(2019, 1, 1), date(2022, 12, 31)))
    indicator = draw(st.sampled_from(get_args(Indicator)))
    return IndicatorObserved(
        subject=Subject(kind="area", id=HERE),
        source="ministry",
        indicator=indicator,
        as_of=as_of,
        effective_from=draw(st.dates(as_of, date(2023, 12, 31))),
        value=Decimal(draw(st.sampled_from(["0.5", "20", "45", "70"]))) if indicator != "residents" else Decimal(1500),
        revision=1,
    )


@st.composite
def lists(draw: st.DrawFn) -> ListPublished:
    on, off = draw(st.sampled_from([([HERE], []), ([THERE], [HERE]), ([THERE], [])]))
    told = DesignatedAreas(complete=draw(st.booleans()), areas=on, off=off)
    year, name = draw(st.integers(2019, 2022)), draw(st.sampled_from(["udsat", "parallelsamfund", "forebyggelse"]))
    return ListPublished.model_validate({"list_date": date(year, 12, 1), "lists": {name: told}, "revision": 1})


@given(st.lists(observations(), max_size=40), st.lists(lists(), max_size=3), DAYS, st.sampled_from([AGREEMENT, None]))
def test_a_day_is_as_the_day_since_when_it_is_so(
    observed: list[IndicatorObserved], listed: list[ListPublished], day: date, agreement: Agreement | None
) -> None:
    reference = ReferencePublished.model_validate(
        {"indicator": "convicted", "list_date": "2021-12-01", "national_average": "1.5", "revision": 1}
    )
    facts = AreaFacts(HERE, observed, {li.list_date.year: li for li in listed}, Averages([reference]))
    since = facts.since(day)

    assert since <= day
    assert facts.on(day, agreement) == facts.on(since, agreement)


def test_many_days_are_kept_as_few() -> None:
    facts = AreaFacts(HERE, [], {}, Averages([]))
    facts.changes = [date(2020, 12, 1), date(2021, 12, 1)]
    parameters = Parameters({})
    parameters.areas[HERE] = facts
    for day in range(1, 31):
        for month in range(1, 13):
            for year in (2020, 2021, 2022):
                parameters.designations(HERE, date(year, month, min(day, 28)), AGREEMENT)

    assert sorted(since for _, since, _ in parameters.designated) == [date.min, date(2020, 12, 1), date(2021, 12, 1)]

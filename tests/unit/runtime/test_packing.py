"""What is packed comes back the same; None is not empty."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.contract import Outgoing
from shared.runtime.packing import pack, unpack

MAYBE = st.none() | st.binary(max_size=300)
NAME = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
RECORDS = st.lists(
    st.builds(
        Outgoing, st.integers(0, 2**31 - 1), MAYBE, MAYBE, st.lists(st.tuples(NAME, MAYBE), max_size=4).map(tuple)
    )
)


@given(RECORDS)
def test_comes_back_the_same(records: list[Outgoing]) -> None:

    assert unpack(pack(records)) == records


@given(RECORDS.filter(bool), st.data())
def test_cut_short_is_seen(records: list[Outgoing], data: st.DataObject) -> None:
    body = pack(records[:1])
    cut = data.draw(st.integers(1, len(body) - 1))

    with pytest.raises(ValueError, match="cut short"):
        unpack(body[:cut])

"""Which fields a sender gave stays known of every fact, though what is equal of that is one object for all of them."""

from shared.events.decoding import dump, restore
from tests.contract.test_tolerance import rows, year


def test_a_row_is_written_again_as_it_was() -> None:
    for _, store in year().services:
        for body in rows(store):
            assert dump(restore(body.kind, dump(body))) == dump(body)


def test_equal_sets_are_one_object_and_a_copy_has_its_own() -> None:
    one, other, *_ = (b for _, s in year().services for b in rows(s) if b.kind == "vacancy.cancelled")
    given = {"afdeling_id", "vacancy_id", "revision"}
    more = one.model_copy(update={"more": 2})

    assert one.model_fields_set is other.model_fields_set
    assert more.model_fields_set == given | {"more"}
    assert one.model_fields_set == given

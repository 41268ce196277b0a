"""What one more fact costs does not grow with what the ledger says already: nothing is made of each home for it."""

from types import ModuleType

import pytest

from services.quota.domain import QuotaDomain, handover, ledger
from shared.events.partitioning import partition_of
from shared.runtime.contract import EVERYONE
from tests.offline import made
from tests.unit.test_cases import AFDELING, given, plain

HOMES = [{"ledige": {"antal": 6}}, {"tilbud": ["b1", "b2"]}]


@pytest.mark.parametrize(("module", "name"), [(ledger, "cause_of"), (ledger, "published"), (handover, "amounts_of")])
def test_for_what_is_said_already_no_event_is_named_and_no_sum_made(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str
) -> None:
    store = made((kind, plain(data)) for kind, data in given({"givet": HOMES})).stores["quota"]
    task, domain = str(partition_of(AFDELING)), QuotaDomain()
    known, everyone = store.entities[task, AFDELING], store.entities[task, EVERYONE]

    def refuse(*_told: object) -> None:
        raise AssertionError(name)

    monkeypatch.setattr(module, name, refuse)

    assert [c.kind for c in domain.conclude(AFDELING, known, domain.parameters(everyone.facts))] == ["quota", "supply"]

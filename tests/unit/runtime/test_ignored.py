"""Of areas only the classifier knows: the others neither keep that nor consider their afdelinger anew for it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from services.classifier.domain import Classifier
from services.cli.evaluate import Offline, lines_of
from services.matching.domain import MatchingDomain
from services.quota.domain import QuotaDomain
from shared.agreement.everyone import OF_AREAS
from shared.events.decoding import decode
from shared.events.inbound import AgreementPublished
from shared.runtime.contract import EVERYONE, Draft, Record
from shared.runtime.keyed import Domain, KeyedHandler
from shared.runtime.memory import MemoryStore

SMALL = Path(__file__).parents[3] / "examples" / "small.ndjson"


async def for_everyone() -> list[Record]:
    """What the small example tells everyone, as task 0 gets it."""
    offline = Offline()
    for line in lines_of([SMALL]):
        offline.send(*line, "0851")
    await offline.settle()
    log = offline.broker.logs["control.v1", 0]
    return [Record("control.v1", 0, offset, r.key, r.value, r.headers, 0) for offset, r in enumerate(log)]


async def prepared(domain: Domain[Any], records: Sequence[Record]) -> Draft:
    """Of all that is kept for everyone, nothing is kept beside the draft."""
    store = MemoryStore()
    draft, handler = Draft.of((await store.claim(["0"]))["0"]), KeyedHandler(domain, "service", store)
    await handler.prepare([(draft, record) for record in records])

    assert set(handler.everyones) == {slot for _, slot in draft.facts}
    return draft


def kinds(draft: Draft) -> set[str]:
    return {kind for _, (kind, _) in draft.facts}


@pytest.mark.parametrize("domain", [QuotaDomain(), MatchingDomain()])
async def test_what_is_of_areas_only_is_passed_over(domain: Domain[Any]) -> None:
    records = await for_everyone()
    of_areas = [record for record in records if decode(record).kind in OF_AREAS]
    told, silent = await prepared(domain, records), await prepared(domain, of_areas)

    assert (kinds(told), told.cursor) == ({AgreementPublished.kind}, EVERYONE)
    assert (kinds(silent), silent.cursor, silent.entities) == (set(), None, {})
    assert kinds(await prepared(Classifier(), of_areas)) == OF_AREAS

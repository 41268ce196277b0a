"""What settle waits for like for anything else: a service or a broker that does not answer for a moment."""

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from services.cli import settle
from services.cli.system import System, Unreachable
from shared.runtime.footing import EMPTIED

AWAY = (KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION)), Unreachable("quota does not answer"))
SAID = ("Not leader for partition", "quota does not answer")
NOWHERE = System(["127.0.0.1:1"], {})


@pytest.mark.parametrize("fault", AWAY, ids=["broker", "service"])
def test_it_waits_for_who_is_away(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    answers: Iterator[Exception | dict[str, int]] = iter([fault, {"ingest records": 1}, {}])

    def left(_watcher: settle.Watcher) -> dict[str, int]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(settle.Watcher, "left", left)

    assert settle.wait_until_settled(NOWHERE) > 0
    assert list(answers) == []


@pytest.mark.parametrize(("fault", "said"), [*zip(AWAY, SAID, strict=True)])
def test_it_gives_up_with_who_is_away(monkeypatch: pytest.MonkeyPatch, fault: Exception, said: str) -> None:
    def left(_watcher: settle.Watcher) -> dict[str, int]:
        raise fault

    monkeypatch.setattr(settle.Watcher, "left", left)

    with pytest.raises(TimeoutError, match=f"not settled after 0 s; left: .*{said}"):
        settle.wait_until_settled(NOWHERE, limit=0)


def told(**left: dict[str, int]) -> dict[str, Any]:
    """What a service says of tasks of which 3 is stopped, and 5 for an emptied topic."""
    stopped = {
        "3": "vacancies.v1 brought 500 dead letters in a row",
        "5": f"{EMPTIED}: vacancies.v1 at 5, it ends at 2",
    }
    return {"offsets": {}, "stopped": stopped, "by_task": left}


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (told(reconsidering={"3": 1, "5": 1}, outbox={"5": 2}, releasable={"3": 8}), {}),
        (told(reconsidering={"3": 1, "4": 1}), {"quota reconsidering": 1}),
        (told(outbox={"3": 2, "4": 1, "5": 7}), {"quota outbox": 3}),  # of 3 it is on its way
    ],
)
def test_past_stops_what_only_who_goes_on_would_do_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], left: dict[str, int]
) -> None:
    monkeypatch.setattr(settle, "SERVICES", ["quota"])
    monkeypatch.setattr(System, "ask", lambda *_asked: answer)

    assert settle.Watcher(NOWHERE, past_stops=True).behind({}) == left

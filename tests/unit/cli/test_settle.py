"""What settle waits for like for anything else: a service or a broker that does not answer for a moment."""

from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError, KafkaException

from services.cli import settle
from services.cli.system import System, Unreachable

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

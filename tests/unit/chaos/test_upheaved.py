"""What is put among the lines of a load: registrations come back, successions are sound, all else is as it was."""

from collections import Counter

import pytest

from services.cli.evaluate import fold
from services.cli.invented.broken import SOURCE
from services.cli.invented.lots import Lots
from shared.events.decoding import of_line
from shared.events.inbound import AfdelingRegistered, AfdelingSucceeded, RegistrationRetracted
from tests.chaos import upheaved as upheavals
from tests.chaos.load import CLOSING, lines_of
from tests.chaos.upheaved import CLOSED, upheaved

SEED, EVENTS = 3, 400


async def test_the_load_is_in_it_as_it_was_and_the_edge_refuses_nothing_of_what_comes_besides() -> None:
    load = lines_of(SEED, EVENTS)
    lines = upheaved(SEED, load)
    besides = Counter(text for *_, text in lines) - Counter(text for *_, text in load)
    _, refused, _ = await fold(line for line in lines if CLOSING not in line[2])

    assert lines == upheaved(SEED, load)
    assert [n for _, n, _ in lines] == list(range(1, len(lines) + 1))
    assert [text for *_, text in lines if text not in besides] == [text for *_, text in load]
    assert sum(CLOSING in text for text in besides) == len(CLOSED)
    assert not {lines[r.line - 1][2] for r in refused} & besides.keys()


def test_a_registration_that_is_taken_back_comes_anew_and_afdelinger_go_on_in_others() -> None:
    load = [line for line in lines_of(SEED, EVENTS) if SOURCE.encode() not in line[2]]
    told = [of_line(text) for *_, text in upheaved(SEED, load) if CLOSING not in text]
    gone = {(f.key(), f.revision): n for n, f in enumerate(told) if isinstance(f, RegistrationRetracted)}
    back = {(f.key(), f.revision - 1): n for n, f in enumerate(told) if isinstance(f, AfdelingRegistered)}

    assert gone.keys() & back.keys()
    assert all(gone[one] < back[one] for one in gone.keys() & back.keys())
    assert any(isinstance(fact, AfdelingSucceeded) for fact in told)


def test_no_succession_contradicts_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upheavals, "SUCCEEDED", 1_000)  # more than there are days
    told = [told.data for _, told in upheavals.succeeded(Lots(SEED, "many"), [f"0123-{n:03d}" for n in range(4)], 9)]
    keys = Counter((data["to"], data["on"], data["revision"]) for data in told)

    former = {(data["to"], data["on"]): data["from"] for data in told if data["revision"] == 1}
    corrected = [data for data in told if data["revision"] == 2]

    assert len(keys) > 1_000
    assert set(keys.values()) == {1}
    assert corrected
    assert all(data["from"] != former[data["to"], data["on"]] for data in corrected)

"""What a sender wrote is printed as it is written, and only our own words have colours."""

from datetime import UTC, datetime

import pytest
from rich.table import Table

from services.cli.screen import screen
from services.cli.sentences import of_receipt
from shared.events.internal import Receipt

ODD = "[/x] order[abc]-7 [red]y[/red] :smile:"


def test_a_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(title=ODD)
    table.add_column(ODD)
    table.add_row(ODD)
    screen().print(ODD)
    screen().print(table)

    assert capsys.readouterr().out.count(ODD) == 4


def test_a_sentence_has_the_senders_words_and_our_colour(capsys: pytest.CaptureFixture[str]) -> None:
    refused = Receipt(
        event_id=ODD, event_type="t", topic="org.0123.in.v1", partition=0, offset=7,
        recorded_at=datetime(2026, 1, 2, 8, tzinfo=UTC), fate="refused", field=ODD, rule="is not a known field",
        value="[dim]",
    )  # fmt: skip
    sentence = of_receipt(refused)
    screen().print(sentence)

    assert capsys.readouterr().out == f"{ODD}  refused: {ODD} is not a known field: '[dim]'\n"
    assert [(sentence.plain[s.start : s.end], s.style) for s in sentence.spans] == [("refused", "red")]

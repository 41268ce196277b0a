"""Whatever way a sender packs its events, a real broker takes them and ingest reads them; so does the console."""

import asyncio

from deploy.local.stack import Stack
from services.cli.log import Log
from services.cli.system import of
from services.cli.watch import KINDS, What, read
from shared.events.internal import Receipt
from shared.runtime.admin import ensure_senders
from tests.e2e.checks import live
from tests.e2e.console import trappetrin
from tests.integration.test_intake import CODECS, THERE, named, send


def receipts(stack: Stack) -> list[tuple[str | None, str | None]]:
    """Field and value of each refusal on the topic."""
    log = Log(of(stack), KINDS[What.receipts].wanted)
    told = [read(KINDS[What.receipts], m) for m in log.whole()]
    log.close()
    return [(r.field, r.value) for r in told if isinstance(r, Receipt) and r.topic == THERE]


def test_every_codec_and_any_name_of_a_header(stack: Stack) -> None:
    system = of(stack)
    ensure_senders(system.kafka, ["0456"], [])
    for codec in CODECS:
        send(system.kafka[0], THERE, codec.encode(), codec)
    asyncio.run(named(system.kafka[0], THERE, b"\xff\xfe"))
    live(stack)
    told = receipts(stack)

    assert [sum((value or "").startswith(codec) for _, value in told) for codec in CODECS] == [50] * len(CODECS)
    assert ("headers", repr(b"\xff\xfe")) in told
    assert len(told) == 50 * len(CODECS) + 3

    stack.down(only=["ingest"], say=lambda _line: None)
    try:
        done = trappetrin(stack, "rebuild", "ingest", "--dry-run", "--json")
    finally:
        stack.up(say=lambda _line: None)

    assert (done["differing"], done["problems"]) == ([], [])

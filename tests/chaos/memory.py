"""`python -m tests.chaos.memory --minutes 30`: how the services' memory goes at 70 % of what they can take.

All lines are of one year of a country. What concerns everyone and the registrations come first, then ten parts of the
year side by side, so that there is of everything all the time. Half of the year makes the afdelinger as heavy as they
will be, for an event costs what its afdeling has of homes. Then it is seen what the services can take: many lines at
once, and the time until they had their effect; and that share of it is sent, line by line. Of each process the straight
line through its sizes, without the first tenth, in which it warms up.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from aiokafka import AIOKafkaProducer

from services.cli.evaluate import HEADERS
from services.cli.settle import wait_until_settled
from services.cli.system import of
from shared.events.cloudevents import Invalid
from shared.events.decoding import of_line, route
from shared.events.inbound import AfdelingRegistered
from shared.logging import configure_console
from tests.chaos.away import pids, rss
from tests.chaos.load import Line, Load, lines_of
from tests.chaos.stand import Stand

SHARE, YEAR, KNOWN, MEASURED, PARTS, EVERY, WARM, PATIENCE = 0.7, 700_000, 350_000, 10_000, 10, 5.0, 0.1, 1_800.0
ON_THE_WAY = 5_000
Sizes = defaultdict[str, list[tuple[float, float]]]


def laid_out(lines: Sequence[Line]) -> list[Line]:
    """What everything hangs on; then the others, as they would be told of ten parts of the year at once."""
    first, others = list[Line](), list[Line]()
    for one in lines:
        (first if is_basic(one[2]) else others).append(one)
    length = -(-len(others) // PARTS)
    parts = [others[at : at + length] for at in range(0, len(others), length)]
    return [*first, *(one for together in zip_longest(*parts) for one in together if one)]


def is_basic(text: bytes) -> bool:
    """Whether it concerns everyone, or registers an afdeling."""
    try:
        fact = of_line(text)
    except Invalid:
        return False
    return isinstance(fact, AfdelingRegistered) or fact.about() is None


async def pour(stand: Stand, lines: Sequence[Line], rate: float | None = None) -> None:
    """So many lines a second, or as fast as the broker takes them; each has arrived at the end.

    Not by `publish`, whose library sends a request for each partition: of a country's senders there are thousands.
    """
    async with AIOKafkaProducer(
        bootstrap_servers=list(of(stand).kafka), acks="all", enable_idempotence=True, linger_ms=20
    ) as producer:
        await producer.client.set_topics({route(text)[0] for _, _, text in lines})  # or it asks for each anew
        flights, began = set[asyncio.Future[object]](), time.monotonic()
        for number, (_, _, text) in enumerate(lines, 1):
            if rate and (early := began + number / rate - time.monotonic()) > 0:
                await asyncio.sleep(early)
            topic, key = route(text)
            flights.add(await producer.send(topic, text, key=key, headers=list(HEADERS)))
            if len(flights) >= ON_THE_WAY:
                done, flights = await asyncio.wait(flights, return_when=asyncio.FIRST_COMPLETED)
                for flight in done:
                    flight.result()
        await asyncio.gather(*flights)


def throughput(stand: Stand, lines: Sequence[Line]) -> float:
    """Lines a second, from the first one sent to the last one's effect."""
    began = time.monotonic()
    asyncio.run(pour(stand, lines))
    wait_until_settled(of(stand), limit=PATIENCE)
    return len(lines) / (time.monotonic() - began)


def slopes(sizes: Sizes) -> dict[str, tuple[float, float, float]]:
    """By process: MB at the first look after it is warm, MB at the last, and MB an hour of the line between."""
    found = {}
    for name, looks in sorted(sizes.items()):
        warm = looks[int(len(looks) * WARM) :]
        line = statistics.linear_regression([at for at, _ in warm], [size for _, size in warm])
        found[name] = warm[0][1], warm[-1][1], line.slope * 3600
    return found


async def measured(stand: Stand, lines: Sequence[Line], rate: float) -> Sizes:
    """By process the seconds and its size, while the lines are poured."""
    pouring, sizes, began = asyncio.create_task(pour(stand, lines, rate)), Sizes(list), time.monotonic()
    while not pouring.done():
        for name, pid in pids(stand).items():
            sizes[name].append((time.monotonic() - began, rss(pid)))
        await asyncio.wait([pouring], timeout=EVERY)
    await pouring
    return sizes


def told(rate: float, found: dict[str, tuple[float, float, float]]) -> Sequence[str]:
    rows = (f"| {n} | {first:.0f} | {last:.0f} | {slope:+.1f} |" for n, (first, last, slope) in found.items())
    return [
        f"{rate:.0f} lines a second",
        "",
        "| process | MB, warm | MB, last | MB an hour |",
        "|---|---|---|---|",
        *rows,
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--events", type=int, default=YEAR, help="of the year; decides how many afdelinger there are")
    parser.add_argument("--folder", type=Path, default=None, help="where the stand is; a new folder unless given")
    words = parser.parse_args()
    configure_console()
    stand = Stand(words.folder or Path(tempfile.mkdtemp(prefix="memory-")))
    try:
        lines = laid_out(lines_of(31, words.events))
        stand.up(2, say=lambda _line: None)
        Load(of(stand), lines, 1).prepare()
        throughput(stand, lines[:KNOWN])
        rate = SHARE * throughput(stand, lines[KNOWN : KNOWN + MEASURED])
        sys.stdout.write(f"{rate / SHARE:.0f} lines a second can be taken\n")
        sys.stdout.flush()
        rest = lines[KNOWN + MEASURED :][: round(words.minutes * 60 * rate)]
        sizes = asyncio.run(measured(stand, rest, rate))
        wait_until_settled(of(stand), limit=PATIENCE)
        sys.stdout.write("\n".join([*told(rate, slopes(sizes)), ""]))
    finally:
        stand.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

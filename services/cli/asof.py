"""`trappetrin state [--as-of INSTANT]`: what the system knows, or knew at an instant, by when ingest recorded it.

The facts that were recorded by then go through the services' own steps, in memory; a sender's own times decide nothing.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated

import typer

from services.cli.evaluate import Offline
from services.cli.letters import Choice, Letter, aware, instant, read
from services.cli.log import Log
from services.cli.names import sent_record
from services.cli.screen import screen
from services.cli.state import Json, as_json, current, show
from services.cli.system import System, find
from services.ingest.reading import identity
from services.ingest.reading import read as what_it_calls_itself
from shared.events.topics import INTERNAL, dead_letters
from shared.runtime.contract import Outgoing, Record
from shared.runtime.deadletters import first_offset
from shared.runtime.views import State

FACTS = frozenset(t.name for t in INTERNAL.values() if t.owner == "ingest") - {dead_letters("ingest")}
SOME = 1_000
Say = Callable[[str], None]


def state(
    *,
    as_text: Json = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            help="As it was known at this instant, by when the edge recorded it.", parser=instant, metavar="INSTANT"
        ),
    ] = None,
) -> None:
    """Print the state of the running system: staircase, areas, quotas, decisions."""
    system = find()
    with screen(stderr=True).status("asking the services") as status:
        whole = state_as_of(system, as_of, status.update) if as_of else current(system)
    if as_text:
        typer.echo(as_json(whole))
    else:
        show(whole, screen())


def state_as_of(system: System, instant: datetime, say: Say) -> State:
    """In the shape of `evaluate`; from the topics alone, whatever the databases hold."""
    offline, log, known, timeless = Offline(), Log(system, FACTS.__contains__), 0, 0
    try:
        for number, message in enumerate(log.whole(), 1):
            record = sent_record(message, system)
            at = recorded_at(record)
            if at is None:
                timeless += 1
            elif at <= instant:
                known += 1
                as_it_lay = Outgoing(record.partition, record.key, record.value, record.headers)
                offline.broker.append(record.topic, [as_it_lay])
            if number % SOME == 0:
                say(f"reading what was recorded: {number:,} records")
    finally:
        log.close()
    if timeless:
        typer.echo(f"{timeless} records do not tell when they were recorded: no service wrote them", err=True)
    say("reading the dead letters")
    letters = read(system, Choice(service="ingest"))
    say(f"folding {known:,} records")
    return {**asyncio.run(folded(offline)), "refused": refused(letters, instant)}


async def folded(offline: Offline) -> State:
    await offline.settle()
    return await offline.state()


def recorded_at(record: Record) -> datetime | None:
    """None where it does not tell."""
    return aware((dict(record.headers).get("ce_time") or b"").decode(errors="replace"))


def refused(letters: Iterable[Letter], instant: datetime) -> int:
    """Distinct events that stood refused then: of one that was sent again only what became of it last counts."""
    newest: dict[tuple[str, int, int], Letter] = {}
    for letter in letters:  # in the order in which they were made
        if letter.ours and letter.made_at and letter.made_at <= instant:
            newest[first_place(letter)] = letter
    standing = [x for x in newest.values() if not (x.act and x.act.act == "redriven" and x.act.at <= instant)]
    return len({identity(what_it_calls_itself(as_it_came(x))[0]) for x in standing})


def first_place(letter: Letter) -> tuple[str, int, int]:
    topic, partition, _ = letter.source
    return topic, partition, first_offset(as_it_came(letter))


def as_it_came(letter: Letter) -> Record:
    return Record(*letter.source, letter.record.key, letter.record.value, letter.record.headers)

"""`trappetrin reground`: topics that were lost or made anew, written again from the databases, and read from the start.

What the databases hold is said again under the versions and ids that it had: every accepted fact, every entry of the
journals (byte for byte), the newest version of every conclusion. Who has it already takes it for a repeat.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import asyncpg
import orjson
import typer

from services.cli.acts import By
from services.cli.dlq import DryRun, Why, stated
from services.cli.ground.again import Writer, said
from services.cli.ground.alone import alone
from services.cli.ground.quiet import Operator, forget_groups, note, refuse_while_alive
from services.cli.ground.reading import Impossible, Topics
from services.cli.ground.rebuild import DONE
from services.cli.ground.refusing import refusing
from services.cli.ground.shadow import Say
from services.cli.publish import producer_of
from services.cli.state import Json, as_json
from services.cli.system import System, find
from shared.events.topics import (
    INTERNAL,
    OPERATIONS,
    READS,
    SERVICES,
    dead_letters,
    inbound_topics,
    is_inbound,
    sender_of,
)
from shared.runtime.admin import ensure_internal_topics, ensure_senders
from shared.runtime.footing import EMPTIED, lost_by

SOME = 1_000
LETTERS = {dead_letters(service) for service in SERVICES}
TASKS = "SELECT task, offsets FROM {schema}.task ORDER BY task"
SET = "UPDATE {schema}.task SET offsets = $2, version = version + 1 WHERE task = $1"
MEND = "DELETE FROM {schema}.flaw WHERE task = $1 AND topic = ANY($2)"
LIFT = """
UPDATE {schema}.stop SET lifted_at = now(), lifted_by = $2, lifted_why = $3
WHERE task = $1 AND lifted_at IS NULL AND starts_with(why, $4)
"""

# Why tasks are stopped that nothing but a reground lets go on.
STOPS = "SELECT why FROM {schema}.stop WHERE lifted_at IS NULL AND starts_with(why, $1)"

UNDONE = "SELECT at, told FROM console.ground WHERE event = 'regrounded' AND done_at IS NULL ORDER BY at"


@dataclass(slots=True)
class Plan:
    """What is to be written again and read from its beginning. `back`: service, task and topic of the offsets that go
    back; `undone`: an earlier run that was cut off.
    """

    lost: set[str]
    back: list[tuple[str, str, str]] = field(default_factory=list)
    undone: list[Any] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        return {
            "topics": sorted(t for t in self.lost if not is_inbound(t)),
            "inbound": sorted(t for t in self.lost if is_inbound(t)),
            "from_the_beginning": [" ".join(one) for one in self.back],
        }


async def planned(connection: asyncpg.Connection, topics: Topics, named: Sequence[str], *, everything: bool) -> Plan:
    """Lost is what ends before it was consumed, and what is empty though it has a writer; what is named; and for what a
    task is stopped, since that may have grown past what was consumed.
    """
    stored: dict[tuple[str, str], dict[str, int]] = {
        (service, r["task"]): orjson.loads(r["offsets"])
        for service in SERVICES
        for r in await connection.fetch(TASKS.format(schema=service))
    }
    undone = await connection.fetch(UNDONE)
    lost = {t for t in INTERNAL if t not in LETTERS and not any(topics.of(t).values())}
    lost |= {t for r in undone for part in ("topics", "inbound") for t in orjson.loads(r["told"])[part]}
    for (_, task), offsets in stored.items():
        number = int(task.rpartition("/")[2])
        lost |= {t for t, at in offsets.items() if topics.end((t, number)) < at}
    if everything:
        lost |= {t for offsets in stored.values() for t in offsets} | INTERNAL.keys() - LETTERS
    for service in SERVICES:
        for r in await connection.fetch(STOPS.format(schema=service), EMPTIED):
            lost |= set(lost_by(r["why"]))
    lost |= set(named)
    back = [(service, task, t) for (service, task), offsets in stored.items() for t in sorted(lost & offsets.keys())]
    return Plan(lost, back, [r["at"] for r in undone])


async def regrounded(
    system: System, named: Sequence[str], operator: Operator, say: Say, *, everything: bool, dry_run: bool
) -> dict[str, Any]:
    """Raises `Impossible`."""
    async with alone(system.database, "reground") as connection:
        await refuse_while_alive(connection, SERVICES)
        senders = await known_senders(connection)
        refuse_unheld(named, *senders)
        if not dry_run:
            ensure_internal_topics(system.kafka)
            ensure_senders(system.kafka, *senders)
        topics = Topics(system)
        plan = await planned(connection, topics, named, everything=everything)
        sent: Mapping[str, int] = await counted(connection, plan) if dry_run else {}
        if not dry_run:
            at = await note(connection, "regrounded", operator, plan.told())
            sent = await write(system, connection, plan, say)
            async with connection.transaction():
                await set_back(connection, plan, operator)
                for one in (*plan.undone, at):
                    await connection.execute(DONE, one)
            say("waiting until the broker has given up the stopped processes")
            await asyncio.to_thread(forget_groups, system, SERVICES)
        return {**plan.told(), "records": dict(sent), "dry_run": dry_run}


async def known_senders(connection: asyncpg.Connection) -> tuple[set[str], set[str]]:
    """Organisations and municipalities of whom something was read."""
    tasks = [r["task"].rpartition("/")[0] for r in await connection.fetch(TASKS.format(schema="ingest"))]
    senders = [s for s in map(sender_of, filter(is_inbound, tasks)) if s.door != "operations"]
    organisations = {s.code for s in senders if s.door == "organisation"}
    return organisations, {s.code for s in senders if s.door != "organisation"}


def refuse_unheld(named: Sequence[str], organisations: set[str], municipalities: set[str]) -> None:
    """Raises `Impossible` for a topic that a reground has nothing for, and nothing to do with."""
    senders = {t.name for t in inbound_topics(organisations, municipalities) if is_inbound(t.name)}
    if others := sorted(set(named) - (INTERNAL.keys() - LETTERS) - senders - {OPERATIONS}):
        raise Impossible(
            f"no database holds anything of {others[0]}: it is not a topic of ours, or one of receipts or dead letters,"
            " or nothing was ever read from it"
        )


async def counted(connection: asyncpg.Connection, plan: Plan) -> Counter[str]:
    async with connection.transaction(readonly=True):
        return Counter([topic async for topic, _ in said(connection, plan.lost)])


async def write(system: System, connection: asyncpg.Connection, plan: Plan, say: Say) -> Counter[str]:
    writer = Writer(producer_of(system))
    async with connection.transaction(readonly=True):
        async for topic, record in said(connection, plan.lost):
            writer.write(topic, record)
            if writer.sent.total() % SOME == 0:
                say(f"{writer.sent.total():,} records written")
    writer.finish()
    return writer.sent


async def set_back(connection: asyncpg.Connection, plan: Plan, operator: Operator) -> None:
    """The offsets of what is to be read from its beginning, where a record that could not be used leaves its mark anew.

    Whoever thinks that the task is his finds it moved on.
    """
    for service in SERVICES:
        for r in await connection.fetch(TASKS.format(schema=service)):
            gone = {topic for name, task, topic in plan.back if (name, task) == (service, r["task"])}
            if gone:
                left = {t: at for t, at in orjson.loads(r["offsets"]).items() if t not in gone}
                await connection.execute(SET.format(schema=service), r["task"], orjson.dumps(left).decode())
                if service in READS:
                    await connection.execute(MEND.format(schema=service), r["task"], sorted(gone))
                await connection.execute(LIFT.format(schema=service), r["task"], *operator, EMPTIED)


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    verb = "would be " if told["dry_run"] else ""
    for topic, number in sorted(told["records"].items()):
        yield f"{topic}: {number:,} records {verb}written"
    for topic in told["inbound"]:
        yield f"{topic}: {verb}read from its beginning; what was in it and not yet read must be sent again"
    if not (told["records"] or told["inbound"]):
        yield "no topic was lost"


def reground(
    *,
    why: Why,
    by: By,
    topic: Annotated[
        list[str] | None,
        typer.Option(help="This topic was made anew, even if it does not look so; may be given again."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="The broker is another one, or its data is gone: all topics.")
    ] = False,
    dry_run: DryRun = False,
    as_text: Json = False,
) -> None:
    """Topics were lost or made anew: write what the databases hold into them, and read them from the beginning.

    The services must be stopped; they go on from there when they start.
    """
    system, operator = find(), Operator(by, stated(why))
    with refusing() as errors, errors.status("regrounding") as status:
        told = asyncio.run(
            regrounded(system, topic or (), operator, status.update, everything=everything, dry_run=dry_run)
        )
    if as_text:
        typer.echo(as_json(told))
    else:
        for line in lines(told):
            typer.echo(line)

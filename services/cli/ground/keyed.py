"""A keyed service's state made anew from the topics, task by task, each in a process of its own."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from multiprocessing import active_children, get_context, parent_process
from threading import Thread
from time import monotonic
from typing import NamedTuple

import asyncpg

from services.cli.ground.quiet import Claimed, targets_of
from services.cli.ground.reading import Impossible, Place, Topics
from services.cli.ground.replay import Held, Replayed, replay
from services.cli.ground.said import own_topics
from services.cli.ground.shadow import Ground, Made, Say
from services.cli.ground.tables import KeyedShadow
from shared.events.partitioning import PARTITIONS
from shared.events.topics import INTERNAL, READS, concluded
from shared.runtime.contract import TaskId

PROCESSES, FEW = 4, 20_000

# What the live state has concluded, by kind.
KINDS = "SELECT kind, count(*) FROM {live}.conclusion GROUP BY kind"


class Order(NamedTuple):
    """What one process is told to replay. `version`: with which the task begins."""

    topics: Topics
    dsn: str
    service: str
    task: TaskId
    targets: Mapping[Place, int]
    version: int
    whole: bool


class Outcome(NamedTuple):
    """What it has written, and what it has seen."""

    task: TaskId
    records: int
    entities: int
    news: Mapping[str, list[str]]
    problems: list[str]


async def make(
    ground: Ground, connection: asyncpg.Connection, service: str, claimed: Mapping[TaskId, Claimed], *, whole: bool
) -> Made:
    """Beside the live state, up to where that has consumed, or of the `whole` topics. Raises `Impossible`."""
    topics, dsn, say = ground.look(), ground.dsn, ground.say
    targets = ends(topics, service) if whole else targets_of(claimed)
    own = {place: at for topic in own_topics(service) for place, at in topics.of(topic).items()}
    topics.check({**own, **targets})
    if whole:
        topics.check(targets_of(claimed))
    shadow = KeyedShadow(connection, service)
    await refuse_unsaid(shadow, topics)
    await shadow.make()
    begin = {str(n): claimed[str(n)].version + 1 if str(n) in claimed else 1 for n in range(PARTITIONS)}
    orders = [Order(topics, dsn, service, task, targets, begin[task], whole) for task in begin]
    outcomes = await replayed(orders, say)
    if whole:
        await refuse_less(shadow)
    say("comparing")
    differing = await shadow.differing()
    problems = [f"task {o.task}: {problem}" for o in outcomes for problem in o.problems]
    news = {(o.task, name): words for o in outcomes for name, words in o.news.items()}
    live, made = await shadow.hash("live"), await shadow.hash("shadow", map(str, sorted(news.items())))
    offsets = {str(n): {t: at for (t, m), at in targets.items() if m == n} for n in range(PARTITIONS)}
    records, entities = sum(o.records for o in outcomes), sum(o.entities for o in outcomes)
    return Made(shadow, offsets, records, entities, differing, news, problems, live, made)


def ends(topics: Topics, service: str) -> dict[Place, int]:
    return {place: at for topic in READS[service] for place, at in topics.of(topic).items()}


async def refuse_unsaid(shadow: KeyedShadow, topics: Topics) -> None:
    """A service that has concluded and of whose topics one is empty would begin to count anew."""
    for kind, _ in await shadow.connection.fetch(shadow.sql(KINDS)):
        topic = concluded(shadow.service, kind)
        if topic and not any(topics.of(topic).values()):
            raise Impossible(f"{topic} is empty, and {shadow.service} has published there: `trappetrin reground`")


async def refuse_less(shadow: KeyedShadow) -> None:
    """What the database has said and the topics do not hold would be said anew, under versions that others have."""
    if first := await shadow.ahead():
        kind, entity, number = first
        topics = ", ".join(
            t.name
            for t in INTERNAL.values()
            if shadow.service in (t.owner, *t.readers) and kind in {model.kind for model in t.carries}
        )
        raise Impossible(
            f"{topics} holds less than the database: {kind} {number} of {entity or 'everyone'} is not there, so it was"
            " emptied or made anew; `trappetrin reground --topic NAME` first"
        )


async def replayed(orders: list[Order], say: Say) -> list[Outcome]:
    """One after the other where that is little, else side by side."""
    began, done = monotonic(), list[Outcome]()
    few = sum(at for order in orders[:1] for at in order.targets.values()) < FEW
    outcomes: AbstractContextManager[Iterable[Awaitable[Outcome]]] = (
        nullcontext(map(worked, orders)) if few else side_by_side(orders)
    )
    with outcomes as started:
        for waiting in started:
            done.append(await waiting)
            records = sum(outcome.records for outcome in done)
            rate = records / (monotonic() - began)
            say(f"{len(done)} of {len(orders)} tasks, {records:,} records, {rate:,.0f} a second")
    return sorted(done, key=lambda outcome: outcome.task)


@contextmanager
def side_by_side(orders: Iterable[Order]) -> Iterator[Iterable[Awaitable[Outcome]]]:
    """In the order in which they are done. Where one fails, or who waits is interrupted, none is gone on with."""
    workers, spawning = min(PROCESSES, os.cpu_count() or 1), get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawning, initializer=end_with_parent)
    started = [asyncio.get_running_loop().run_in_executor(pool, work, order) for order in orders]
    try:
        yield asyncio.as_completed(started)
    except BaseException:
        for one in started:
            one.cancel()
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in active_children():
            worker.terminate()
            worker.join()
        raise
    pool.shutdown()


def end_with_parent() -> None:
    """Of a worker whose parent was killed what is still written would go into tables that the next run has made anew.

    It is for the parent to be interrupted from the keyboard.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def follow() -> None:
        if parent:
            parent.join()
        os._exit(1)

    Thread(target=follow, daemon=True).start()


def work(order: Order) -> Outcome:
    return asyncio.run(worked(order))


async def worked(order: Order) -> Outcome:
    connection = await asyncpg.connect(order.dsn, timeout=10)
    try:
        shadow = KeyedShadow(connection, order.service)
        held = Held(await shadow.unsent(), await shadow.positions(order.task))
        found, refused = Replayed(order.task), list[str]()
        for found in replay(order.topics, order.service, order.task, order.targets, held, whole=order.whole):
            refused += await shadow.fill(found)
        refused += await shadow.finish(found, order.version)
    finally:
        await connection.close()
    problems = [*found.unread, *found.twice, *refused]
    return Outcome(order.task, found.records, found.entities, found.news, problems)

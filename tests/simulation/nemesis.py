"""What happens in a run: the script is sent; processes die, freeze and come, and the group changes its mind."""

import asyncio
from datetime import timedelta

from tests.simulation.replica import Replica
from tests.simulation.world import MOST, World


async def play(world: World) -> None:
    lots = world.lots
    sending = asyncio.create_task(send(world))
    for _ in range(2):
        world.start()
    world.rebalance()
    for _ in range(lots.randint(2, 9)):
        await asyncio.sleep(lots.uniform(0.05, 2))
        await disturb(world, lots.choice(world.replicas))
    await last(world, lots.choice(world.replicas), sending)
    await sending
    world.calm = True
    if not all(r.alive for r in world.owners):
        world.rebalance()
    for _ in range(240):
        await asyncio.sleep(0.5)
        if world.quiet():
            return


async def send(world: World) -> None:
    for one in world.script:
        await asyncio.sleep(world.lots.choice((0, 0, 0.05, 0.4)))
        world.log[one.topic, one.partition].append(one)


async def disturb(world: World, victim: Replica) -> None:
    lots = world.lots
    match lots.choice(("kill", "kill", "freeze", "join", "rebalance", "clock")):
        case "kill":
            world.kill(victim)
            world.rebalance()
        case "freeze":
            await freeze(world, victim)
        case "join" if len(world.replicas) < MOST:
            world.start()
            world.rebalance()
        case "clock":
            world.skew = timedelta(hours=lots.uniform(-2, 2))
            world.seen["clock moved"] += 1
        case _:
            world.rebalance()


async def freeze(world: World, victim: Replica) -> None:
    """Mostly past its session, so that others have its tasks when it wakes; now and then it wakes, writes and dies."""
    lots = world.lots
    victim.freeze()
    await asyncio.sleep(lots.uniform(0.05, 1))
    if lots.random() < 0.8:
        world.rebalance()
    await asyncio.sleep(lots.uniform(0, 3))
    victim.melt()
    await asyncio.sleep(lots.uniform(0, 0.5))
    if lots.random() < 0.4:
        world.kill(victim)
        if lots.random() < 0.5:
            world.rebalance()
    else:
        world.rebalance()


async def last(world: World, victim: Replica, sending: "asyncio.Task[None]") -> None:
    """The last fault comes with or after the last record, so that nothing that follows covers it up."""
    lots = world.lots
    match lots.choice(("nothing", "kill", "zombie")):
        case "kill":
            await sending
            await asyncio.sleep(lots.uniform(0, 3))
            if lots.random() < 0.5:
                world.rebalance()
            world.kill(victim)
        case "zombie" if len(world.replicas) > 1:
            await asyncio.sleep(lots.uniform(0, 3))
            victim.freeze()
            world.rebalance()
            await sending
            await asyncio.sleep(4)
            victim.melt()
            await asyncio.sleep(lots.uniform(0, 0.4))
            world.kill(victim)

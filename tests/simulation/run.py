"""`python -m tests.simulation.run --seed N [--count N] [--without GUARD|all]`: replay a seed, and tell what broke."""

import argparse
import asyncio
import logging
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import structlog

from tests.simulation.checks import broken
from tests.simulation.guards import GUARDS
from tests.simulation.nemesis import play
from tests.simulation.virtual import Deadlock, VirtualLoop
from tests.simulation.world import World


def run(seed: int, without: str = "") -> tuple[list[str], World]:
    """What broke, in words, and the world as it was in the end."""
    loop, world = VirtualLoop(), World(seed, without)
    # What ended a job is found by the checks; asyncio would tell it again whenever it is collected, amid other tests.
    loop.set_exception_handler(lambda _loop, _told: None)
    try:
        loop.run_until_complete(play(world))
        return broken(world), world
    except Deadlock as error:
        return [str(error)], world
    finally:
        jobs = asyncio.all_tasks(loop)
        for job in jobs:
            job.cancel()
        loop.run_until_complete(asyncio.gather(*jobs, return_exceptions=True))
        loop.close()


def outcome(seed: int) -> tuple[int, list[str], Counter[str]]:
    """As `run`, but what can be told to another process: seed, what broke, which faults came."""
    quiet()
    found, world = run(seed)
    return seed, found, world.seen


def many(seeds: range) -> list[tuple[int, list[str], Counter[str]]]:
    """On all cores, in the order of the seeds."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return list(pool.map(outcome, seeds, chunksize=10))


def quiet() -> None:
    """The faults are wanted: nobody needs to read of them."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1, help="how many seeds")
    parser.add_argument("--without", default="", choices=("", "all", *GUARDS), help="the guard to take out")
    words = parser.parse_args()
    quiet()
    worst = 0
    for without in GUARDS if words.without == "all" else (words.without,):
        began, seen, failed = time.perf_counter(), Counter[str](), 0
        for seed in range(words.seed, words.seed + words.count):
            found, world = run(seed, without)
            seen.update(world.seen)
            failed += bool(found)
            for sentence in found[:3] if failed <= 3 else ():
                sys.stdout.write(f"    seed {seed}: {sentence}\n")
        took = time.perf_counter() - began
        told = f"{failed} of {words.count} seeds broken, {took:.1f} s, {dict(seen)}"
        sys.stdout.write(f"without {without or 'nothing'}: {told}\n")
        worst = max(worst, failed)
    return 1 if worst else 0


if __name__ == "__main__":
    sys.exit(main())

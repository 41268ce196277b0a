"""`trappetrin demo`: the main job on a real broker and a real database, shown as it happens.

The published lists of 2018–2024, then an invented organisation's year, chapter by chapter; its own stack, in a folder
of its own, which is gone afterwards.
"""

import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from deploy.local.needs import Missing
from deploy.local.settings import home
from deploy.local.stack import Broken, Stack
from services.cli import explain
from services.cli.day import close_day
from services.cli.designations import FIRST_YEAR, agreement, published
from services.cli.explained import explanation
from services.cli.explained.words import Language
from services.cli.invented.story import DEAR, LAST_DAY, afterwards, organisation_year
from services.cli.invented.telling import Event, line
from services.cli.publish import send
from services.cli.screen import screen
from services.cli.settle import wait_until_settled
from services.cli.state import current, show
from services.cli.statement.command import made_of
from services.cli.statement.command import show as show_statement
from services.cli.system import System, of
from services.cli.watch import KINDS, What, told
from shared.events.internal import Area, Conclusion, Decision, Life

SHOWN = (What.colours, What.quotas, What.decisions, What.lives)
ENDED = ("lapsed", "assigned", "returned", "withdrawn")
CLOSED = f"{LAST_DAY} is closed: what was accepted, and what nobody answered within five working days, has lapsed"
LISTS = f"The ministry's published lists of {FIRST_YEAR} to 2024, and an agreement in force from {FIRST_YEAR}"

Chapter = tuple[str, list[Event] | date]


class Story:
    """What was told so far: the newest version of every conclusion, and its sentence."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.versions: dict[str, int] = {}
        self.told: dict[str, Text] = {}

    def news(self) -> Iterator[Text]:
        """What reads otherwise than before, the newest of each only."""
        for what in SHOWN:
            fresh: dict[str, Conclusion] = {}
            for event in conclusions(self.system, what):
                slot = f"{event.kind} {event.entity()} {event.key()}"
                if event.version > self.versions.get(slot, 0):
                    self.versions[slot], fresh[slot] = event.version, event
            for slot, event in sorted(fresh.items()):
                sentence = KINDS[what].sentence(event)
                if isinstance(event, Life) and event.state not in ENDED:
                    continue
                if self.told.get(slot) != sentence:
                    self.told[slot] = sentence
                    yield Text.assemble((f"{event.kind:>9}", "dim"), "  ", sentence)

    def decisions(self) -> Iterator[Text]:
        return (sentence for slot, sentence in sorted(self.told.items()) if slot.startswith(Decision.kind))


def conclusions(system: System, what: What) -> list[Conclusion]:
    return [event for event in told(system, what) if isinstance(event, Conclusion)]


def listed(system: System) -> Iterator[Text]:
    """How many areas each list year is known to designate, as published or as it follows from that."""
    newest = {a.area_id: a for a in conclusions(system, What.areas) if isinstance(a, Area)}
    years: dict[int, Counter[str]] = defaultdict(Counter)
    for one in (year for area in newest.values() for year in area.years):
        years[one.year].update(name for name, said in one.designations.items() if said.result)
    for year, counts in sorted(years.items()):
        known = (
            ", ".join(f"{n} {name}" for name, n in counts.most_common()) or "of no area is it known that it is on it"
        )
        yield Text.assemble(("     list", "dim"), f"  {year}: {known}")


def demo(
    *,
    install: Annotated[bool, typer.Option("--install", help="Install missing system packages with apt-get.")] = False,
) -> None:
    """Show the main job on real Kafka and PostgreSQL: lists, vacancies, offers, colours, quotas and decisions."""
    console, began = screen(), time.monotonic()
    stack = Stack(home() / "demo")
    try:
        console.print("Starting Apache Kafka, PostgreSQL and the four services", style="bold")
        stack.down(delete_data=True, say=console.print)
        stack.up(1, install=install, say=console.print)
        tell(stack, console)
    except Missing as missing:
        console.print(f"Missing on this machine. Install it with:\n  {missing}\nor run `trappetrin demo --install`.")
        sys.exit(2)
    except (Broken, TimeoutError, subprocess.CalledProcessError) as error:
        console.print(str(error))
        sys.exit(1)
    finally:
        stack.down(delete_data=True, say=console.print)
    console.print(f"All is stopped. That took {time.monotonic() - began:.0f} s.")


def tell(stack: Stack, console: Console) -> None:
    """The chapters, and after each what it changed; then where everything stands."""
    system = of(stack)
    story = Story(system)
    for number, (title, what) in enumerate(chapters(), 1):
        console.print(f"\n{number}. {title}", style="bold")
        took = play(system, what)
        told_of = "One day closed" if isinstance(what, date) else f"{len(what)} event{'s' * (len(what) > 1)} in"
        console.print(f"{told_of}; all that follows was there after {took:.1f} s", style="dim")
        for sentence in (*(listed(system) if number == 1 else ()), *story.news()):
            console.print(sentence)
    console.print("\nWhere everything stands", style="bold")
    show(current(system), console)
    for sentence in story.decisions():
        console.print(sentence)
    console.print(f"\nWhy that, in plain words: `trappetrin explain {DEAR}`", style="bold")
    _, record, life = explain.told(system, DEAR, None)
    explain.show(explanation(record, life, Language.da), record, Language.da, console)
    console.print("\nWhat the year was: `trappetrin statement --year 2024`", style="bold")
    if statement := made_of(system, LAST_DAY.year, None):
        show_statement(statement, console)
    console.print("\nWhile it runs (`make up` leaves it running), each service has its metrics at its own address:")
    for service, urls in system.urls.items():
        console.print(f"  {service:10}  {urls[0]}/metrics")


def chapters() -> list[Chapter]:
    """In their order: a title, and the events that are sent or the day that is closed."""
    lists = [agreement(date(FIRST_YEAR, 1, 1)), *published()]
    return [(LISTS, lists), *organisation_year(), (CLOSED, LAST_DAY), *afterwards()]


def play(system: System, what: list[Event] | date) -> float:
    """Send the events, or close the day, and wait for the effects. Seconds."""
    began = time.monotonic()
    if isinstance(what, date):
        close_day(system, what)
    else:
        send(system, [("demo", n, line(event).encode()) for n, event in enumerate(what, 1)])
    wait_until_settled(system, limit=60)
    return time.monotonic() - began

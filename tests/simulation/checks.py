"""What must hold after every run, and is computed from the logs alone: the fold, the versions, the dead letters."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction

from services.quota.domain import QuotaDomain
from shared.events.decoding import decode
from shared.events.internal import Amounts, Anchor, Conclusion, Handover, LedgerLine, Position, Quota, Supply
from shared.runtime.contract import EVERYONE, Entity, Fact, Outgoing, Record
from shared.runtime.keyed import fold
from tests.simulation.facts import TASKS
from tests.simulation.world import SERVICE, World

PUBLISHED, STATED = ("quotas.v1", "handovers.v1", "ledger.anchors.v1"), (Quota, Supply, Handover)
LETTERS = f"{SERVICE}.dead-letters.v1"


def broken(world: World) -> list[str]:
    """In words; empty when all holds."""
    return [
        *world.broken,
        *unfinished(world),
        *wrong_states(world),
        *wrong_versions(world),
        *wrong_ledgers(world),
        *wrong_letters(world),
    ]


def unfinished(world: World) -> Iterator[str]:
    for task in world.store.tasks.values():
        if task.cursor is not None:
            yield f"the re-evaluation of task {task.id} never ended"
    if world.store.outbox:
        yield f"{len(world.store.outbox)} rows were left in the outbox"
    for (topic, number), records in world.log.items():
        if (at := world.offset(str(number), topic)) != len(records):
            yield f"{topic}/{number} was consumed to {at} of {len(records)}"


def folded(world: World) -> dict[tuple[str, str], Entity]:
    """The accepted facts of each entity; poison is none."""
    entities: dict[tuple[str, str], Entity] = defaultdict(Entity)
    for (topic, number), records in world.log.items():
        for offset, s in enumerate(records):
            if not s.poison:
                fact = decode(Record(topic, number, offset, s.key, s.value, s.headers))
                fold(entities[str(number), fact.entity], fact)
    return entities


def wrong_states(world: World) -> Iterator[str]:
    domain, entities = QuotaDomain(), folded(world)
    for task in TASKS:
        parameters = domain.parameters(entities[task, EVERYONE].facts)
        for (home, name), entity in sorted(entities.items()):
            if home == task:
                stored = world.store.entities.get((task, name)) or Entity()
                if versions(stored.facts.values()) != versions(entity.facts.values()):
                    yield f"the facts of {name or 'everyone'} differ from the fold"
                if name != EVERYONE:
                    known = Entity(entity.facts, stored.conclusions)
                    yield from wrong_conclusions(name, list(domain.conclude(name, known, parameters)), stored)


def wrong_conclusions(name: str, expected: list[Conclusion], stored: Entity) -> Iterator[str]:
    """But for the ledger, which tells the way and not only the end."""
    said = {(c.kind, c.entity(), c.key()): c.content() for c in expected if isinstance(c, STATED)}
    found = {(c.kind, c.entity(), c.key()): c.content() for c in stored.conclusions.values() if isinstance(c, STATED)}
    if found != said:
        yield f"the conclusions of {name} differ from the fold's"


def versions(facts: Iterable[Fact]) -> set[tuple[object, ...]]:
    return {(f.slot, f.version, f.body.model_dump_json()) for f in facts}


def wrong_versions(world: World) -> Iterator[str]:
    """After a reader's version filter: without gaps, one content each, ending with what is stored."""
    published: dict[tuple[str, ...], list[Conclusion]] = defaultdict(list)
    for event in told(world, *PUBLISHED):
        published[event.kind, event.entity(), event.key()].append(event)
    for (_, name), entity in sorted(world.store.entities.items()):
        for stored in entity.conclusions.values():
            if isinstance(stored, Position):
                continue
            events = published.pop((stored.kind, stored.entity(), stored.key()), [])
            contents: dict[int, set[str]] = defaultdict(set)
            for event in events:
                contents[event.version].add(event.model_dump_json())
            what = f"{stored.kind} of {name}"
            if sorted(contents) != list(range(1, stored.version + 1)):
                yield f"the versions of {what} are {sorted(contents)}, the last stored one is {stored.version}"
            if any(len(c) > 1 for c in contents.values()):
                yield f"a version of {what} was published with two contents"
            read = events[-1:] if world.without == "version filter" else sorted(events, key=lambda e: e.version)[-1:]
            if [e.content() for e in read] != [stored.content()]:
                yield f"a reader of {what} does not end with what is stored"
    if published:
        yield f"published, but stored nowhere: {sorted(published)}"


def told(world: World, *topics: str) -> Iterator[Conclusion]:
    for topic in topics:
        for r in world.out[topic]:
            body = decode(Record(topic, r.partition, 0, r.key, r.value, r.headers)).body
            if isinstance(body, Conclusion):
                yield body


def wrong_ledgers(world: World) -> Iterator[str]:
    """Every journal is a chain without gaps, its sum is the balance, and it is what was published, byte for byte."""
    published: dict[tuple[str, int], set[bytes]] = defaultdict(set)
    for record in world.out["ledger.v1"]:
        line = LedgerLine.model_validate_json(record.value or b"")
        published[line.afdeling_id, line.number].add(record.value or b"")
    heads: set[tuple[str, int, str]] = set()
    for (task, name, _), journal in sorted(world.store.journals.items()):
        lines = [e.body for e in journal if isinstance(e.body, LedgerLine)]
        heads |= {(name, e.body.number, e.hash) for e in journal}
        before = ["", *(e.hash for e in journal[:-1])]
        if [x.number for x in lines] != list(range(1, len(lines) + 1)) or [x.previous for x in lines] != before:
            yield f"the ledger of {name} is no chain"
        if any(published.pop((name, e.body.number), set()) != {e.bytes} for e in journal):
            yield f"a line of {name} was not published, or with another content"
        quota = world.store.entities[task, name].conclusions["quota", ""]
        total = sum((x.effect for x in lines), Amounts())
        if total != lines[-1].balance or not isinstance(quota, Quota) or total != balance(quota):
            yield f"the lines of {name} do not add up to its balance"
    if published:
        yield f"lines were published that are in no ledger: {sorted(published)}"
    for anchor in told(world, "ledger.anchors.v1"):
        if isinstance(anchor, Anchor) and {(n, h.number, h.hash) for n, h in anchor.heads.items()} - heads:
            yield f"the anchor of {anchor.organisation_id} on {anchor.day} names a line that is none"


def balance(quota: Quota) -> Amounts:
    names = ("counting", "provisional", "suspended", "excluded", "reported")
    return Amounts(share=Fraction(quota.due_exact), **{n: getattr(quota, n) for n in names})


def wrong_letters(world: World) -> Iterator[str]:
    """Exactly the poison, each with its original bytes, or their beginning where they were too many."""
    poison = {
        f"{topic}/{number}/{offset}": s
        for (topic, number), records in world.log.items()
        for offset, s in enumerate(records)
        if s.poison
    }
    letters = {place_of(r): r for r in world.out[LETTERS]}
    if missing := poison.keys() - letters.keys():
        yield f"dead letters are missing: {sorted(missing)}"
    if extra := letters.keys() - poison.keys():
        yield f"dead letters of sound records: {sorted(extra)}"
    for place in poison.keys() & letters.keys():
        kept, original = letters[place].value or b"", poison[place].value or b""
        cut = "dead_letter_cut" in dict(letters[place].headers)
        if not (original.startswith(kept) and kept if cut else original == kept):
            yield f"the dead letter of {place} does not hold the original bytes"


def place_of(letter: Outgoing) -> str:
    told = dict(letter.headers)
    return "/".join((told[f"dead_letter_{part}"] or b"").decode() for part in ("topic", "partition", "offset"))

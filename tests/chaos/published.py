"""What was published of conclusions, held against what is stored: all versions, no others, each with one content."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from hashlib import sha256

from services.cli.checking import Published as Entry
from shared.events.decoding import CONCLUSIONS
from shared.events.internal import UNPUBLISHED, Chained, Conclusion
from tests.chaos.findings import Findings
from tests.chaos.seen import Lying
from tests.chaos.stated import Slot

REMEMBERED = {m.kind for m in UNPUBLISHED}


class Published:
    """`stated`: by slot and version the contents; `entries`: the same of journals, by kind, entity and number."""

    def __init__(self, records: Iterable[Lying]) -> None:
        self.stated: dict[Slot, dict[int, set[bytes]]] = defaultdict(lambda: defaultdict(set))
        self.entries: dict[tuple[str, str], dict[int, dict[bytes, Entry]]] = defaultdict(lambda: defaultdict(dict))
        for _, value, headers in records:
            kind = str((headers["ce_type"] or b"").decode()).removeprefix("dk.trappetrin.").removesuffix(".v1")
            told = CONCLUSIONS[kind].model_validate_json(value)
            if told.stated:
                self.stated[told.entity(), kind, told.key()][told.version].add(value)
            if isinstance(told, Chained):
                entry = Entry(sha256(value).hexdigest(), told.thing(), told.step(), partial(bytes, value))
                self.entries[kind, told.entity()][told.number][value] = entry

    def compare(self, found: Findings, conclusions: Iterable[Conclusion]) -> None:
        """With what is stored of all services."""
        left = dict(self.stated)
        for stored in conclusions:
            if stored.kind not in REMEMBERED:
                slot = stored.entity(), stored.kind, stored.key()
                versions(found, slot, stored, left.pop(slot, {}))
        found.double_effects += [f"published, but stored nowhere: {slot}" for slot in left]


def versions(found: Findings, slot: Slot, stored: Conclusion, published: Mapping[int, set[bytes]]) -> None:
    wanted = range(1, stored.version + 1)
    if missing := set(wanted) - published.keys():
        found.losses.append(f"{slot}: versions {sorted(missing)} of {stored.version} never appeared")
    if besides := published.keys() - set(wanted):
        found.double_effects.append(f"{slot}: versions {sorted(besides)} are published, stored is {stored.version}")
    if twice := sorted(n for n, values in published.items() if len(values) > 1):
        found.double_effects.append(f"{slot}: versions {twice} were published with two contents")
    last = published.get(stored.version, set())
    if last and all(type(stored).model_validate_json(v) != stored for v in last):
        found.double_effects.append(f"{slot}: version {stored.version} is stored with another content")

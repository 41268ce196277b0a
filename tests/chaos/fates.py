"""What became of each line that was sent: its receipts, and what lies among the dead letters."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import orjson

from services.cli.invented.broken import SOURCE
from shared.events.topics import INTERNAL, SERVICES, dead_letters
from tests.chaos.findings import Findings
from tests.chaos.seen import Lying, Row

LETTERS = {dead_letters(s): s for s in SERVICES}


def receipts(found: Findings, told: Iterable[Lying], arrived: Mapping[str, bytes], kept: Iterable[Row]) -> None:
    """Each line has its one fate; what was parked is released besides, unless it still is. `kept`: ingest's facts."""
    fates: dict[str, dict[str, set[bytes]]] = defaultdict(lambda: defaultdict(set))
    for _, value, _ in told:
        receipt = orjson.loads(value)
        fates[f"{receipt['topic']}/{receipt['partition']}/{receipt['offset']}"][receipt["fate"]].add(value)
    waiting = {f"{row['topic']}/{row['partition']}/{row['offset']}": row["parked"] for row in kept}
    found.losses += [f"{p} has a receipt and is not there" for p in fates.keys() - arrived.keys()]
    found.losses += [f"{p} has no receipt: {v!r}" for p, v in arrived.items() if p not in fates]
    for place, its in sorted(fates.items()):
        one = its.keys() - {"released"}
        if len(one) != 1 or ("released" in its and one != {"parked"}):
            found.double_effects.append(f"{place} has the fates {sorted(its)}")
        elif one == {"parked"} and place not in waiting:
            found.losses.append(f"{place} was parked, and is not kept")
        elif one == {"parked"} and waiting[place] == ("released" in its):
            now = "is still parked" if waiting[place] else "is no longer parked"
            found.losses.append(f"{place} {now}, and has the receipts {sorted(its)}")
        if any(len(contents) > 1 for contents in its.values()):
            found.double_effects.append(f"{place} has a receipt with two contents")


def letters(found: Findings, told: Iterable[Lying], lines: Iterable[bytes], poison: Mapping[str, bytes]) -> None:
    """Exactly the poison: what the edge refuses, and what was put into the topics that a service reads."""
    refused = Counter(text for text in lines if orjson.loads(text)["source"] == SOURCE)
    expected = {("ingest", "", text): n for text, n in refused.items()}
    for place, value in poison.items():
        for service in INTERNAL[place.split("/")[0]].readers:
            expected[service, place, value] = 1
    seen = set[tuple[str, str, bytes]]()
    for at, value, headers in told:
        place = "/".join((headers[f"dead_letter_{part}"] or b"").decode() for part in ("topic", "partition", "offset"))
        seen.add((LETTERS[at.split("/")[0]], place, value))
    counts = Counter((service, "" if service == "ingest" else place, value) for service, place, value in seen)
    for key in sorted(expected.keys() | counts.keys()):
        if expected.get(key, 0) != counts[key]:
            found.dead_letters.append(f"{key}: {counts[key]} dead letters, not {expected.get(key, 0)}")

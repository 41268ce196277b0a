"""A cluster held against the registry: what would be done, what is refused, what is only told."""

from dataclasses import replace

import pytest

from shared.events.topics import INTERNAL, Topic, inbound_topics, wanted_topics
from shared.runtime.planning import COPIES, FEWER, KEYED, LEFT, Change, Cluster, Found, plan, settings_of

COLOURS = INTERNAL["colours.v1"]
INBOUND, RECEIPTS = inbound_topics(["0123"], [])


def as_wanted(topic: Topic, copies: int = 1) -> Found:
    return Found(topic.partitions, copies, {**settings_of(topic, copies), "segment.bytes": "1"})


def cluster(found: Found, topic: Topic = COLOURS, copies: int = 1) -> Cluster:
    return Cluster({topic.name: found}, copies)


def test_what_is_as_the_registry_says_needs_nothing() -> None:
    assert plan([COLOURS], cluster(as_wanted(COLOURS))) == []


def test_what_is_missing_is_created() -> None:
    assert plan([COLOURS], Cluster({}, 1)) == [Change("colours.v1", "create", "partitions", "", "6")]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("retention.ms", "604800000"),
        ("retention.bytes", "1000"),
        ("cleanup.policy", "compact"),
        ("max.message.bytes", "1048588"),
        ("message.timestamp.type", "CreateTime"),
    ],
)
def test_a_setting_that_differs_is_set(field: str, value: str) -> None:
    found, wanted = as_wanted(COLOURS), settings_of(COLOURS, 1)[field]
    differs = found._replace(settings={**found.settings, field: value})

    assert plan([COLOURS], cluster(differs)) == [Change("colours.v1", "set", field, value, wanted)]


@pytest.mark.parametrize(("copies", "in_sync"), [(1, "1"), (2, "1"), (3, "2")])
def test_all_copies_but_one_are_in_step(copies: int, in_sync: str) -> None:
    found = as_wanted(COLOURS, copies)
    loose = found._replace(settings={**found.settings, "min.insync.replicas": "0"})

    assert plan([COLOURS], cluster(loose, copies=copies)) == [
        Change("colours.v1", "set", "min.insync.replicas", "0", in_sync)
    ]


def test_a_keyed_topic_does_not_grow_and_one_without_keys_does() -> None:
    few, two = as_wanted(COLOURS)._replace(partitions=3), replace(INBOUND, partitions=4)

    assert plan([COLOURS], cluster(few)) == [Change("colours.v1", "refuse", "partitions", "3", "6", KEYED)]
    assert plan([two], cluster(as_wanted(INBOUND), INBOUND)) == [Change(two.name, "grow", "partitions", "2", "4")]


@pytest.mark.parametrize("topic", [COLOURS, INBOUND], ids=["keyed", "without keys"])
def test_no_topic_shrinks(topic: Topic) -> None:
    many, partitions = as_wanted(topic)._replace(partitions=9), str(topic.partitions)

    assert plan([topic], cluster(many, topic)) == [Change(topic.name, "refuse", "partitions", "9", partitions, FEWER)]


def test_copies_are_somebody_elses_to_move_and_more_of_them_do_no_harm() -> None:
    assert plan([COLOURS], cluster(as_wanted(COLOURS), copies=3)) == [
        Change("colours.v1", "refuse", "copies", "1", "3", COPIES)
    ]
    assert plan([COLOURS], cluster(as_wanted(COLOURS, 3), copies=1)) == []


def test_of_strangers_only_those_under_our_names_are_told() -> None:
    there = {name: Found(1, 1, {}) for name in ("colours.v0", "org.0123.notes", "payroll.v1", "__consumer_offsets")}
    found = Cluster({**there, "colours.v1": as_wanted(COLOURS)}, 1)

    assert plan([COLOURS], found) == [Change(n, "unknown", why=LEFT) for n in ("colours.v0", "org.0123.notes")]


def test_of_a_sender_all_topics_are_wanted_when_one_is_there() -> None:
    wanted = {t.name for t in wanted_topics(["org.0123.receipts.v1", "municipality.0851.facts.in.v1", "payroll.v1"])}

    assert {name for name in wanted if name[:3] in ("org", "mun", "pay")} == {
        "org.0123.in.v1",
        "org.0123.receipts.v1",
        "municipality.0851.facts.in.v1",
        "municipality.0851.replies.in.v1",
        "municipality.0851.receipts.v1",
    }
    assert wanted >= INTERNAL.keys()

"""The dashboard *The agreement*: the staircase, the 25 %, the offers, and what comes in."""

from deploy.grafana.panels import Board, Row, lines, number, stack

DAY = 86400

BOARD = Board(
    "trappetrin-agreement",
    "Trappetrin: the agreement",
    "The agreement's own signals, over all afdelinger. What is unknown is a state of its own, and never green.",
    rows=[
        Row(
            "What waits for somebody",
            [
                number(
                    "Oldest unanswered offer",
                    "It could be used, and boliganvisningen has not answered.",
                    "s",
                    ('max(trappetrin_oldest_unanswered_offer_seconds{outcome!="referred"})', "age"),
                    alarm=7 * DAY,
                ),
                number(
                    "Oldest referred offer",
                    "Two people must look at it.",
                    "s",
                    ('max(trappetrin_oldest_unanswered_offer_seconds{outcome="referred"})', "age"),
                    alarm=3 * DAY,
                ),
                number(
                    "Homes owed",
                    "Over all afdelinger.",
                    "short",
                    ('sum(trappetrin_quota_homes{count="owed"})', "homes"),
                ),
                number(
                    "Afdelinger of unknown colour",
                    "Figures are missing.",
                    "short",
                    ('sum(trappetrin_afdelinger{colour="unknown"})', "afdelinger"),
                    alarm=1,
                ),
                number(
                    "Age of the newest list",
                    "The ministry publishes one every 1 December.",
                    "s",
                    ("max(trappetrin_newest_list_age_seconds)", "age"),
                    alarm=395 * DAY,
                ),
                number(
                    "Oldest parked event",
                    "It waits for its afdeling to be registered.",
                    "s",
                    ("max(trappetrin_oldest_parked_event_seconds)", "age"),
                    alarm=DAY,
                ),
            ],
        ),
        Row(
            "The staircase",
            [
                stack(
                    "Afdelinger by colour",
                    "The colour that the newest facts lead to.",
                    "short",
                    ("sum by (colour) (trappetrin_afdelinger)", "{{colour}}"),
                    coloured=True,
                ),
                lines(
                    "Changes of colour told",
                    "In the last hour, by the colours before and after.",
                    "short",
                    (
                        "sum by (before, after) (increase(trappetrin_colour_changes_total[1h]))",
                        "{{before}} to {{after}}",
                    ),
                ),
                lines(
                    "Incomplete afdelinger",
                    "Their state lacks a record that became a dead letter.",
                    "short",
                    ("sum by (service) (trappetrin_incomplete_entities)", "{{service}}"),
                ),
            ],
        ),
        Row(
            "The 25 %",
            [
                lines(
                    "Homes",
                    "Due, reported, owed and in credit, over all afdelinger.",
                    "short",
                    ("sum by (count) (trappetrin_quota_homes)", "{{count}}"),
                ),
                stack(
                    "Vacancies by how they count",
                    "Suspended ones are those of red afdelinger.",
                    "short",
                    ("sum by (count) (trappetrin_vacancies)", "{{count}}"),
                ),
                lines(
                    "Afdelinger that owe",
                    "How many.",
                    "short",
                    ("sum(trappetrin_afdelinger_owing)", "afdelinger"),
                ),
                lines(
                    "Owed for",
                    "By the afdeling that has owed for longest.",
                    "s",
                    ("max(trappetrin_oldest_owed_home_seconds)", "age"),
                ),
            ],
        ),
        Row(
            "Offers",
            [
                stack(
                    "Offers by outcome",
                    "The decision that stands.",
                    "short",
                    ("sum by (outcome) (trappetrin_offers)", "{{outcome}}"),
                ),
                stack(
                    "Offers without an answer",
                    "That could be used, or are referred.",
                    "short",
                    ("sum by (outcome) (trappetrin_offers_unanswered)", "{{outcome}}"),
                ),
                lines(
                    "Age of the oldest without an answer",
                    "Since it was submitted.",
                    "s",
                    ("max by (outcome) (trappetrin_oldest_unanswered_offer_seconds)", "{{outcome}}"),
                ),
                stack(
                    "Decisions made",
                    "Versions in the last hour, by outcome.",
                    "short",
                    ("sum by (outcome) (increase(trappetrin_decisions_total[1h]))", "{{outcome}}"),
                ),
                stack(
                    "Reasons of decisions",
                    "In the last hour.",
                    "short",
                    ("sum by (reason) (increase(trappetrin_decision_reasons_total[1h]))", "{{reason}}"),
                ),
            ],
        ),
        Row(
            "What comes in",
            [
                stack(
                    "Inbound events a second by fate",
                    "Each is told to its sender.",
                    "ops",
                    ("sum by (fate) (rate(trappetrin_inbound_events_total[$__rate_interval]))", "{{fate}}"),
                ),
                lines(
                    "Refusals by kind",
                    "In the last 15 minutes.",
                    "short",
                    ('service:trappetrin_dead_letters:increase15m{service="ingest"}', "{{reason}}"),
                ),
                lines(
                    "Parked events",
                    "By what they wait for.",
                    "short",
                    ("sum by (reason) (trappetrin_parked_events)", "{{reason}}"),
                ),
                lines(
                    "Age of these signals",
                    "Since they were last read.",
                    "s",
                    ("time() - max by (service) (trappetrin_signals_timestamp_seconds)", "{{service}}"),
                ),
                lines(
                    "Cost of these signals",
                    "Time of reading them; they are read so seldom that it stays below a hundredth.",
                    "s",
                    ("max by (service) (trappetrin_signals_seconds)", "{{service}}"),
                ),
            ],
        ),
    ],
)

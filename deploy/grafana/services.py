"""The dashboard *Services*: is it up, is it behind, what is stuck, for whom."""

from deploy.grafana.panels import Board, Row, lines, number, stack

OF = 'service=~"$service"'
RATE = "[$__rate_interval]"


BATCH = "trappetrin_batch_records"
EXPECTED, OWNED = f"trappetrin_tasks_expected{{{OF}}}", f"trappetrin_tasks{{{OF}}}"


def each(counter: str) -> str:
    return f"sum by (service) (rate({counter}{{{OF}}}{RATE}))"


def quantile(part: str, metric: str) -> str:
    return f"histogram_quantile({part}, sum by (service, le) (rate({metric}_bucket{{{OF}}}{RATE})))"


BOARD = Board(
    "trappetrin-services",
    "Trappetrin: services",
    "Is it up, is it behind, what is stuck, for whom. Each alert has a page in docs/runbooks.",
    by_service=True,
    rows=[
        Row(
            "Is it up",
            [
                number(
                    "Processes that do not answer",
                    "Of all that should run.",
                    "short",
                    (f'sum(up{{job="trappetrin",{OF}}} == bool 0)', "down"),
                    alarm=1,
                ),
                number(
                    "Processes not ready",
                    "They run and cannot do all of their work; /ready says why.",
                    "short",
                    (f"sum(trappetrin_ready{{{OF}}} == bool 0)", "not ready"),
                    alarm=1,
                ),
                number(
                    "Tasks that nobody works on",
                    "Partitions without an owner: their afdelinger stand still.",
                    "short",
                    (f"sum(max by (service) ({EXPECTED}) - sum by (service) ({OWNED}))", "unowned"),
                    alarm=1,
                ),
                number(
                    "Tasks halted",
                    "Stopped until somebody looks.",
                    "short",
                    (f"sum(trappetrin_tasks_halted{{{OF}}})", "halted"),
                    alarm=1,
                ),
                number(
                    "Heartbeat age",
                    "Of the loop that has not turned for longest.",
                    "s",
                    (f"max(time() - trappetrin_heartbeat_timestamp_seconds{{{OF}}})", "age"),
                    alarm=20,
                ),
                number(
                    "Versions",
                    "Processes by the version that they run.",
                    "short",
                    (f"count by (version) (trappetrin_build_info{{{OF}}})", "{{version}}"),
                ),
            ],
        ),
        Row(
            "Rate, errors, duration",
            [
                lines(
                    "Records a second",
                    "Whose effects were committed.",
                    "ops",
                    (f"service:trappetrin_records:rate1m{{{OF}}}", "{{service}}"),
                ),
                stack(
                    "Records a second by topic",
                    "Where they came from.",
                    "ops",
                    (f"sum by (topic) (rate(trappetrin_records_total{{{OF}}}{RATE}))", "{{topic}}"),
                ),
                lines(
                    "Dead letters",
                    "Records of the last 15 minutes that could not be used, by kind of reason; of ingest the refusals.",
                    "short",
                    (f"service:trappetrin_dead_letters:increase15m{{{OF}}}", "{{service}} {{reason}}"),
                ),
                lines(
                    "Time of a batch",
                    "From records in hand to their commit.",
                    "s",
                    (quantile("0.5", "trappetrin_batch_seconds"), "{{service}} p50"),
                    (quantile("0.99", "trappetrin_batch_seconds"), "{{service}} p99"),
                ),
                lines(
                    "Age of events at their commit",
                    "Of the oldest record in each batch, since the broker took it.",
                    "s",
                    (quantile("0.5", "trappetrin_event_age_seconds"), "{{service}} p50"),
                    (quantile("0.99", "trappetrin_event_age_seconds"), "{{service}} p99"),
                ),
                lines(
                    "Records a batch",
                    "Few when it is quiet, many under load.",
                    "short",
                    (f"{each(f'{BATCH}_sum')} / {each(f'{BATCH}_count')}", "{{service}}"),
                ),
            ],
        ),
        Row(
            "Is it behind",
            [
                lines(
                    "Lag in seconds",
                    "For how long the oldest record that is not committed has been there.",
                    "s",
                    (f"service:trappetrin_lag_seconds:max{{{OF}}}", "{{service}}"),
                ),
                stack(
                    "Lag in records",
                    "Not committed yet, by service and topic.",
                    "short",
                    (f"sum by (service, topic) (trappetrin_lag_records{{{OF}}})", "{{service}} {{topic}}"),
                ),
                lines(
                    "Re-evaluations under way",
                    "Tasks that reconsider their afdelinger, for example after a new agreement.",
                    "short",
                    (f"sum by (service) (trappetrin_tasks_reconsidering{{{OF}}})", "{{service}}"),
                ),
                lines(
                    "Outbox rows",
                    "Committed, and not acknowledged by the broker yet.",
                    "short",
                    (f"sum by (service) (trappetrin_outbox_rows{{{OF}}})", "{{service}}"),
                ),
                lines(
                    "Age of the oldest outbox row",
                    "Above a few seconds the broker does not take it.",
                    "s",
                    (f"max by (service) (trappetrin_outbox_oldest_seconds{{{OF}}})", "{{service}}"),
                ),
                lines(
                    "Records acknowledged a second",
                    "What goes out.",
                    "ops",
                    (each("trappetrin_published_records_total"), "{{service}}"),
                ),
            ],
        ),
        Row(
            "Tasks",
            [
                stack(
                    "Tasks owned",
                    "By process.",
                    "short",
                    (OWNED, "{{instance}}"),
                ),
                lines(
                    "Tasks given up",
                    "In the last 15 minutes, by why: each is claimed anew. `fenced` are refusals of the fence.",
                    "short",
                    (f"sum by (why) (increase(trappetrin_tasks_dropped_total{{{OF}}}[15m]))", "{{why}}"),
                ),
                lines(
                    "Rebalances",
                    "In the last 15 minutes, by process.",
                    "short",
                    (f"increase(trappetrin_rebalances_total{{{OF}}}[15m])", "{{instance}}"),
                ),
            ],
        ),
        Row(
            "Processes",
            [
                lines(
                    "CPU",
                    "Of one core.",
                    "percentunit",
                    (f'rate(process_cpu_seconds_total{{job="trappetrin",{OF}}}{RATE})', "{{instance}}"),
                ),
                lines(
                    "Memory",
                    "Resident.",
                    "bytes",
                    (f'process_resident_memory_bytes{{job="trappetrin",{OF}}}', "{{instance}}"),
                ),
                lines(
                    "Running for",
                    "Since the process started: a saw is a process that restarts.",
                    "s",
                    (f'time() - process_start_time_seconds{{job="trappetrin",{OF}}}', "{{instance}}"),
                ),
            ],
        ),
    ],
)

"""The dashboard *Kafka and PostgreSQL*: what the services stand on, as they see it and as it tells of itself."""

from deploy.grafana.panels import Board, Row, lines, number, stack

RATE = "[$__rate_interval]"


POOL = 'sum by (service) (trappetrin_pool_connections{{state="{}"}})'


def each(counter: str) -> str:
    return f"sum by (service) (rate({counter}{RATE}))"


BATCHES = each("trappetrin_batch_seconds_count")


def ours(counter: str) -> str:
    """Of our database, a second."""
    return f'rate(pg_stat_database_{counter}{{datname="trappetrin"}}{RATE})'


def quantile(metric: str) -> str:
    return f"histogram_quantile(0.99, sum by (service, le) (rate({metric}_bucket{RATE})))"


BOARD = Board(
    "trappetrin-ground",
    "Trappetrin: Kafka and PostgreSQL",
    "What the services stand on: as they see it, by the JMX agent, and by postgres_exporter.",
    rows=[
        Row(
            "Are they there",
            [
                number(
                    "Services without a broker",
                    "None of their processes reaches it.",
                    "short",
                    ("sum(max by (service) (trappetrin_broker_up) == bool 0)", "services"),
                    alarm=1,
                ),
                number(
                    "Services without a database",
                    "None of their processes can work with it.",
                    "short",
                    ("sum(max by (service) (trappetrin_database_up) == bool 0)", "services"),
                    alarm=1,
                ),
                number(
                    "Offline partitions",
                    "Nobody can read or write them.",
                    "short",
                    ("sum(kafka_offline_partitions)", "partitions"),
                    alarm=1,
                ),
                number(
                    "Under-replicated partitions",
                    "Safe on fewer brokers than they should be.",
                    "short",
                    ("sum(kafka_under_replicated_partitions)", "partitions"),
                    alarm=1,
                ),
                number("Size of the topics", "They keep everything.", "bytes", ("sum(kafka_log_size_bytes)", "bytes")),
                number(
                    "Size of the database",
                    "With its indexes; without its write-ahead log.",
                    "bytes",
                    ('sum(pg_database_size_bytes{datname="trappetrin"})', "bytes"),
                ),
            ],
        ),
        Row(
            "Kafka",
            [
                stack(
                    "Bytes in",
                    "By topic.",
                    "Bps",
                    (f"topk(8, sum by (topic) (rate(kafka_topic_bytesin_total{RATE})) > 0)", "{{topic}}"),
                ),
                stack(
                    "Bytes out",
                    "By topic.",
                    "Bps",
                    (f"topk(8, sum by (topic) (rate(kafka_topic_bytesout_total{RATE})) > 0)", "{{topic}}"),
                ),
                stack(
                    "Records acknowledged a second",
                    "To the services, by topic.",
                    "ops",
                    (f"sum by (topic) (rate(trappetrin_published_records_total{RATE}))", "{{topic}}"),
                ),
                lines(
                    "Time of requests, p99",
                    "In the broker.",
                    "s",
                    ("max by (request) (kafka_request_p99_seconds)", "{{request}}"),
                ),
                lines(
                    "Idle request handlers",
                    "Near 0 the broker is at its end.",
                    "percentunit",
                    ("min(kafka_request_handlers_idle_ratio)", "idle"),
                ),
                lines(
                    "Faults of the way out",
                    "Requests to write that the broker failed, and relays that began anew, in the last 15 minutes.",
                    "short",
                    ("sum(increase(kafka_failed_produce_requests_total[15m]))", "failed requests"),
                    ("sum(increase(trappetrin_relay_restarts_total[15m]))", "relays"),
                ),
                stack(
                    "Size by topic",
                    "The eight largest.",
                    "bytes",
                    ("topk(8, sum by (topic) (kafka_log_size_bytes))", "{{topic}}"),
                ),
                lines("Heap of the broker", "In use.", "bytes", ("kafka_heap_used_bytes", "{{instance}}")),
            ],
        ),
        Row(
            "PostgreSQL, as the services see it",
            [
                lines(
                    "Statements a second",
                    "By service.",
                    "ops",
                    (each("trappetrin_statements_total"), "{{service}}"),
                ),
                lines(
                    "Statements a batch",
                    "All statements, whatever for, by batches.",
                    "short",
                    (f"{each('trappetrin_statements_total')} / {BATCHES}", "{{service}}"),
                ),
                lines(
                    "Statements that failed",
                    "In the last 15 minutes.",
                    "short",
                    ("sum by (service) (increase(trappetrin_statement_errors_total[15m]))", "{{service}}"),
                ),
                lines(
                    "Time of a commit, p99",
                    "The one statement of a batch.",
                    "s",
                    (quantile("trappetrin_commit_seconds"), "{{service}}"),
                ),
                lines(
                    "Time of a statement, p99",
                    "Waiting for locks included.",
                    "s",
                    (quantile("trappetrin_statement_seconds"), "{{service}}"),
                ),
                lines(
                    "Connections in use",
                    "Of a process's pool, of those that it may open.",
                    "percentunit",
                    (f"({POOL.format('open')} - {POOL.format('idle')}) / {POOL.format('most')}", "{{service}}"),
                ),
            ],
        ),
        Row(
            "PostgreSQL, as it tells of itself",
            [
                lines(
                    "Transactions a second",
                    "Of our database.",
                    "ops",
                    (ours("xact_commit"), "committed"),
                    (ours("xact_rollback"), "rolled back"),
                ),
                stack(
                    "Connections",
                    "By state.",
                    "short",
                    ('sum by (state) (pg_stat_activity_count{datname="trappetrin"})', "{{state}}"),
                ),
                lines(
                    "Found in memory",
                    "Of the blocks that were read.",
                    "percentunit",
                    (f"{ours('blks_hit')} / ({ours('blks_hit')} + {ours('blks_read')})", "hits"),
                ),
                lines(
                    "Rows written a second",
                    "Of our database.",
                    "ops",
                    (ours("tup_inserted"), "inserted"),
                    (ours("tup_updated"), "updated"),
                    (ours("tup_deleted"), "deleted"),
                ),
                lines(
                    "Longest transaction",
                    "The services leave none open.",
                    "s",
                    ('max(pg_stat_activity_max_tx_duration{datname="trappetrin"})', "longest"),
                ),
                lines(
                    "Deadlocks",
                    "In the last 15 minutes; there should never be one.",
                    "short",
                    ('increase(pg_stat_database_deadlocks{datname="trappetrin"}[15m])', "deadlocks"),
                ),
            ],
        ),
    ],
)

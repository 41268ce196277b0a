-- A stream task is one partition of one inbound topic: its version is the fence, its offsets what was consumed.
CREATE TABLE task (
    task text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL DEFAULT 0,
    offsets jsonb NOT NULL DEFAULT '{}',
    cursor text
) WITH (fillfactor = 50);

-- Packed: all records of one task, version and topic in one row; the key needs no sequence.
CREATE TABLE outbox (
    task text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    topic text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (task, version, topic)
);
ALTER TABLE outbox ALTER COLUMN body SET STORAGE EXTERNAL;

-- Every accepted fact, for ever: its key and revision are unique, whoever accepts them. `afdeling` is null where the fact
-- concerns everyone; `body` is the fact as it was sent; topic, partition and offset are those it came by.
CREATE TABLE fact (
    sequence text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision int NOT NULL CHECK (revision > 0),
    kind text COLLATE "C" NOT NULL,
    retraction boolean NOT NULL,
    afdeling text COLLATE "C",
    content text NOT NULL,
    body jsonb NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    event_type text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    parked boolean NOT NULL,
    task text COLLATE "C" NOT NULL,
    PRIMARY KEY (sequence, key, revision)
);

-- Who is registered.
CREATE INDEX fact_registration ON fact (afdeling) WHERE sequence = 'registration';

-- What waits for its afdeling to be registered.
CREATE INDEX fact_parked ON fact (task, afdeling) WHERE parked;

-- What no revision of a subject (sequence, key) may change: a vacancy's afdeling, an offer's vacancy. Only ever inserted,
-- so that of two processes that fix it at once one meets the key.
CREATE TABLE fixed (
    sequence text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    field text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    PRIMARY KEY (sequence, key, field)
);

-- Distinct refused events: `identity` is made of source and id, or of where the record came from when it has none.
CREATE TABLE refusal (
    identity text COLLATE "C" PRIMARY KEY,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    field text NOT NULL,
    rule text NOT NULL,
    value text,
    recorded_at timestamptz NOT NULL
);

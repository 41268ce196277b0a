-- A stream task: its version is the fence, its offsets are the truth about what was consumed.
CREATE TABLE task (
    task text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL DEFAULT 0,
    offsets jsonb NOT NULL DEFAULT '{}',
    cursor text
) WITH (fillfactor = 50);

-- What a task knows of an entity (afdeling; '' is what concerns everyone): of a slot (kind, key) the highest version.
CREATE TABLE fact (
    task text COLLATE "C" NOT NULL,
    entity text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    recorded_at timestamptz NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (task, entity, kind, key)
);

-- What the service last concluded: the body is the event as published.
CREATE TABLE conclusion (
    task text COLLATE "C" NOT NULL,
    entity text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    body jsonb NOT NULL,
    PRIMARY KEY (task, entity, kind, key)
);

-- Packed: all records of one task, version and topic in one row; the key needs no sequence.
CREATE TABLE outbox (
    task text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    topic text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (task, version, topic)
);
ALTER TABLE outbox ALTER COLUMN body SET STORAGE EXTERNAL;

-- Entities whose state lacks a record that became a dead letter.
CREATE TABLE flaw (
    task text COLLATE "C" NOT NULL,
    entity text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    why text NOT NULL,
    PRIMARY KEY (entity, topic, partition, "offset")
);

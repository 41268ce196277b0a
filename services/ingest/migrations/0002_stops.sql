-- Tasks that were stopped for their dead letters, and who let them go on, and why.
CREATE TABLE stop (
    task text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    why text NOT NULL,
    lifted_at timestamptz,
    lifted_by text,
    lifted_why text,
    PRIMARY KEY (task, at)
);
CREATE UNIQUE INDEX stop_open ON stop (task) WHERE lifted_at IS NULL;

-- Parked facts that an operator discards: who and why. The owner of the fact's task carries it out, and says that it
-- is done; the fact is then as if it had never come. Topic, partition and offset tell where its bytes lie.
CREATE TABLE discard (
    sequence text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision int NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    by text NOT NULL,
    why text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    done_at timestamptz,
    PRIMARY KEY (sequence, key, revision, at)
);
CREATE UNIQUE INDEX discard_open ON discard (sequence, key, revision) WHERE done_at IS NULL;

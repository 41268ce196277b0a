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

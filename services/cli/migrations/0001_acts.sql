-- What operators did with dead letters; of one letter the newest act stands. A letter is known by where it lies and by its
-- time, since offsets begin anew when a broker does. Nothing is ever deleted here.
CREATE TABLE act (
    service text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    time text NOT NULL,
    act text NOT NULL CHECK (act IN ('redriven', 'discarded')),
    by text NOT NULL,
    why text,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (service, partition, "offset", time, at)
);

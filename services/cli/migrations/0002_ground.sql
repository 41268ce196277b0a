-- When the ground moved, and what was done: a state made anew, topics written anew, a backup restored. `done_at` is null
-- while it is under way, or where it was cut off and must be run again.
CREATE TABLE ground (
    at timestamptz PRIMARY KEY DEFAULT clock_timestamp(),
    event text NOT NULL CHECK (event IN ('rebuilt', 'regrounded', 'restored')),
    by text NOT NULL,
    why text,
    told jsonb NOT NULL,
    done_at timestamptz
);

-- Append-only journals: ledger lines, decision records. `body` is the event as it was published, byte for byte, and
-- `hash` its SHA-256, which the next entry names.
--
-- What may not happen twice is held here and not only in code: of a thing (a vacancy of the ledger, an offer) the steps
-- are 1, 2, 3 … without gaps, each once; the numbers of a journal likewise; and in a ledger every second step of a thing
-- takes back the one before, so that a home is counted once or not at all, never twice.
CREATE TABLE journal (
    task text COLLATE "C" NOT NULL,
    entity text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    number bigint NOT NULL CHECK (number > 0),
    thing text COLLATE "C" NOT NULL,
    step int NOT NULL CHECK (step > 0),
    reverses bigint,
    hash text COLLATE "C" NOT NULL,
    body text NOT NULL,
    former_number bigint GENERATED ALWAYS AS (nullif(number - 1, 0)) STORED,
    former_step int GENERATED ALWAYS AS (nullif(step - 1, 0)) STORED,
    PRIMARY KEY (task, entity, kind, number),
    UNIQUE (task, entity, kind, thing, step),
    UNIQUE (task, entity, kind, thing, step, number),
    FOREIGN KEY (task, entity, kind, former_number) REFERENCES journal (task, entity, kind, number),
    FOREIGN KEY (task, entity, kind, thing, former_step) REFERENCES journal (task, entity, kind, thing, step),
    FOREIGN KEY (task, entity, kind, thing, former_step, reverses)
        REFERENCES journal (task, entity, kind, thing, step, number),
    CHECK (kind <> 'ledger.line' OR (step % 2 = 0) = (reverses IS NOT NULL))
);

-- Journals are read by kind, afdeling by afdeling, whatever the task.
CREATE INDEX journal_by_entity ON journal (kind, entity);

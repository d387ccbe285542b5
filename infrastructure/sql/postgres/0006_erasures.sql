-- Who erased what is found again, however long the log is; of all other events the index knows nothing.

CREATE INDEX events_that_erased ON signalbox.events (position) WHERE type = 'subject.erased.v1';

-- Seeds from which the keys of subjects follow, the leaves that were cut out, and how far the log was looked at for them.

CREATE TABLE signalbox.subject_seeds (
    prefix text COLLATE "C" PRIMARY KEY,
    seed bytea NOT NULL
);

CREATE TABLE signalbox.subject_keys_destroyed (
    path text COLLATE "C" PRIMARY KEY
);

CREATE TABLE signalbox.erasures_done (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL
);

INSERT INTO signalbox.erasures_done (position) VALUES (0);

-- Which beginning of the log lies in bundles, and what each stream had come to with its last event there.

CREATE TABLE signalbox.archives (
    last bigint PRIMARY KEY,
    first bigint NOT NULL UNIQUE CHECK (first >= 1 AND first <= last),
    digest text NOT NULL,
    name text NOT NULL,
    asked_by text NOT NULL,
    at bigint NOT NULL,
    pruned boolean NOT NULL
);

CREATE TABLE signalbox.base_states (
    stream text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    position bigint NOT NULL,
    kind text NOT NULL,
    state bytea NOT NULL,
    words bytea NOT NULL
);

-- Which beginning of the log lies in bundles, and what each stream had come to with its last event there.

CREATE TABLE archives (
    last INTEGER PRIMARY KEY,
    first INTEGER NOT NULL UNIQUE CHECK (first >= 1 AND first <= last),
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    at INTEGER NOT NULL,
    pruned INTEGER NOT NULL CHECK (pruned IN (0, 1))
) STRICT;

CREATE TABLE base_states (
    stream TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state BLOB NOT NULL,
    words BLOB NOT NULL
) STRICT, WITHOUT ROWID;

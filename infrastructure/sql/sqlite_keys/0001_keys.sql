-- Seeds from which the keys of subjects follow, the leaves that were cut out, and how far the log was looked at for them.

CREATE TABLE seeds (
    prefix TEXT PRIMARY KEY,
    seed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE destroyed (
    path TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE done (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL
) STRICT;

INSERT INTO done (one, position) VALUES (1, 0);

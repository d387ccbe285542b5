-- What each server said of itself last; its lease row tells whether it is heard, its stream what became of it.

CREATE TABLE node_reports (
    node TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    report BLOB NOT NULL
) STRICT;

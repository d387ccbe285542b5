-- States of long streams on the way to now: looking at the past begins at the nearest one, not at the first event.

CREATE TABLE past_states (
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (stream, version)
) STRICT;

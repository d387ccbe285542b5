-- States of long streams on the way to now: looking at the past begins at the nearest one, not at the first event.

CREATE TABLE signalbox.past_states (
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    position bigint NOT NULL,
    kind text NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (stream, version)
);

-- The event log and the tables that one append writes with it.

CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    stream_version INTEGER NOT NULL CHECK (stream_version >= 0),
    type TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    state BLOB NOT NULL,
    recorded_at INTEGER NOT NULL,
    project TEXT,
    actor TEXT,
    command_id TEXT,
    correlation_id TEXT,
    causation_id TEXT,
    traceparent TEXT
) STRICT;

CREATE UNIQUE INDEX events_by_stream ON events (stream, stream_version);

-- The head is a row, so that a position is never handed out twice, whatever happens to the events.
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL
) STRICT;

INSERT INTO head (one, position, recorded_at) VALUES (1, 0, 0);

CREATE TABLE commands (
    command_id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    principal TEXT NOT NULL,
    digest BLOB NOT NULL,
    body BLOB NOT NULL,
    versions_read TEXT NOT NULL,
    outcome BLOB NOT NULL,
    time INTEGER NOT NULL,
    position INTEGER NOT NULL
) STRICT;

CREATE TABLE keys (
    scope TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    stream TEXT NOT NULL,
    PRIMARY KEY (scope, kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    session TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    ttl_seconds INTEGER NOT NULL,
    renewed_at INTEGER NOT NULL,
    ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
    PRIMARY KEY (session, incarnation)
) STRICT, WITHOUT ROWID;

CREATE INDEX leases_running ON leases (session, incarnation) WHERE ended = 0;

CREATE TABLE snapshots (
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (stream, version)
) STRICT;

-- Marks of the log as a whole: its era, and the instant through which some node was alive.
CREATE TABLE marks (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    era INTEGER NOT NULL CHECK (era >= 1),
    alive_through INTEGER NOT NULL
) STRICT;

INSERT INTO marks (one, era, alive_through) VALUES (1, 1, 0);

CREATE TABLE duties (
    duty TEXT PRIMARY KEY,
    node TEXT NOT NULL,
    held_until INTEGER NOT NULL
) STRICT;

-- How far applications of the library have processed the logs of others.
CREATE TABLE tracking (
    application TEXT PRIMARY KEY,
    notification_id INTEGER NOT NULL
) STRICT;

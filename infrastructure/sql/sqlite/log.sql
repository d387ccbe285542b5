-- name: head
-- The last position and the instant that it was recorded at.
SELECT position, recorded_at FROM head;

-- name: head_with_versions
-- The head, and each of the given streams with its last version, null where it does not exist. One row for all of it:
-- each statement, and each row that is fetched, lets go of the interpreter, which others are slow to give back.
SELECT position, recorded_at, (
    SELECT json_group_array(
        json_array(wanted.value, (SELECT max(stream_version) FROM events WHERE stream = wanted.value))
    )
    FROM json_each(?) AS wanted
)
FROM head;

-- name: receipts
-- Receipts of the given command ids.
SELECT command_id, project, principal, digest, body, outcome, time, position
FROM commands WHERE command_id IN (SELECT value FROM json_each(?));

-- name: receipts_present
-- Which of the given command ids have a receipt.
SELECT command_id FROM commands WHERE command_id IN (SELECT value FROM json_each(?));

-- name: receipts_between
-- The next receipts between two ids, with the instants of their commands.
SELECT command_id, time FROM commands WHERE command_id > ? AND command_id < ? ORDER BY command_id LIMIT ?;

-- name: forget_receipts
-- Delete those of the given receipts that are old.
DELETE FROM commands WHERE command_id IN (SELECT value FROM json_each(?)) AND time < ?;

-- name: forget_leases
-- Delete ended lease rows that are old.
DELETE FROM leases WHERE (session, incarnation) IN (
    SELECT session, incarnation FROM leases WHERE ended = 1 AND renewed_at < ? LIMIT ?
);

-- name: keys
-- Streams of the given unique names that exist.
SELECT keys.scope, keys.kind, keys.name, keys.stream
FROM json_each(?) AS wanted
CROSS JOIN keys ON keys.scope = json_extract(wanted.value, '$[0]')
    AND keys.kind = json_extract(wanted.value, '$[1]')
    AND keys.name = json_extract(wanted.value, '$[2]');

-- name: leases_named
-- Lease rows of the given (session, incarnation) pairs, also the ended ones.
SELECT leases.session, leases.incarnation, leases.ttl_seconds, leases.renewed_at, leases.ended
FROM json_each(?) AS wanted
CROSS JOIN leases ON leases.session = json_extract(wanted.value, '$[0]')
    AND leases.incarnation = json_extract(wanted.value, '$[1]');

-- name: leases_running
-- Every lease row that is not ended.
SELECT session, incarnation, ttl_seconds, renewed_at, ended
FROM leases WHERE ended = 0 ORDER BY session, incarnation;

-- name: insert_event
-- One row of the log.
INSERT INTO events (
    position, stream, stream_version, type, schema_version, state, recorded_at,
    project, actor, command_id, correlation_id, causation_id, traceparent
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: insert_receipt
-- What is remembered of one command.
INSERT INTO commands (command_id, project, principal, digest, body, versions_read, outcome, time, position)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: insert_key
-- One unique name.
INSERT INTO keys (scope, kind, name, stream) VALUES (?, ?, ?, ?);

-- name: write_lease
-- A lease row as it is after a change.
INSERT INTO leases (session, incarnation, ttl_seconds, renewed_at, ended) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (session, incarnation) DO UPDATE SET
    ttl_seconds = excluded.ttl_seconds, renewed_at = excluded.renewed_at, ended = excluded.ended;

-- name: move_head
-- The head after an append.
UPDATE head SET position = ?, recorded_at = ?;

-- name: events_of
-- Events of one stream after a version; a negative limit is none.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
    project, actor, command_id, correlation_id, causation_id, traceparent
FROM events WHERE stream = ? AND stream_version > ? ORDER BY stream_version LIMIT ?;

-- name: events_of_many
-- Events of several streams, each after its own version.
SELECT position, stream, stream_version, events.type, schema_version, state, recorded_at,
    project, actor, command_id, correlation_id, causation_id, traceparent
FROM json_each(?) AS wanted
CROSS JOIN events ON events.stream = json_extract(wanted.value, '$[0]')
    AND events.stream_version > json_extract(wanted.value, '$[1]')
ORDER BY wanted.key, events.stream_version;

-- name: page
-- Events after a position, in order.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
    project, actor, command_id, correlation_id, causation_id, traceparent
FROM events WHERE position > ? ORDER BY position LIMIT ?;

-- name: count_of
-- Events of a project between two positions.
SELECT count(*) FROM events WHERE project = ? AND position > ? AND position <= ?;

-- name: snapshots
-- The latest snapshot of each of the given streams that has one.
SELECT stream, version, kind, state
FROM json_each(?) AS wanted
CROSS JOIN snapshots ON snapshots.stream = wanted.value
    AND snapshots.version = (SELECT max(version) FROM snapshots WHERE stream = wanted.value);

-- name: keep_snapshot
-- Keep a snapshot unless a later one of its stream is kept.
INSERT INTO snapshots (stream, version, kind, state)
SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM snapshots WHERE stream = ?1 AND version > ?2)
ON CONFLICT (stream, version) DO UPDATE SET kind = excluded.kind, state = excluded.state;

-- name: drop_older_snapshots
-- Drop what a kept snapshot replaces.
DELETE FROM snapshots WHERE stream = ?1 AND version < ?2;

-- name: renew
-- Renew a lease that is not ended; its stamp always changes, so that an expiry under way notices.
UPDATE leases SET renewed_at = max(?1, renewed_at + 1)
WHERE session = ?2 AND incarnation = ?3 AND ended = 0 RETURNING renewed_at;

-- name: alive_through
-- The instant through which some node was alive.
SELECT alive_through FROM marks;

-- name: beat
-- Move the alive mark forward, or to where the clock was set back.
UPDATE marks SET alive_through = iif(?2, ?1, max(alive_through, ?1));

-- name: era
-- The era of the log.
SELECT era FROM marks;

-- name: begin_era
-- A later era begins.
UPDATE marks SET era = max(era + 1, ?1) RETURNING era;

-- name: hold_duty
-- Take or renew a duty that is free, lapsed, held by the same node or stamped by a clock that was set back.
INSERT INTO duties (duty, node, held_until) VALUES (?1, ?2, ?4)
ON CONFLICT (duty) DO UPDATE SET node = excluded.node, held_until = excluded.held_until
WHERE duties.node = excluded.node OR duties.held_until <= ?3 OR duties.held_until > excluded.held_until + 1000000
RETURNING duty;

-- name: tell_node
-- What a node says of itself, in place of what it said before.
INSERT INTO node_reports (node, at, report) VALUES (?, ?, ?)
ON CONFLICT (node) DO UPDATE SET at = excluded.at, report = excluded.report;

-- name: node_reports
-- What every node said last.
SELECT node, at, report FROM node_reports ORDER BY node;

-- name: forget_node_reports
-- Delete what nodes said long ago.
DELETE FROM node_reports WHERE at < ?;

-- name: erasures
-- The events that erased a subject after a position.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
       project, actor, command_id, correlation_id, causation_id, traceparent
FROM events WHERE type = 'subject.erased.v1' AND position > ? ORDER BY position;

-- name: receipts_reading
-- Receipts of commands that read a stream, given with its quotes.
SELECT command_id, project, principal, digest, body, outcome, time, position
FROM commands WHERE instr(versions_read, ?) > 0;

-- name: forget_snapshots
-- No state of the given streams is kept.
DELETE FROM snapshots WHERE stream IN (SELECT value FROM json_each(?));

-- name: blank_receipts
-- Receipts of the given (id, principal) that tell no more than that there was a command.
UPDATE commands SET body = ?, outcome = ?
WHERE (command_id, principal) IN (
    SELECT json_extract(wanted.value, '$[0]'), json_extract(wanted.value, '$[1]') FROM json_each(?) AS wanted
);

-- name: keys_mark
-- The mark of the keys that the log is bound to.
SELECT mark FROM keys_mark;

-- name: bind_keys
-- Bind the log to keys, where it is bound to none or still to the given ones.
INSERT INTO keys_mark (one, mark) VALUES (1, ?1)
ON CONFLICT (one) DO UPDATE SET mark = excluded.mark WHERE keys_mark.mark = ?2;

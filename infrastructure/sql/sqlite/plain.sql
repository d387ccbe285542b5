-- name: stream_up
-- Events of one stream between versions, ascending; a negative limit is none.
SELECT stream, stream_version, type, state FROM events
WHERE stream = ? AND stream_version > ? AND stream_version <= ? ORDER BY stream_version LIMIT ?;

-- name: stream_down
-- Events of one stream between versions, descending; a negative limit is none.
SELECT stream, stream_version, type, state FROM events
WHERE stream = ? AND stream_version > ? AND stream_version <= ? ORDER BY stream_version DESC LIMIT ?;

-- name: snapshots_up
-- Snapshots of one stream between versions, ascending; a negative limit is none.
SELECT stream, version, kind, state FROM snapshots
WHERE stream = ? AND version > ? AND version <= ? ORDER BY version LIMIT ?;

-- name: snapshots_down
-- Snapshots of one stream between versions, descending; a negative limit is none.
SELECT stream, version, kind, state FROM snapshots
WHERE stream = ? AND version > ? AND version <= ? ORDER BY version DESC LIMIT ?;

-- name: page
-- Events between positions, in order.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
    project, actor, command_id, correlation_id, causation_id, traceparent
FROM events WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?;

-- name: page_of_types
-- Events of the given types between positions, in order.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
    project, actor, command_id, correlation_id, causation_id, traceparent
FROM events WHERE position BETWEEN ? AND ? AND type IN (SELECT value FROM json_each(?)) ORDER BY position LIMIT ?;

-- name: insert_snapshot
-- Keep a snapshot beside the earlier ones of its stream.
INSERT INTO snapshots (stream, version, kind, state) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- name: move_tracking
-- Move an application's tracking forward.
INSERT INTO tracking (application, notification_id) VALUES (?, ?)
ON CONFLICT (application) DO UPDATE SET notification_id = excluded.notification_id
WHERE excluded.notification_id > tracking.notification_id;

-- name: last_tracking
-- How far an application has processed.
SELECT notification_id FROM tracking WHERE application = ?;

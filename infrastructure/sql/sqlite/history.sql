-- The log as whoever looks at its past reads it; nothing here writes.

-- name: found
-- Events that fit, in order.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
    project, actor, command_id, correlation_id, causation_id, traceparent
FROM events
WHERE position > :after AND position <= :until
    AND (:project IS NULL OR project = :project)
    AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
    AND (:actor IS NULL OR actor = :actor)
    AND (:correlation IS NULL OR correlation_id = :correlation)
    AND (:command IS NULL OR command_id = :command)
    AND (:session IS NULL OR stream = :session OR instr(state, CAST(:session AS BLOB)) > 0)
ORDER BY position LIMIT :limit;

-- name: found_in_stream
-- Events of one stream that fit, in order.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
    project, actor, command_id, correlation_id, causation_id, traceparent
FROM events
WHERE stream = :stream AND +position > :after AND +position <= :until
    AND (:project IS NULL OR project = :project)
    AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
    AND (:actor IS NULL OR actor = :actor)
    AND (:correlation IS NULL OR correlation_id = :correlation)
    AND (:command IS NULL OR command_id = :command)
    AND (:session IS NULL OR stream = :session OR instr(state, CAST(:session AS BLOB)) > 0)
ORDER BY stream_version LIMIT :limit;

-- name: commands
-- What is remembered of the given commands, with their bodies.
SELECT command_id, project, principal, body, outcome, time, position
FROM commands WHERE command_id IN (SELECT value FROM json_each(?));

-- name: names
-- The unique names behind one, a page of them.
SELECT scope, kind, name, stream FROM keys WHERE (scope, kind, name) > (?, ?, ?) ORDER BY scope, kind, name LIMIT 2000;

-- name: live_generation
-- The rows of a projection that are asked: their table, how far they are, and of which code.
SELECT table_name, checkpoint, fingerprint FROM generations WHERE projection = ? AND state = 'live';

-- name: rows_as_of
-- Rows of a table as they were after a position. {parts} are names made by infrastructure/history/rows.py.
SELECT {columns} FROM {table} WHERE since <= ?1 AND (until IS NULL OR until > ?1) ORDER BY key;

-- name: row_as_of
-- The last version of one row that began at or before a position.
SELECT since, until, {columns} FROM {table} WHERE key = ?2 AND since <= ?1 ORDER BY since DESC LIMIT 1;

-- name: versions_between
-- Versions of rows that began behind one position and up to another, oldest first.
SELECT since, {columns} FROM {table} WHERE since > ?1 AND since <= ?2 ORDER BY since, key;

-- name: versions_of_key
-- Versions of one row that began behind one position and up to another, oldest first.
SELECT since, {columns} FROM {table} WHERE key = ?3 AND since > ?1 AND since <= ?2 ORDER BY since;

-- name: rows_ended_or_begun
-- Versions that touch a change between two positions: those that were true at either, where they are not the same.
SELECT since, until, {columns} FROM {table}
WHERE (since <= ?2 AND since > ?1 AND (until IS NULL OR until > ?2))
    OR (since <= ?1 AND until > ?1 AND until <= ?2)
ORDER BY key, since;

-- name: rows_latest
-- What is true of each row now.
SELECT {columns} FROM {table} WHERE until IS NULL ORDER BY key;

-- name: keeps_mark
-- Whether the file is of a program that binds a log to keys.
SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'keys_mark';

-- The log as whoever looks at its past reads it; nothing here writes.

-- name: head
-- Position of the last event.
SELECT position FROM signalbox.head

-- name: era
-- Log era.
SELECT era FROM signalbox.marks

-- name: keeps_mark
-- Whether the database is of a program that binds a log to keys.
SELECT to_regclass('signalbox.keys_mark') IS NOT NULL

-- name: keys_mark
-- The mark of the keys that the log is bound to.
SELECT mark FROM signalbox.keys_mark

-- name: page
-- Events after a position.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
       project, actor, command_id, correlation_id, causation_id, traceparent
FROM signalbox.events WHERE position > %s ORDER BY position LIMIT %s

-- name: events_of
-- Events of one stream after a version.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
       project, actor, command_id, correlation_id, causation_id, traceparent
FROM signalbox.events WHERE stream = %s AND stream_version > %s ORDER BY stream_version LIMIT %s::bigint

-- name: found
-- Events that fit, in order.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
       project, actor, command_id, correlation_id, causation_id, traceparent
FROM signalbox.events
WHERE position > %(after)s AND position <= %(until)s
  AND (%(project)s::text IS NULL OR project = %(project)s)
  AND (%(types)s::text[] IS NULL OR type = ANY (%(types)s))
  AND (%(actor)s::text IS NULL OR actor = %(actor)s)
  AND (%(correlation)s::text IS NULL OR correlation_id = %(correlation)s)
  AND (%(command)s::text IS NULL OR command_id = %(command)s)
  AND (%(session)s::text IS NULL OR stream = %(session)s
       OR position(convert_to(%(session)s, 'UTF8') IN state) > 0)
ORDER BY position LIMIT %(limit)s

-- name: found_in_stream
-- Events of one stream that fit, in order.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
       project, actor, command_id, correlation_id, causation_id, traceparent
FROM signalbox.events
WHERE stream = %(stream)s AND position > %(after)s AND position <= %(until)s
  AND (%(project)s::text IS NULL OR project = %(project)s)
  AND (%(types)s::text[] IS NULL OR type = ANY (%(types)s))
  AND (%(actor)s::text IS NULL OR actor = %(actor)s)
  AND (%(correlation)s::text IS NULL OR correlation_id = %(correlation)s)
  AND (%(command)s::text IS NULL OR command_id = %(command)s)
  AND (%(session)s::text IS NULL OR stream = %(session)s
       OR position(convert_to(%(session)s, 'UTF8') IN state) > 0)
ORDER BY stream_version LIMIT %(limit)s

-- name: commands
-- What is remembered of the given commands, with their bodies.
SELECT command_id, project, principal, body, outcome, time, position
FROM signalbox.commands WHERE command_id = ANY (%s)

-- name: keys
-- Streams of the unique names that exist.
SELECT k.scope, k.kind, k.name, k.stream
FROM unnest(%s::text[], %s::text[], %s::text[]) AS n (scope, kind, name)
JOIN signalbox.keys k ON k.scope = n.scope AND k.kind = n.kind AND k.name = n.name

-- name: names
-- The unique names behind one, a page of them.
SELECT scope, kind, name, stream FROM signalbox.keys
WHERE (scope, kind, name) > (%s, %s, %s) ORDER BY scope, kind, name LIMIT 2000

-- name: live_generation
-- The rows of a projection that are asked: their table, how far they are, and of which code.
SELECT table_name, checkpoint, fingerprint FROM signalbox_rows.generations
WHERE projection = %s AND state = 'live'

-- name: rows_as_of
-- Rows of a table as they were after a position. {parts} are names made by infrastructure/history/rows.py.
SELECT {columns} FROM {table} WHERE since <= %(after)s AND (until IS NULL OR until > %(after)s) ORDER BY key

-- name: row_as_of
-- The last version of one row that began at or before a position.
SELECT since, until, {columns} FROM {table}
WHERE key = %(key)s AND since <= %(position)s ORDER BY since DESC LIMIT 1

-- name: versions_between
-- Versions of rows that began behind one position and up to another, oldest first.
SELECT since, {columns} FROM {table} WHERE since > %(after)s AND since <= %(until)s ORDER BY since, key

-- name: versions_of_key
-- Versions of one row that began behind one position and up to another, oldest first.
SELECT since, {columns} FROM {table} WHERE key = %(key)s AND since > %(after)s AND since <= %(until)s ORDER BY since

-- name: rows_ended_or_begun
-- Versions that touch a change between two positions: those that were true at either, where they are not the same.
SELECT since, until, {columns} FROM {table}
WHERE (since <= %(until)s AND since > %(after)s AND (until IS NULL OR until > %(until)s))
   OR (since <= %(after)s AND until > %(after)s AND until <= %(until)s)
ORDER BY key, since

-- name: rows_latest
-- What is true of each row now.
SELECT {columns} FROM {table} WHERE until IS NULL ORDER BY key

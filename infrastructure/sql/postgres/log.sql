-- Named queries of the log on PostgreSQL.

-- name: append
-- Append one group, or learn that something it relied on has moved.
SELECT ok, head_before, recorded FROM signalbox.append(
    %(read_streams)s, %(read_versions)s,
    %(key_scopes)s, %(key_kinds)s, %(key_names)s, %(key_streams)s,
    %(lease_sessions)s, %(lease_incarnations)s, %(lease_ttls)s, %(lease_renewals)s, %(lease_ends)s,
    %(member_ids)s, %(member_projects)s, %(member_principals)s, %(member_times)s,
    %(member_correlations)s, %(member_causations)s, %(member_traceparents)s,
    %(receipt_offsets)s, %(receipt_digests)s, %(receipt_bodies)s, %(receipt_outcomes)s, %(receipt_reads)s,
    %(event_members)s, %(event_streams)s, %(event_versions)s, %(event_types)s, %(event_schemas)s,
    %(event_states)s, %(event_projects)s,
    %(at)s::bigint)

-- name: lock_log
-- Take the log's lock until the end of the transaction.
SELECT signalbox.lock_log()

-- name: lock_leases
-- Lock lease rows in id order until the end of the transaction.
SELECT signalbox.lock_leases(%s, %s)

-- name: held_head
-- Head, and the instant that an append records now.
SELECT position, greatest(recorded_at, coalesce(%s::bigint, signalbox.clock())) FROM signalbox.head

-- name: held_versions
-- Versions of the streams that exist.
SELECT r.stream, e.stream_version
FROM unnest(%s) AS r (stream)
CROSS JOIN LATERAL (
    SELECT stream_version FROM signalbox.events WHERE stream = r.stream ORDER BY stream_version DESC LIMIT 1
) AS e

-- name: receipts
-- Receipts of the given command ids.
SELECT command_id, project, principal, digest, body, outcome, time, position
FROM signalbox.commands WHERE command_id = ANY (%s)

-- name: receipts_present
-- Which of the command ids have a receipt.
SELECT command_id FROM signalbox.commands WHERE command_id = ANY (%s)

-- name: forget_receipts
-- Delete the old ones of the next receipts between two ids; answers the last id looked at and how many there were.
WITH looked_at AS MATERIALIZED (
    SELECT command_id, project, principal, time FROM signalbox.commands
    WHERE command_id > %(after)s AND command_id < %(until)s ORDER BY command_id LIMIT %(rows_max)s::bigint
), gone AS (
    DELETE FROM signalbox.commands c USING looked_at l
    WHERE (c.command_id, c.project, c.principal) = (l.command_id, l.project, l.principal) AND l.time < %(before)s::bigint
)
SELECT max(command_id), count(*) FROM looked_at

-- name: forget_leases
-- Delete ended lease rows that are old.
DELETE FROM signalbox.leases WHERE ended AND (session, incarnation) IN (
    SELECT session, incarnation FROM signalbox.leases WHERE ended AND renewed_at < %s::bigint LIMIT %s::bigint
)
RETURNING incarnation

-- name: keys
-- Streams of the unique names that exist.
SELECT k.scope, k.kind, k.name, k.stream
FROM unnest(%s, %s, %s) AS n (scope, kind, name)
JOIN signalbox.keys k ON k.scope = n.scope AND k.kind = n.kind AND k.name = n.name

-- name: lease_rows
-- Lease rows of the given (session, incarnation) pairs.
SELECT session, incarnation, ttl_seconds, renewed_at, ended
FROM signalbox.leases WHERE (session, incarnation) IN (SELECT * FROM unnest(%s, %s))

-- name: leases
-- Every lease row that is not ended.
SELECT session, incarnation, ttl_seconds, renewed_at, ended
FROM signalbox.leases WHERE NOT ended ORDER BY session, incarnation

-- name: renew
-- Renew lease rows that are not ended.
SELECT session, incarnation, renewed_at FROM signalbox.renew(%s, %s, %s::bigint)

-- name: events_of
-- Events of one stream after a version.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
       project, actor, command_id, correlation_id, causation_id, traceparent
FROM signalbox.events WHERE stream = %s AND stream_version > %s ORDER BY stream_version LIMIT %s::bigint

-- name: events_of_many
-- Events of several streams, each after its own version.
SELECT e.position, e.stream, e.stream_version, e.type, e.schema_version, e.state, e.recorded_at,
       e.project, e.actor, e.command_id, e.correlation_id, e.causation_id, e.traceparent
FROM unnest(%s, %s) AS r (stream, version)
JOIN signalbox.events e ON e.stream = r.stream AND e.stream_version > r.version
ORDER BY e.stream, e.stream_version

-- name: page
-- Events after a position.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
       project, actor, command_id, correlation_id, causation_id, traceparent
FROM signalbox.events WHERE position > %s ORDER BY position LIMIT %s

-- name: count_of
-- Events of a project between two positions.
SELECT count(*) FROM signalbox.events WHERE project = %s AND position > %s AND position <= %s

-- name: head
-- Position of the last event.
SELECT position FROM signalbox.head

-- name: snapshots
-- Latest snapshots of the given streams.
SELECT stream, version, kind, state FROM signalbox.snapshots WHERE stream = ANY (%s)

-- name: keep_snapshots
-- Keep snapshots, never an older one in place of a later one.
INSERT INTO signalbox.snapshots AS s
SELECT * FROM unnest(%s, %s, %s, %s) AS n (stream, version, kind, state) ORDER BY n.stream
ON CONFLICT (stream) DO UPDATE SET version = excluded.version, kind = excluded.kind, state = excluded.state
WHERE s.version <= excluded.version
RETURNING s.stream

-- name: alive_through
-- The instant through which some node was alive.
SELECT alive_through FROM signalbox.marks

-- name: beat
-- Move the alive-through mark on, or to where the clock was set back; answers its former value. Waits for no disk.
WITH former AS (SELECT only_row, alive_through FROM signalbox.marks FOR UPDATE)
UPDATE signalbox.marks m
SET alive_through = greatest(CASE WHEN %s THEN 0 ELSE former.alive_through END, coalesce(%s::bigint, signalbox.clock()))
FROM former, set_config('synchronous_commit', 'off', true) WHERE former.only_row = m.only_row
RETURNING former.alive_through

-- name: hold_duty
-- Take or renew a duty; no row comes back while another node holds it by a clock that was not set back since.
-- Waits for no disk.
INSERT INTO signalbox.duties AS d (duty, node, held_until)
SELECT %(duty)s, %(node)s, coalesce(%(now)s::bigint, signalbox.clock()) + %(length)s
FROM set_config('synchronous_commit', 'off', true)
ON CONFLICT (duty) DO UPDATE SET node = excluded.node, held_until = excluded.held_until
WHERE d.node = excluded.node OR d.held_until <= coalesce(%(now)s::bigint, signalbox.clock())
    OR d.held_until > excluded.held_until + 1000000
RETURNING node

-- name: tell_node
-- What a node says of itself, in place of what it said before, and the renewal of its lease. Waits for no disk.
WITH told AS (
    INSERT INTO signalbox.node_reports (node, at, report)
    SELECT %(node)s, coalesce(%(at)s::bigint, signalbox.clock()), %(report)s
    FROM set_config('synchronous_commit', 'off', true)
    ON CONFLICT (node) DO UPDATE SET at = excluded.at, report = excluded.report
)
SELECT renewed_at FROM signalbox.renew(ARRAY[%(node)s]::text[], ARRAY[%(incarnation)s]::bigint[], %(at)s::bigint)

-- name: node_reports
-- What every node said last.
SELECT node, at, report FROM signalbox.node_reports ORDER BY node

-- name: forget_node_reports
-- Delete what nodes said long ago.
DELETE FROM signalbox.node_reports WHERE at < %s::bigint RETURNING at

-- name: era
-- Log era.
SELECT era FROM signalbox.marks

-- name: begin_era
-- A later era begins.
UPDATE signalbox.marks SET era = greatest(era + 1, %s::bigint) RETURNING era

-- name: clock
-- The server's clock in microseconds.
SELECT signalbox.clock()

-- name: durability
-- Settings that decide whether a commit survives a crash.
SELECT name, setting FROM pg_settings
WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') ORDER BY name

-- name: listen
-- Hear of appends.
LISTEN signalbox_log

-- name: begin
-- Begin a transaction whatever the server's default is.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE

-- name: commit
-- Make the transaction durable.
COMMIT

-- name: erasures
-- The events that erased a subject after a position.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
       project, actor, command_id, correlation_id, causation_id, traceparent
FROM signalbox.events WHERE type = 'subject.erased.v1' AND position > %s ORDER BY position

-- name: receipts_reading
-- Receipts of commands that read a stream, given with its quotes.
SELECT command_id, project, principal, digest, body, outcome, time, position
FROM signalbox.commands WHERE position(%s::bytea IN reads) > 0

-- name: forget_snapshots
-- No state of the given streams is kept.
DELETE FROM signalbox.snapshots WHERE stream = ANY (%s) RETURNING stream

-- name: blank_receipts
-- Receipts of the given (id, principal) that tell no more than that there was a command.
UPDATE signalbox.commands AS c SET body = %s::bytea, outcome = %s::bytea
FROM unnest(%s, %s) AS n (command_id, principal)
WHERE c.command_id = n.command_id AND c.principal = n.principal
RETURNING c.command_id

-- name: keys_mark
-- The mark of the keys that the log is bound to.
SELECT mark FROM signalbox.keys_mark

-- name: bind_keys
-- Bind the log to keys, where it is bound to none or still to the given ones.
INSERT INTO signalbox.keys_mark AS bound (mark) VALUES (%s)
ON CONFLICT (only_row) DO UPDATE SET mark = excluded.mark WHERE bound.mark = %s RETURNING mark

-- Named queries behind the recorders of the plain library.

-- name: snapshots_insert
-- Keep snapshots, every version of them.
INSERT INTO signalbox.library_snapshots SELECT * FROM unnest(%s, %s, %s, %s) AS n (stream, version, topic, state)
RETURNING version

-- name: snapshots_ascending
-- Snapshots of one stream, first version first.
SELECT stream, version, topic, state FROM signalbox.library_snapshots
WHERE stream = %s AND version > coalesce(%s::bigint, -1) AND version <= coalesce(%s::bigint, 9223372036854775807)
ORDER BY version LIMIT %s::bigint

-- name: snapshots_descending
-- Snapshots of one stream, last version first.
SELECT stream, version, topic, state FROM signalbox.library_snapshots
WHERE stream = %s AND version > coalesce(%s::bigint, -1) AND version <= coalesce(%s::bigint, 9223372036854775807)
ORDER BY version DESC LIMIT %s::bigint

-- name: events_ascending
-- Events of one stream, first version first.
SELECT stream, stream_version, type, state FROM signalbox.events
WHERE stream = %s AND stream_version > coalesce(%s::bigint, -1)
  AND stream_version <= coalesce(%s::bigint, 9223372036854775807)
ORDER BY stream_version LIMIT %s::bigint

-- name: events_descending
-- Events of one stream, last version first.
SELECT stream, stream_version, type, state FROM signalbox.events
WHERE stream = %s AND stream_version > coalesce(%s::bigint, -1)
  AND stream_version <= coalesce(%s::bigint, 9223372036854775807)
ORDER BY stream_version DESC LIMIT %s::bigint

-- name: page
-- Events between two positions, of certain types where any are named.
SELECT position, stream, stream_version, type, schema_version, state, recorded_at,
       project, actor, command_id, correlation_id, causation_id, traceparent
FROM signalbox.events
WHERE position >= %(first)s AND position <= coalesce(%(last)s::bigint, 9223372036854775807)
  AND (cardinality(%(topics)s) = 0 OR type = ANY (%(topics)s))
ORDER BY position LIMIT %(limit)s

-- name: tracking_rise
-- Move a tracking id on; no row comes back where it does not rise.
INSERT INTO signalbox.library_tracking AS t (application, notification_id) VALUES (%s, %s)
ON CONFLICT (application) DO UPDATE SET notification_id = excluded.notification_id
WHERE t.notification_id < excluded.notification_id
RETURNING notification_id

-- name: tracking_last
-- The last tracking id of an application.
SELECT notification_id FROM signalbox.library_tracking WHERE application = %s

-- The archived beginning of the log.

-- name: archives
-- Every archived range, in order.
SELECT first, last, digest, name, asked_by, at, pruned FROM signalbox.archives ORDER BY last

-- name: knows_archives
-- Whether the database is of a program that can archive.
SELECT to_regclass('signalbox.archives') IS NOT NULL

-- name: keep_archive
-- Keep a range that begins behind the last one that is kept.
INSERT INTO signalbox.archives (first, last, digest, name, asked_by, at, pruned)
SELECT %(first)s, %(last)s, %(digest)s, %(name)s, %(asked_by)s, %(at)s, %(pruned)s
WHERE %(first)s = 1 + coalesce((SELECT max(last) FROM signalbox.archives), 0)
ON CONFLICT DO NOTHING
RETURNING last

-- name: mark_pruned
-- The database keeps no more of a range than it must.
UPDATE signalbox.archives SET pruned = true WHERE last = %s RETURNING last

-- name: base_states
-- What the given streams had come to with their last archived events.
SELECT stream, version, position, kind, state, words FROM signalbox.base_states WHERE stream = ANY (%s)

-- name: outdated_bases
-- Some of those whose shape is none of the given ones. There are few shapes: the index is asked for one after the other.
WITH RECURSIVE kinds (kind) AS (
    SELECT min(b.kind) FROM signalbox.base_states b
    UNION ALL
    SELECT (SELECT min(later.kind) FROM signalbox.base_states later WHERE later.kind > kinds.kind)
    FROM kinds WHERE kinds.kind IS NOT NULL
), outdated AS MATERIALIZED (
    SELECT kind FROM kinds WHERE kind <> ALL (%s)
)
SELECT b.stream, b.version, b.position, b.kind, b.state, b.words
FROM outdated JOIN signalbox.base_states b USING (kind) LIMIT %s::bigint

-- name: base_states_behind
-- What streams had come to, in the order of their names.
SELECT stream, version, position, kind, state, words FROM signalbox.base_states
WHERE stream > %s ORDER BY stream LIMIT %s::bigint

-- name: keep_base_states
-- What streams had come to, in place of what they had come to before.
INSERT INTO signalbox.base_states AS b
SELECT * FROM unnest(%s, %s, %s, %s, %s, %s) AS n (stream, version, "position", kind, state, words) ORDER BY n.stream
ON CONFLICT (stream) DO UPDATE SET
    version = excluded.version, position = excluded.position, kind = excluded.kind,
    state = excluded.state, words = excluded.words
WHERE excluded.version >= b.version
RETURNING b.stream

-- name: has_stream
-- Whether there is any event of a stream.
SELECT EXISTS (SELECT FROM signalbox.events WHERE stream = %s)

-- name: lost_events
-- What streams had come to of which neither the last archived event is there nor a later one.
SELECT b.stream, b.version, b.position FROM signalbox.base_states b
WHERE NOT EXISTS (
    SELECT FROM signalbox.events e WHERE e.stream = b.stream AND e.stream_version >= b.version
) ORDER BY b.position LIMIT %s::bigint

-- name: prune
-- Delete events of a stretch that others of their streams follow; who ordered an erasure is found again. Answers where
-- the stretch ended, null where it had nothing.
WITH piece AS MATERIALIZED (
    SELECT e.position, e.stream, e.stream_version, e.type FROM signalbox.events e
    WHERE e.position > %(after)s AND e.position <= %(through)s ORDER BY e.position LIMIT %(rows_max)s::bigint
), gone AS (
    DELETE FROM signalbox.events e USING piece p
    WHERE e.position = p.position AND p.type <> 'subject.erased.v1' AND EXISTS (
        SELECT FROM signalbox.events later WHERE later.stream = p.stream AND later.stream_version > p.stream_version)
)
SELECT max(position) FROM piece

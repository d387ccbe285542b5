-- The archived beginning of the log.

-- name: archives
-- Every archived range, in order.
SELECT first, last, digest, name, asked_by, at, pruned FROM archives ORDER BY last;

-- name: knows_archives
-- Whether the file is of a program that can archive.
SELECT count(*) FROM sqlite_master WHERE name = 'archives';

-- name: keep_archive
-- Keep a range that begins behind the last one that is kept.
INSERT INTO archives (first, last, digest, name, asked_by, at, pruned)
SELECT :first, :last, :digest, :name, :asked_by, :at, :pruned
WHERE :first = 1 + coalesce((SELECT max(last) FROM archives), 0)
RETURNING last;

-- name: mark_pruned
-- The database keeps no more of a range than it must.
UPDATE archives SET pruned = 1 WHERE last = ?;

-- name: base_states
-- What the given streams had come to with their last archived events.
SELECT stream, version, position, kind, state, words
FROM json_each(?) AS wanted
CROSS JOIN base_states ON base_states.stream = wanted.value;

-- name: outdated_bases
-- Some of those whose shape is none of the given ones. There are few shapes: the index is asked for one after the other.
WITH RECURSIVE kinds (kind) AS (
    SELECT min(kind) FROM base_states
    UNION ALL
    SELECT (SELECT min(later.kind) FROM base_states AS later WHERE later.kind > kinds.kind)
    FROM kinds WHERE kinds.kind IS NOT NULL
)
SELECT stream, version, position, base_states.kind, state, words
FROM kinds CROSS JOIN base_states ON base_states.kind = kinds.kind
WHERE kinds.kind NOT IN (SELECT value FROM json_each(?)) LIMIT ?;

-- name: base_states_behind
-- What streams had come to, in the order of their names.
SELECT stream, version, position, kind, state, words FROM base_states WHERE stream > ? ORDER BY stream LIMIT ?;

-- name: keep_base_state
-- What a stream had come to, in place of what it had come to before.
INSERT INTO base_states (stream, version, position, kind, state, words) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (stream) DO UPDATE SET
    version = excluded.version, position = excluded.position, kind = excluded.kind,
    state = excluded.state, words = excluded.words
WHERE excluded.version >= base_states.version;

-- name: has_stream
-- Whether there is any event of a stream.
SELECT EXISTS (SELECT 1 FROM events WHERE stream = ?);

-- name: lost_events
-- What streams had come to of which neither the last archived event is there nor a later one.
SELECT stream, version, position FROM base_states
WHERE NOT EXISTS (
    SELECT 1 FROM events WHERE events.stream = base_states.stream AND events.stream_version >= base_states.version
) ORDER BY position LIMIT ?;

-- name: end_of_piece
-- Where the next events behind a position end.
SELECT max(position) FROM (
    SELECT position FROM events WHERE position > :after AND position <= :through ORDER BY position LIMIT :rows_max
);

-- name: prune
-- Delete events of a stretch that others of their streams follow; who ordered an erasure is found again.
DELETE FROM events
WHERE position > :after AND position <= :through AND type <> 'subject.erased.v1'
    AND stream_version < (SELECT max(later.stream_version) FROM events AS later WHERE later.stream = events.stream);

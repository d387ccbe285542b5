-- States of long streams on the way to now.

-- name: keep_state
-- Keep a state unless one of its shape is near behind it, or beyond it.
INSERT INTO signalbox.past_states AS kept (stream, version, position, kind, state)
SELECT %(stream)s, %(version)s::bigint, %(position)s::bigint, %(kind)s, %(state)s::bytea
WHERE NOT EXISTS (
    SELECT 1 FROM signalbox.past_states
    WHERE stream = %(stream)s AND version > %(version)s::bigint - %(spacing)s::bigint AND kind = %(kind)s
)
ON CONFLICT (stream, version) DO UPDATE SET position = excluded.position, kind = excluded.kind, state = excluded.state
RETURNING kept.version

-- name: state_before
-- The last kept state of a shape that is neither beyond a version nor beyond a position.
SELECT stream, version, position, kind, state FROM signalbox.past_states
WHERE stream = %(stream)s AND version <= %(version)s AND position <= %(position)s AND kind = %(kind)s
ORDER BY version DESC LIMIT 1

-- name: keeps_states
-- Whether the database is of a program that kept such states.
SELECT to_regclass('signalbox.past_states') IS NOT NULL

-- name: forget_states
-- No state of the given streams is kept.
DELETE FROM signalbox.past_states WHERE stream = ANY (%s) RETURNING stream

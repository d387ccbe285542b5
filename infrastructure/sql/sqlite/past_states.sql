-- States of long streams on the way to now.

-- name: keep_state
-- Keep a state unless one of its shape is near behind it, or beyond it.
INSERT INTO past_states (stream, version, position, kind, state)
SELECT :stream, :version, :position, :kind, :state
WHERE NOT EXISTS (SELECT 1 FROM past_states WHERE stream = :stream AND version > :version - :spacing AND kind = :kind)
ON CONFLICT (stream, version) DO UPDATE SET position = excluded.position, kind = excluded.kind, state = excluded.state;

-- name: state_before
-- The last kept state of a shape that is neither beyond a version nor beyond a position.
SELECT stream, version, position, kind, state FROM past_states
WHERE stream = :stream AND version <= :version AND position <= :position AND kind = :kind
ORDER BY version DESC LIMIT 1;

-- name: keeps_states
-- Whether the file is of a program that kept such states.
SELECT count(*) FROM sqlite_master WHERE name = 'past_states';

-- name: forget_states
-- No state of the given streams is kept.
DELETE FROM past_states WHERE stream IN (SELECT value FROM json_each(?));

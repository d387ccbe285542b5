-- Seeds of subjects' keys.

-- name: begin
-- Plants the tree where there is none.
INSERT INTO signalbox.subject_seeds (prefix, seed)
SELECT '', %s::bytea WHERE NOT EXISTS (SELECT 1 FROM signalbox.subject_seeds)
ON CONFLICT DO NOTHING RETURNING prefix

-- name: seed
-- The seed at a place of the tree.
SELECT seed FROM signalbox.subject_seeds WHERE prefix = %s

-- name: destroyed
-- The leaves that were cut out.
SELECT path FROM signalbox.subject_keys_destroyed ORDER BY path

-- name: cut
-- Nothing below a place follows from its seed any more; what is left of that part of the tree takes its place.
WITH gone AS (
    DELETE FROM signalbox.subject_seeds WHERE prefix = %s RETURNING prefix
), kept AS (
    INSERT INTO signalbox.subject_seeds (prefix, seed)
    SELECT n.prefix, n.seed FROM unnest(%s, %s) AS n (prefix, seed) WHERE EXISTS (SELECT 1 FROM gone)
), noted AS (
    INSERT INTO signalbox.subject_keys_destroyed (path) SELECT %s WHERE EXISTS (SELECT 1 FROM gone)
)
SELECT count(*) FROM gone

-- name: vacuum
-- What was deleted is in no page any more.
VACUUM signalbox.subject_seeds

-- name: done
-- How far erasures were carried out.
SELECT position FROM signalbox.erasures_done

-- name: move_done
-- It has moved on.
UPDATE signalbox.erasures_done SET position = greatest(position, %s) RETURNING position

-- name: keeps_seeds
-- Whether the database is of a program that sealed.
SELECT to_regclass('signalbox.subject_seeds') IS NOT NULL

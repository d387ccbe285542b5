-- Seeds of subjects' keys.

-- name: begin
-- Plants the tree where there is none.
INSERT INTO seeds (prefix, seed) SELECT '', ? WHERE NOT EXISTS (SELECT 1 FROM seeds);

-- name: seed
-- The seed at a place of the tree.
SELECT seed FROM seeds WHERE prefix = ?;

-- name: destroyed
-- The leaves that were cut out.
SELECT path FROM destroyed ORDER BY path;

-- name: drop_seed
-- Nothing below this place follows from it any more.
DELETE FROM seeds WHERE prefix = ?;

-- name: insert_seed
-- What is left of a part of the tree.
INSERT INTO seeds (prefix, seed) VALUES (?, ?);

-- name: insert_destroyed
-- The leaf that is left of nothing.
INSERT INTO destroyed (path) VALUES (?);

-- name: done
-- How far erasures were carried out.
SELECT position FROM done;

-- name: move_done
-- It has moved on.
UPDATE done SET position = max(position, ?);

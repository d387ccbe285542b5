-- name: create_migrations
-- Which migrations the file has had.
CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;

-- name: applied
-- The numbers of the migrations that were applied, in order.
SELECT number FROM migrations ORDER BY number;

-- name: insert_migration
-- Note that a migration was applied.
INSERT INTO migrations (number, name) VALUES (?, ?);

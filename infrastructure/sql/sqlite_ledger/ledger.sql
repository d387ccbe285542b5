-- Named queries of the audit ledger in a SQLite file.

-- name: begin
-- Name the log, once.
INSERT INTO ledger (one, origin, size) VALUES (1, ?, 0) ON CONFLICT DO NOTHING;

-- name: ledger
-- Name of the log and number of its leaves.
SELECT origin, size FROM ledger;

-- name: grow
-- Move the size on; no row comes back where somebody else was there first.
UPDATE ledger SET size = ? WHERE size = ? RETURNING size;

-- name: keep_tile
-- A tile as it is now.
INSERT INTO tiles (level, number, hashes) VALUES (?, ?, ?)
ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes;

-- name: tiles
-- Tiles of one level from a number on.
SELECT number, hashes FROM tiles WHERE level = ? AND number >= ? ORDER BY number LIMIT ?;

-- name: keep_checkpoint
-- A signed checkpoint.
INSERT INTO checkpoints (size, at, note) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: thin_checkpoints
-- Of old checkpoints keep the last of each minute. All are looked at once: after a year there are half a million.
DELETE FROM checkpoints WHERE at < ? AND at NOT IN (SELECT max(at) FROM checkpoints GROUP BY at / 60000000);

-- name: checkpoints
-- Checkpoints of a size or more, the smallest first.
SELECT size, at, note FROM checkpoints WHERE size >= ? ORDER BY size, at LIMIT ?;

-- name: latest_checkpoint
-- The last checkpoint.
SELECT size, at, note FROM checkpoints ORDER BY size DESC, at DESC LIMIT 1;

-- name: keep_key
-- A public key and its period.
INSERT INTO public_keys (key, since, until) VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET until = excluded.until;

-- name: keys
-- Every public key.
SELECT key, since, until FROM public_keys ORDER BY since, key;

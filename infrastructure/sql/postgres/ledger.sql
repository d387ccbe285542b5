-- Named queries of the audit ledger on PostgreSQL.

-- name: transaction
-- A crash may lose the last of it, never half: the log has it all, and the follower goes on from the size it finds.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = off

-- name: commit
-- End of the transaction.
COMMIT

-- name: begin
-- Name the log, once.
INSERT INTO signalbox.ledger (origin, size) VALUES (%s, 0) ON CONFLICT DO NOTHING RETURNING size

-- name: ledger
-- Name of the log and number of its leaves.
SELECT origin, size FROM signalbox.ledger

-- name: grow
-- Move the size on; no row comes back where somebody else was there first.
UPDATE signalbox.ledger SET size = %s WHERE size = %s RETURNING size

-- name: keep_tiles
-- Tiles as they are now.
INSERT INTO signalbox.ledger_tiles SELECT * FROM unnest(%s, %s, %s) AS n (level, number, hashes)
ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes
RETURNING level

-- name: tiles
-- Tiles of one level from a number on.
SELECT number, hashes FROM signalbox.ledger_tiles WHERE level = %s AND number >= %s ORDER BY number LIMIT %s::bigint

-- name: keep_checkpoint
-- A signed checkpoint.
INSERT INTO signalbox.ledger_checkpoints VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING size

-- name: thin_checkpoints
-- Of old checkpoints keep the last of each minute. All are looked at once: after a year there are half a million.
WITH last AS (SELECT max(at) AS at FROM signalbox.ledger_checkpoints GROUP BY at / 60000000)
DELETE FROM signalbox.ledger_checkpoints c WHERE c.at < %s AND NOT EXISTS (SELECT FROM last WHERE last.at = c.at)
RETURNING size

-- name: checkpoints
-- Checkpoints of a size or more, the smallest first.
SELECT size, at, note FROM signalbox.ledger_checkpoints WHERE size >= %s ORDER BY size, at LIMIT %s::bigint

-- name: latest_checkpoint
-- The last checkpoint.
SELECT size, at, note FROM signalbox.ledger_checkpoints ORDER BY size DESC, at DESC LIMIT 1

-- name: keep_key
-- A public key and its period.
INSERT INTO signalbox.ledger_keys VALUES (%s, %s, %s) ON CONFLICT (key) DO UPDATE SET until = excluded.until
RETURNING since

-- name: keys
-- Every public key.
SELECT key, since, until FROM signalbox.ledger_keys ORDER BY since, key

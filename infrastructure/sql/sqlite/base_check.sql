-- A private file that verifies what streams had come to: folds of archived events, and what still has to be compared.

-- name: create_folds
-- What the events of a stream come to, as whoever has no keys folds them; no state where they cannot be folded.
CREATE TABLE folds (stream TEXT PRIMARY KEY, version INTEGER, position INTEGER, state BLOB) WITHOUT ROWID

-- name: create_needed
-- The least version that the state of a stream must have, and which event tells so.
CREATE TABLE needed (stream TEXT PRIMARY KEY, version INTEGER, position INTEGER) WITHOUT ROWID

-- name: create_begun
-- The streams that were met behind what is archived.
CREATE TABLE begun (stream TEXT PRIMARY KEY) WITHOUT ROWID

-- name: keep_fold
-- How far the fold of a stream has come.
INSERT INTO folds VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET version = excluded.version, position = excluded.position, state = excluded.state

-- name: fold
-- How far the fold of a stream had come.
SELECT version, position, state FROM folds WHERE stream = ?

-- name: folds
-- All of them, in the order of the streams.
SELECT stream, version, position, state FROM folds ORDER BY stream

-- name: need
-- An event of an archived range is there.
INSERT INTO needed VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET version = excluded.version, position = excluded.position
WHERE excluded.version > needed.version

-- name: begin
-- A stream was met behind what is archived; the first time it says what must be known before.
INSERT OR IGNORE INTO begun VALUES (?)

-- name: needed
-- All that have to be there, in the order of the streams.
SELECT stream, version, position FROM needed ORDER BY stream

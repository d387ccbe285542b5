-- A file that somebody looks at with any tool. {parts} are names made by infrastructure/history/standing.py.

-- name: create_about
-- What the file holds.
CREATE TABLE about (position INTEGER NOT NULL, recorded_at INTEGER)

-- name: insert_about
-- The position that everything is as of, and when that was recorded.
INSERT INTO about (position, recorded_at) VALUES (?, ?)

-- name: create_rows
-- The rows of one read model.
CREATE TABLE {table} ({columns})

-- name: insert_row
-- One row.
INSERT INTO {table} VALUES ({values})

-- name: attach
-- Another file, so that the library moves rows from there to here by itself.
ATTACH DATABASE ? AS {name}

-- name: detach
-- The end of that.
DETACH DATABASE {name}

-- name: copy_as_of
-- Rows of a table of an attached file as they were after a position, in the order in which they are found there.
INSERT INTO main.{into} SELECT {columns} FROM kept.{table} WHERE since <= ?1 AND (until IS NULL OR until > ?1)

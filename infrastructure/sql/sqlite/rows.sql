-- Rows of the read models. {parts} are names of tables and columns made by infrastructure/rows/tables.py.

-- name: create_generations
-- The registry: which filling of which projection's table is live, and how far it is.
CREATE TABLE IF NOT EXISTS generations (
    projection TEXT NOT NULL,
    generation INTEGER NOT NULL,
    table_name TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('building', 'live', 'retired')),
    checkpoint INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (projection, generation)
) STRICT

-- name: create_generations_live
-- At most one generation of a projection is asked.
CREATE UNIQUE INDEX IF NOT EXISTS generations_live ON generations (projection) WHERE state = 'live'

-- name: create_parked
-- Streams that stand still in one generation.
CREATE TABLE IF NOT EXISTS parked (
    projection TEXT NOT NULL,
    generation INTEGER NOT NULL,
    stream TEXT NOT NULL,
    position INTEGER NOT NULL,
    type TEXT NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (projection, generation, stream)
) STRICT

-- name: create_table
-- All versions of the rows of one generation.
CREATE TABLE {table} (
    since INTEGER NOT NULL,
    until INTEGER,
    {columns},
    PRIMARY KEY ({primary})
) STRICT

-- name: create_live_key
-- A key has one live row.
CREATE UNIQUE INDEX {index} ON {table} ({columns}) WHERE until IS NULL

-- name: create_live_index
-- An order or a filter of the live rows.
CREATE INDEX IF NOT EXISTS {index} ON {table} ({columns}) WHERE until IS NULL

-- name: create_past_index
-- An order in which the past is paged.
CREATE INDEX IF NOT EXISTS {index} ON {table} ({columns}, since, until)

-- name: create_span_index
-- Versions by how long they were true: infrastructure/rows/spans.py.
CREATE INDEX IF NOT EXISTS {index} ON {table} ({columns}, ({level}), since, until)

-- name: select_live_generation
-- The generation that is asked.
SELECT generation, table_name, fingerprint, state, checkpoint FROM generations WHERE projection = ? AND state = 'live'

-- name: select_generation
-- One generation as it is now.
SELECT generation, table_name, fingerprint, state, checkpoint FROM generations WHERE projection = ? AND generation = ?

-- name: insert_generation
-- The next number of a projection, also behind those of generations that were dropped.
INSERT INTO generations (projection, generation, table_name, fingerprint, state)
SELECT :projection, 1 + coalesce(max(used.generation), 0), :table_name, :fingerprint, :state
FROM (
    SELECT generation FROM generations WHERE projection = :projection
    UNION ALL SELECT generation FROM builds WHERE projection = :projection
) AS used
RETURNING generation

-- name: name_table
-- The table's name carries the number, which is known only now.
UPDATE generations SET table_name = ? WHERE projection = ? AND generation = ?

-- name: retire_live
-- Makes room for another; not where that one is behind.
UPDATE generations SET state = 'retired'
WHERE projection = :projection AND state = 'live' AND checkpoint <= (
    SELECT checkpoint FROM generations WHERE projection = :projection AND generation = :generation
)

-- name: make_live
-- Refused by the unique index while another is live.
UPDATE generations SET state = 'live' WHERE projection = ? AND generation = ? AND state = 'building'

-- name: advance
-- Compare and set: moves the checkpoint only for the one who knows where it stands and which streams stand still.
UPDATE generations SET checkpoint = :checkpoint
WHERE projection = :projection AND generation = :generation AND checkpoint = :before AND state <> 'retired'
    AND (SELECT count(*) FROM parked WHERE projection = :projection AND generation = :generation) = :parked
    AND (state <> 'live' OR :projection NOT IN (SELECT projection FROM paused))

-- name: close_versions
-- Ends the live versions of some keys.
UPDATE {table} SET until = c.position
FROM (SELECT value ->> 0 AS closed, value ->> 1 AS position FROM json_each(?)) AS c
WHERE key = c.closed AND until IS NULL

-- name: drop_rows
-- Removes the rows of some keys where only the latest is kept.
DELETE FROM {table} WHERE key IN (SELECT value FROM json_each(?))

-- name: insert_versions
-- Adds versions.
INSERT INTO {table} ({columns}) VALUES {values}

-- name: insert_parked
-- A stream that was parked before stays parked behind its first event.
INSERT INTO parked (projection, generation, stream, position, type, error) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING

-- name: select_parked
-- Streams that stand still.
SELECT stream, position, type, error FROM parked WHERE projection = ? AND generation = ? ORDER BY position

-- name: select_rows
-- The live rows of some keys.
SELECT {columns} FROM {table} WHERE until IS NULL AND key IN (SELECT value FROM json_each(?))

-- name: select_page
-- One page with the checkpoint it was read at; a single row without a key where the page is empty.
SELECT g.checkpoint, r.key, {shown}
FROM generations AS g
LEFT JOIN (SELECT {columns} FROM {table} WHERE {conditions} ORDER BY {order} LIMIT {limit}) AS r ON TRUE
WHERE g.projection = ? AND g.generation = ? AND g.state = 'live'
ORDER BY {shown_order}

-- name: first_versions
-- So many versions in an order, whenever they were true; stands in select_page as its table.
SELECT {columns} FROM {table} WHERE {conditions} ORDER BY {order} LIMIT {limit}

-- name: versions_of_level
-- Versions of one length that were true at a position; a part of what stands in select_page as its table.
SELECT {columns} FROM {table} WHERE {conditions}

-- name: select_tally
-- Numbers of rows by the value of a column, with the checkpoint they are of; one row without a number where none is.
SELECT g.checkpoint, r.value, r.total
FROM generations AS g
LEFT JOIN (SELECT {column} AS value, count(*) AS total FROM {table} WHERE {conditions} GROUP BY {column}) AS r
    ON TRUE
WHERE g.projection = ? AND g.generation = ? AND g.state = 'live'

-- name: select_history
-- Versions of one row, newest first.
SELECT {columns} FROM {table} WHERE key = ? AND since < ? ORDER BY since DESC LIMIT ?

-- name: create_builds
-- What is done with a generation beside the live one, from its request to its end.
CREATE TABLE IF NOT EXISTS builds (
    projection TEXT NOT NULL,
    generation INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    hold INTEGER NOT NULL,
    phase TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    began_at INTEGER NOT NULL,
    began_position INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    comparison TEXT NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (projection, generation)
) STRICT

-- name: create_paused
-- Projections whose live generation stands still because somebody said so.
CREATE TABLE IF NOT EXISTS paused (
    projection TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    paused_by TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT

-- name: create_skipped
-- Events that a person left out of the rows, with the reason.
CREATE TABLE IF NOT EXISTS skipped (
    projection TEXT NOT NULL,
    generation INTEGER NOT NULL,
    stream TEXT NOT NULL,
    position INTEGER NOT NULL,
    reason TEXT NOT NULL,
    skipped_by TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (projection, generation, position)
) STRICT

-- name: keep_build
-- A build as it is now.
INSERT INTO builds (
    projection, generation, purpose, hold, phase, asked_by, asked_at, began_at, began_position, changed_at, comparison,
    error
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (projection, generation) DO UPDATE SET
    purpose = excluded.purpose, hold = excluded.hold, asked_by = excluded.asked_by, asked_at = excluded.asked_at,
    phase = excluded.phase, began_at = excluded.began_at, began_position = excluded.began_position,
    changed_at = excluded.changed_at, comparison = excluded.comparison, error = excluded.error

-- name: select_builds
-- All builds, the latest last.
SELECT
    projection, generation, purpose, hold, phase, asked_by, asked_at, began_at, began_position, changed_at, comparison,
    error
FROM builds ORDER BY asked_at, generation

-- name: forget_builds
-- What became of generations before this one is not told any more.
DELETE FROM builds WHERE projection = ? AND generation < ? AND generation NOT IN (
    SELECT g.generation FROM generations AS g WHERE g.projection = builds.projection
)

-- name: select_generations
-- Every generation of a projection, oldest first.
SELECT generation, table_name, fingerprint, state, checkpoint FROM generations WHERE projection = ? ORDER BY generation

-- name: reopen
-- A retired generation is filled further.
UPDATE generations SET state = 'building'
WHERE projection = ? AND generation = ? AND table_name = ? AND state = 'retired'
RETURNING generation, table_name, fingerprint, state, checkpoint

-- name: give_up
-- A building generation is filled no further.
UPDATE generations SET state = 'retired' WHERE projection = ? AND generation = ? AND state = 'building'

-- name: forget_generation
-- A generation that is neither asked nor filled leaves the registry.
DELETE FROM generations WHERE projection = ? AND generation = ? AND state = 'retired' RETURNING table_name

-- name: drop_table
-- The rows of a generation that left the registry.
DROP TABLE IF EXISTS {table}

-- name: forget_parked
-- The streams that stood still in a generation that is gone.
DELETE FROM parked WHERE projection = ? AND generation = ?

-- name: release_parked
-- A stream goes on.
DELETE FROM parked WHERE projection = ? AND generation = ? AND stream = ?

-- name: insert_skipped
-- An event that the rows do without.
INSERT INTO skipped (projection, generation, stream, position, reason, skipped_by, at)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING

-- name: pause
-- The live generation stands still from now on.
INSERT INTO paused (projection, reason, paused_by, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING

-- name: go_on
-- The live generation follows again.
DELETE FROM paused WHERE projection = ?

-- name: select_paused
-- Projections that stand still, and why.
SELECT projection, reason FROM paused ORDER BY projection

-- name: scan_versions
-- Versions in order, with the checkpoint that they were read at; one row without a key where there are no more.
SELECT g.checkpoint, r.since, r.until, {shown}
FROM generations AS g
LEFT JOIN (
    SELECT since, until, {columns} FROM {table} WHERE ({order}) > (?, ?) ORDER BY {order} LIMIT {limit}
) AS r ON TRUE
WHERE g.projection = ? AND g.generation = ?
ORDER BY {shown_order}

-- name: mark_words
-- The marker stands in all versions of a row up to a position, where there were words.
UPDATE {table} SET {words} WHERE key = ? AND since <= ?

-- name: write_words
-- What is read in one version of a row.
UPDATE {table} SET {words} WHERE key = ? AND since = ?

-- name: empty_the_wal
-- Moves every page into the file and cuts off the write-ahead log, which holds pages as they were.
PRAGMA wal_checkpoint(TRUNCATE)

-- name: wait_for_nobody
-- The next statement fails at once where somebody else holds what it needs.
PRAGMA busy_timeout = 0

-- name: wait_again
-- The end of that.
PRAGMA busy_timeout = {milliseconds}

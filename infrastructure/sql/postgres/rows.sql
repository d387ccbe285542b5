-- Rows of the read models. {parts} are names of tables and columns made by infrastructure/rows/tables.py.

-- name: lock_registry
-- One process at a time makes tables and switches generations.
SELECT pg_advisory_xact_lock(hashtextextended('signalbox_rows', 0))

-- name: create_schema
-- Apart from the log, so that it can be dropped and rebuilt.
CREATE SCHEMA IF NOT EXISTS signalbox_rows

-- name: create_generations
-- The registry: which filling of which projection's table is live, and how far it is.
CREATE TABLE IF NOT EXISTS signalbox_rows.generations (
    projection text NOT NULL,
    generation bigint NOT NULL,
    table_name text NOT NULL,
    fingerprint text NOT NULL,
    state text NOT NULL CHECK (state IN ('building', 'live', 'retired')),
    checkpoint bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (projection, generation)
) WITH (fillfactor = 20)

-- name: create_generations_live
-- At most one generation of a projection is asked.
CREATE UNIQUE INDEX IF NOT EXISTS generations_live ON signalbox_rows.generations (projection) WHERE state = 'live'

-- name: create_parked
-- Streams that stand still in one generation.
CREATE TABLE IF NOT EXISTS signalbox_rows.parked (
    projection text NOT NULL,
    generation bigint NOT NULL,
    stream text NOT NULL,
    position bigint NOT NULL,
    type text NOT NULL,
    error text NOT NULL,
    PRIMARY KEY (projection, generation, stream)
)

-- name: create_table
-- All versions of the rows of one generation. Texts sort by their bytes, as in every other store.
CREATE TABLE {table} (
    since bigint NOT NULL,
    until bigint,
    {columns},
    PRIMARY KEY ({primary})
)

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
SELECT generation, table_name, fingerprint, state, checkpoint
FROM signalbox_rows.generations WHERE projection = %s AND state = 'live'

-- name: select_generation
-- One generation as it is now.
SELECT generation, table_name, fingerprint, state, checkpoint
FROM signalbox_rows.generations WHERE projection = %s AND generation = %s

-- name: insert_generation
-- The next number of a projection, also behind those of generations that were dropped.
INSERT INTO signalbox_rows.generations (projection, generation, table_name, fingerprint, state)
SELECT %(projection)s, 1 + coalesce(max(used.generation), 0), %(table_name)s, %(fingerprint)s, %(state)s
FROM (
    SELECT generation FROM signalbox_rows.generations WHERE projection = %(projection)s
    UNION ALL SELECT generation FROM signalbox_rows.builds WHERE projection = %(projection)s
) AS used
RETURNING generation

-- name: name_table
-- The table's name carries the number, which is known only now.
UPDATE signalbox_rows.generations SET table_name = %s WHERE projection = %s AND generation = %s

-- name: lock_generations
-- The checkpoints stand still while a switch compares them.
SELECT generation FROM signalbox_rows.generations WHERE projection = %s FOR UPDATE

-- name: retire_live
-- Makes room for another; not where that one is behind.
UPDATE signalbox_rows.generations SET state = 'retired'
WHERE projection = %(projection)s AND state = 'live' AND checkpoint <= (
    SELECT checkpoint FROM signalbox_rows.generations
    WHERE projection = %(projection)s AND generation = %(generation)s
)

-- name: make_live
-- Refused by the unique index while another is live.
UPDATE signalbox_rows.generations SET state = 'live'
WHERE projection = %s AND generation = %s AND state = 'building'

-- name: advance
-- Compare and set: moves the checkpoint only for the one who knows where it stands and which streams stand still.
UPDATE signalbox_rows.generations SET checkpoint = %(checkpoint)s
WHERE projection = %(projection)s AND generation = %(generation)s AND checkpoint = %(before)s AND state <> 'retired'
    AND (
        SELECT count(*) FROM signalbox_rows.parked
        WHERE projection = %(projection)s AND generation = %(generation)s
    ) = %(parked)s
    AND (state <> 'live' OR %(projection)s NOT IN (SELECT projection FROM signalbox_rows.paused))

-- name: close_versions
-- Ends the live versions of some keys.
UPDATE {table} AS t SET until = c.until
FROM unnest(%s::text[], %s::bigint[]) AS c (key, until) WHERE t.key = c.key AND t.until IS NULL

-- name: drop_rows
-- Removes the rows of some keys where only the latest is kept.
DELETE FROM {table} WHERE key = ANY(%s)

-- name: copy_versions
-- Adds versions in bulk.
COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)

-- name: insert_parked
-- A stream that was parked before stays parked behind its first event.
INSERT INTO signalbox_rows.parked (projection, generation, stream, position, type, error)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING

-- name: select_parked
-- Streams that stand still.
SELECT stream, position, type, error FROM signalbox_rows.parked
WHERE projection = %s AND generation = %s ORDER BY position

-- name: select_rows
-- The live rows of some keys.
SELECT {columns} FROM {table} WHERE until IS NULL AND key = ANY(%s)

-- name: select_page
-- One page with the checkpoint it was read at; a single row without a key where the page is empty.
SELECT g.checkpoint, r.key, {shown}
FROM signalbox_rows.generations AS g
LEFT JOIN (SELECT {columns} FROM {table} WHERE {conditions} ORDER BY {order} LIMIT {limit}) AS r ON TRUE
WHERE g.projection = %s AND g.generation = %s AND g.state = 'live'
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
FROM signalbox_rows.generations AS g
LEFT JOIN (SELECT {column} AS value, count(*) AS total FROM {table} WHERE {conditions} GROUP BY {column}) AS r
    ON TRUE
WHERE g.projection = %s AND g.generation = %s AND g.state = 'live'

-- name: select_history
-- Versions of one row, newest first.
SELECT {columns} FROM {table} WHERE key = %s AND since < %s ORDER BY since DESC LIMIT %s

-- name: create_builds
-- What is done with a generation beside the live one, from its request to its end.
CREATE TABLE IF NOT EXISTS signalbox_rows.builds (
    projection text NOT NULL,
    generation bigint NOT NULL,
    purpose text NOT NULL,
    hold boolean NOT NULL,
    phase text NOT NULL,
    asked_by text NOT NULL,
    asked_at bigint NOT NULL,
    began_at bigint NOT NULL,
    began_position bigint NOT NULL,
    changed_at bigint NOT NULL,
    comparison text NOT NULL,
    error text NOT NULL,
    PRIMARY KEY (projection, generation)
)

-- name: create_paused
-- Projections whose live generation stands still because somebody said so.
CREATE TABLE IF NOT EXISTS signalbox_rows.paused (
    projection text PRIMARY KEY,
    reason text NOT NULL,
    paused_by text NOT NULL,
    at bigint NOT NULL
)

-- name: create_skipped
-- Events that a person left out of the rows, with the reason.
CREATE TABLE IF NOT EXISTS signalbox_rows.skipped (
    projection text NOT NULL,
    generation bigint NOT NULL,
    stream text NOT NULL,
    position bigint NOT NULL,
    reason text NOT NULL,
    skipped_by text NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (projection, generation, position)
)

-- name: keep_build
-- A build as it is now.
INSERT INTO signalbox_rows.builds (
    projection, generation, purpose, hold, phase, asked_by, asked_at, began_at, began_position, changed_at, comparison,
    error
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (projection, generation) DO UPDATE SET
    purpose = excluded.purpose, hold = excluded.hold, asked_by = excluded.asked_by, asked_at = excluded.asked_at,
    phase = excluded.phase, began_at = excluded.began_at, began_position = excluded.began_position,
    changed_at = excluded.changed_at, comparison = excluded.comparison, error = excluded.error

-- name: select_builds
-- All builds, the latest last.
SELECT
    projection, generation, purpose, hold, phase, asked_by, asked_at, began_at, began_position, changed_at, comparison,
    error
FROM signalbox_rows.builds ORDER BY asked_at, generation

-- name: forget_builds
-- What became of generations before this one is not told any more.
DELETE FROM signalbox_rows.builds WHERE projection = %s AND generation < %s AND generation NOT IN (
    SELECT g.generation FROM signalbox_rows.generations AS g WHERE g.projection = signalbox_rows.builds.projection
)

-- name: select_generations
-- Every generation of a projection, oldest first.
SELECT generation, table_name, fingerprint, state, checkpoint
FROM signalbox_rows.generations WHERE projection = %s ORDER BY generation

-- name: reopen
-- A retired generation is filled further.
UPDATE signalbox_rows.generations SET state = 'building'
WHERE projection = %s AND generation = %s AND table_name = %s AND state = 'retired'
RETURNING generation, table_name, fingerprint, state, checkpoint

-- name: give_up
-- A building generation is filled no further.
UPDATE signalbox_rows.generations SET state = 'retired' WHERE projection = %s AND generation = %s AND state = 'building'

-- name: forget_generation
-- A generation that is neither asked nor filled leaves the registry.
DELETE FROM signalbox_rows.generations
WHERE projection = %s AND generation = %s AND state = 'retired'
RETURNING table_name

-- name: drop_table
-- The rows of a generation that left the registry.
DROP TABLE IF EXISTS {table}

-- name: forget_parked
-- The streams that stood still in a generation that is gone.
DELETE FROM signalbox_rows.parked WHERE projection = %s AND generation = %s

-- name: release_parked
-- A stream goes on.
DELETE FROM signalbox_rows.parked WHERE projection = %s AND generation = %s AND stream = %s

-- name: insert_skipped
-- An event that the rows do without.
INSERT INTO signalbox_rows.skipped (projection, generation, stream, position, reason, skipped_by, at)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING

-- name: pause
-- The live generation stands still from now on.
INSERT INTO signalbox_rows.paused (projection, reason, paused_by, at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING

-- name: go_on
-- The live generation follows again.
DELETE FROM signalbox_rows.paused WHERE projection = %s

-- name: select_paused
-- Projections that stand still, and why.
SELECT projection, reason FROM signalbox_rows.paused ORDER BY projection

-- name: scan_versions
-- Versions in order, with the checkpoint that they were read at; one row without a key where there are no more.
SELECT g.checkpoint, r.since, r.until, {shown}
FROM signalbox_rows.generations AS g
LEFT JOIN (
    SELECT since, until, {columns} FROM {table} WHERE ({order}) > (%s, %s) ORDER BY {order} LIMIT {limit}
) AS r ON TRUE
WHERE g.projection = %s AND g.generation = %s
ORDER BY {shown_order}

-- name: mark_words
-- The marker stands in all versions of a row up to a position, where there were words.
UPDATE {table} SET {words} WHERE key = %s AND since <= %s

-- name: write_words
-- What is read in one version of a row.
UPDATE {table} SET {words} WHERE key = %s AND since = %s

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

-- name: select_live_generation
-- The generation that is asked.
SELECT generation, table_name, fingerprint, state, checkpoint
FROM signalbox_rows.generations WHERE projection = %s AND state = 'live'

-- name: select_generation
-- One generation as it is now.
SELECT generation, table_name, fingerprint, state, checkpoint
FROM signalbox_rows.generations WHERE projection = %s AND generation = %s

-- name: insert_generation
-- The next number of a projection.
INSERT INTO signalbox_rows.generations (projection, generation, table_name, fingerprint, state)
SELECT %(projection)s, 1 + coalesce(max(generation), 0), %(table_name)s, %(fingerprint)s, %(state)s
FROM signalbox_rows.generations WHERE projection = %(projection)s
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
-- Compare and set: moves the checkpoint only for the one who knows where it stands.
UPDATE signalbox_rows.generations SET checkpoint = %s
WHERE projection = %s AND generation = %s AND checkpoint = %s AND state <> 'retired'

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

-- Named queries of the migration runner.

-- name: lock
-- One node migrates at a time; the others wait and then find nothing to do.
SELECT pg_advisory_xact_lock(1936287841, 0)

-- name: prepare
-- The schema and its register of migrations.
CREATE SCHEMA IF NOT EXISTS signalbox;
CREATE TABLE IF NOT EXISTS signalbox.migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    digest text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)

-- name: applied
-- What was applied before.
SELECT number, digest FROM signalbox.migrations

-- name: record
-- Remember a migration.
INSERT INTO signalbox.migrations (number, name, digest) VALUES (%s, %s, %s)

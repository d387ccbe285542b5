-- Named queries of DuckDB: events in columns, for Parquet files.

-- name: create
-- Events as they are in the log.
CREATE TABLE events (
    "position" BIGINT, stream VARCHAR, stream_version BIGINT, "type" VARCHAR, schema_version BIGINT, state BLOB,
    recorded_at BIGINT, project VARCHAR, actor VARCHAR, command_id VARCHAR, correlation_id VARCHAR,
    causation_id VARCHAR, traceparent VARCHAR, redacted BOOLEAN
);

-- name: insert
-- Many events, column by column.
INSERT INTO events SELECT
    unnest($1::BIGINT[]), unnest($2::VARCHAR[]), unnest($3::BIGINT[]), unnest($4::VARCHAR[]), unnest($5::BIGINT[]),
    unnest($6::BLOB[]), unnest($7::BIGINT[]), unnest($8::VARCHAR[]), unnest($9::VARCHAR[]), unnest($10::VARCHAR[]),
    unnest($11::VARCHAR[]), unnest($12::VARCHAR[]), unnest($13::VARCHAR[]), unnest($14::BOOLEAN[]);

-- name: write
-- All events into a file, in order.
COPY (SELECT * FROM events ORDER BY "position") TO $1 (FORMAT parquet, COMPRESSION zstd);

-- name: empty
-- Begin anew.
DELETE FROM events;

-- name: read
-- The events of a file, as they stand in it.
SELECT "position", stream, stream_version, "type", schema_version, state, recorded_at, project, actor, command_id,
    correlation_id, causation_id, traceparent, redacted
FROM read_parquet($1, file_row_number = false);

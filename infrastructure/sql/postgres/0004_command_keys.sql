-- A command id belongs to whoever chose it: another principal, or another project, may use the same.
-- The key still starts with the id: its index grows at one end, because ids rise with time.

ALTER TABLE signalbox.commands
    DROP CONSTRAINT commands_pkey,
    ALTER COLUMN project TYPE text COLLATE "C",
    ALTER COLUMN principal TYPE text COLLATE "C",
    ADD PRIMARY KEY (command_id, project, principal);

-- Appends one group: checks as sets that nothing the group relied on has moved, then writes all of it. Where anything is
-- off it writes nothing and answers ok = false; the caller then walks the members one by one under the same lock.
--
-- read_*     streams with the versions that the group begins at
-- key_*      unique names that must be absent; those with a stream are inserted
-- lease_*    lease rows as they are afterwards (decided under the lock, rows locked; ends: 1 or 0)
-- member_*   one entry per command; receipt_offsets counts the events through that command, null where no receipt is left
-- event_*    new events in order; event_members points (from 1) to the command
-- at         instant to record, null for the clock's
CREATE OR REPLACE FUNCTION signalbox.append(
    read_streams text[], read_versions bigint[],
    key_scopes text[], key_kinds text[], key_names text[], key_streams text[],
    lease_sessions text[], lease_incarnations bigint[], lease_ttls bigint[], lease_renewals bigint[], lease_ends bigint[],
    member_ids text[], member_projects text[], member_principals text[], member_times bigint[],
    member_correlations text[], member_causations text[], member_traceparents text[],
    receipt_offsets bigint[], receipt_digests bytea[], receipt_bodies bytea[], receipt_outcomes bytea[], receipt_reads bytea[],
    event_members bigint[], event_streams text[], event_versions bigint[], event_types text[], event_schemas bigint[],
    event_states bytea[], event_projects text[],
    at bigint,
    OUT ok boolean, OUT head_before bigint, OUT recorded bigint
)
LANGUAGE plpgsql VOLATILE
-- Plans are cached from a time when the tables may have been empty; every look-up here goes by a key.
SET enable_seqscan = off
AS $$
DECLARE
    written bigint := cardinality(event_members);
BEGIN
    PERFORM signalbox.lock_log();

    SELECT NOT EXISTS (
            SELECT FROM unnest(member_ids, member_projects, member_principals) AS m (id, project, principal)
            JOIN signalbox.commands c ON c.command_id = m.id AND c.project = m.project AND c.principal = m.principal)
       AND NOT EXISTS (
            SELECT FROM unnest(read_streams, read_versions) AS r (stream, version)
            LEFT JOIN LATERAL (
                SELECT e.stream_version FROM signalbox.events e
                WHERE e.stream = r.stream ORDER BY e.stream_version DESC LIMIT 1
            ) AS h ON true
            WHERE r.version <> coalesce(h.stream_version, 0))
       AND NOT EXISTS (
            SELECT FROM unnest(key_scopes, key_kinds, key_names) AS n (scope, kind, name)
            JOIN signalbox.keys k ON k.scope = n.scope AND k.kind = n.kind AND k.name = n.name)
    INTO ok;
    IF NOT ok THEN
        RETURN;
    END IF;

    SELECT h.position, greatest(h.recorded_at, coalesce(at, signalbox.clock()))
    INTO STRICT head_before, recorded FROM signalbox.head h;

    IF written > 0 THEN
        INSERT INTO signalbox.events
        SELECT head_before + e.place, e.stream, e.version, e.type, e.schema, e.state, recorded, e.project,
               m.principal, m.id, m.correlation, m.causation, m.traceparent
        FROM unnest(event_members, event_streams, event_versions, event_types, event_schemas, event_states, event_projects)
             WITH ORDINALITY AS e (member, stream, version, type, schema, state, project, place)
        JOIN unnest(member_ids, member_principals, member_correlations, member_causations, member_traceparents)
             WITH ORDINALITY AS m (id, principal, correlation, causation, traceparent, place) ON m.place = e.member;
        UPDATE signalbox.head SET position = head_before + written, recorded_at = recorded;
        PERFORM pg_notify('signalbox_log', (head_before + written)::text);
    END IF;

    INSERT INTO signalbox.commands
    SELECT m.id, m.project, m.principal, m.digest, m.body, m.outcome, m.time, m.reads, head_before + m.through
    FROM unnest(member_ids, member_projects, member_principals, member_times, receipt_offsets,
                receipt_digests, receipt_bodies, receipt_outcomes, receipt_reads)
         AS m (id, project, principal, time, through, digest, body, outcome, reads)
    WHERE m.through IS NOT NULL;

    IF cardinality(key_scopes) > 0 THEN
        INSERT INTO signalbox.keys
        SELECT * FROM unnest(key_scopes, key_kinds, key_names, key_streams) AS n (scope, kind, name, stream)
        WHERE n.stream IS NOT NULL;
    END IF;

    IF cardinality(lease_sessions) > 0 THEN
        -- Not blind: the rows were read and locked by this transaction, and these are their next contents.
        INSERT INTO signalbox.leases AS l
        SELECT w.session, w.incarnation, w.ttl, w.renewed_at, w.ended <> 0
        FROM unnest(lease_sessions, lease_incarnations, lease_ttls, lease_renewals, lease_ends)
             AS w (session, incarnation, ttl, renewed_at, ended)
        ON CONFLICT (session, incarnation) DO UPDATE
        SET ttl_seconds = excluded.ttl_seconds, renewed_at = excluded.renewed_at, ended = excluded.ended;
    END IF;
END
$$;

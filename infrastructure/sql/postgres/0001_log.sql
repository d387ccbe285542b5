-- The log: events and their head, receipts of commands, unique names, snapshots, leases, duties and the marks of the store.
-- Instants are microseconds since 1970-01-01T00:00:00Z.

CREATE TABLE signalbox.events (
    position bigint PRIMARY KEY,
    stream text COLLATE "C" NOT NULL,
    stream_version bigint NOT NULL,
    type text NOT NULL,
    schema_version integer NOT NULL,
    state bytea NOT NULL,
    recorded_at bigint NOT NULL,
    project text,
    actor text,
    command_id text,
    correlation_id text,
    causation_id text,
    traceparent text,
    UNIQUE (stream, stream_version)
);

-- One row; the pages keep room so that its update never touches an index.
CREATE TABLE signalbox.head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL,
    recorded_at bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO signalbox.head (position, recorded_at) VALUES (0, 0);

-- The key starts (and ends) with the command id: its index grows at one end, because ids rise with time.
CREATE TABLE signalbox.commands (
    command_id text COLLATE "C" PRIMARY KEY,
    project text NOT NULL,
    principal text NOT NULL,
    digest bytea NOT NULL,
    body bytea NOT NULL,
    outcome bytea NOT NULL,
    time bigint NOT NULL,
    reads bytea NOT NULL,
    position bigint NOT NULL
);

CREATE TABLE signalbox.keys (
    scope text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    stream text NOT NULL,
    PRIMARY KEY (scope, kind, name)
);

CREATE TABLE signalbox.snapshots (
    stream text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    kind text NOT NULL,
    state bytea NOT NULL
);

-- Renewals are many and change no indexed column.
CREATE TABLE signalbox.leases (
    session text COLLATE "C" NOT NULL,
    incarnation bigint NOT NULL,
    ttl_seconds bigint NOT NULL,
    renewed_at bigint NOT NULL,
    ended boolean NOT NULL DEFAULT false,
    PRIMARY KEY (session, incarnation)
) WITH (fillfactor = 50);

CREATE TABLE signalbox.duties (
    duty text COLLATE "C" PRIMARY KEY,
    node text NOT NULL,
    held_until bigint NOT NULL
);

CREATE TABLE signalbox.marks (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    era bigint NOT NULL,
    alive_through bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO signalbox.marks (era, alive_through) VALUES (1, 0);

CREATE FUNCTION signalbox.clock() RETURNS bigint
LANGUAGE sql VOLATILE
AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint $$;

-- Every writer of the log takes this lock first and holds it to the end of its transaction, so the order of positions
-- is the order of commits, and a statement that begins under it sees everything that was appended before.
CREATE FUNCTION signalbox.lock_log() RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the log is written at READ COMMITTED, not %', current_setting('transaction_isolation')
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM pg_advisory_xact_lock(1936287841, 1);
END
$$;

-- Appends one group: checks as sets that nothing the group relied on has moved, then writes all of it. Where anything is
-- off it writes nothing and answers ok = false; the caller then walks the members one by one under the same lock.
--
-- read_*     streams with the versions that the group begins at
-- key_*      unique names that must be absent; those with a stream are inserted
-- lease_*    lease rows as they are afterwards (decided under the lock, rows locked; ends: 1 or 0)
-- member_*   one entry per command; receipt_offsets counts the events through that command, null where no receipt is left
-- event_*    new events in order; event_members points (from 1) to the command
-- at         instant to record, null for the clock's
CREATE FUNCTION signalbox.append(
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

    SELECT NOT EXISTS (SELECT FROM signalbox.commands c WHERE c.command_id = ANY (member_ids))
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

-- Locks lease rows in id order, so that renewals and appends never wait for each other in a circle.
CREATE FUNCTION signalbox.lock_leases(sessions text[], incarnations bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off
AS $$
BEGIN
    PERFORM FROM signalbox.leases l
    WHERE (l.session, l.incarnation) IN (SELECT * FROM unnest(sessions, incarnations))
    ORDER BY l.session, l.incarnation
    FOR UPDATE OF l;
END
$$;

-- Renews the rows that are not ended with a stamp that always rises, also where the clock was put back.
-- at: instant to stamp, null for the clock's (read after the rows are locked).
CREATE FUNCTION signalbox.renew(sessions text[], incarnations bigint[], at bigint)
RETURNS TABLE (session text, incarnation bigint, renewed_at bigint)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    stamp bigint;
BEGIN
    PERFORM signalbox.lock_leases(sessions, incarnations);
    stamp := coalesce(at, signalbox.clock());
    RETURN QUERY
        UPDATE signalbox.leases l SET renewed_at = greatest(stamp, l.renewed_at + 1)
        WHERE NOT l.ended AND (l.session, l.incarnation) IN (SELECT * FROM unnest(sessions, incarnations))
        RETURNING l.session, l.incarnation, l.renewed_at;
END
$$;

-- What the recorders of the plain library keep beside the events.
CREATE TABLE signalbox.library_snapshots (
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (stream, version)
);

CREATE TABLE signalbox.library_tracking (
    application text COLLATE "C" PRIMARY KEY,
    notification_id bigint NOT NULL
);

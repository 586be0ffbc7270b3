-- Times are microseconds since 1970 UTC; ids of streams and runs are the 16 bytes of a UUID, hashes the 32 bytes of a
-- SHA-256. Texts compare by their bytes, so that order and case do not depend on the server's locale.
--
-- A snapshot that somebody holds open (a backup, a hung client) keeps every version of every row. So nothing that an
-- append or a claim looks up is updated in place: it is inserted under a growing number, and found as the newest one
-- by one step into an index, however many dead versions lie behind it.
--
-- The same snapshot makes tables look nearly empty to the planner that are full of dead rows, and it then may join or
-- choose an index as if reading all of them cost nothing. So what an append asks leaves no choice: one row by its whole
-- key or the newest of a key, one table at a time, and one index that could serve.

CREATE SCHEMA morningai;

-- One row an event, never changed. Who appends proves by the primary key that nobody else took the number.
CREATE TABLE morningai.event (
    tenant  text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    seq     bigint NOT NULL CHECK (seq > 0),
    stream  bytea  NOT NULL, -- 'r' (run) or 'a' (approval), then the id
    version bigint NOT NULL,
    at      bigint NOT NULL,
    actor   text COLLATE "C" NOT NULL,
    prev    bytea  NOT NULL, -- SHA-256 of the row before; empty in the first
    hash    bytea  NOT NULL, -- SHA-256 of this row
    body    text COLLATE "C" NOT NULL, -- JSON, byte for byte as hashed
    PRIMARY KEY (tenant, seq),
    UNIQUE (stream, version, tenant) -- not by tenant first: what is asked by number must not find this one
);

-- Where the log was seen to end, written a second later: shows a log that was cut since.
CREATE TABLE morningai.head (
    tenant text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    seq    bigint NOT NULL,
    hash   bytea  NOT NULL,
    PRIMARY KEY (tenant)
);

-- What the events add up to, as JSON; can be rebuilt from them. The newest version of a key counts.
CREATE TABLE morningai.projection (
    tenant  text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    kind    text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    version bigint  NOT NULL,
    is_open boolean NOT NULL,
    sort    bigint  NOT NULL,
    body    text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, kind, id, version)
);

-- What lists are made from: one row a key, changed only when its state or its time changes.
CREATE TABLE morningai.listing (
    tenant  text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    kind    text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    is_open boolean NOT NULL,
    sort    bigint  NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);
CREATE INDEX listing_by_state ON morningai.listing (tenant, kind, is_open, sort, id);
CREATE INDEX listing_by_time ON morningai.listing (tenant, kind, sort, id);

-- Bytes under their SHA-256.
CREATE TABLE morningai.blob (
    tenant  text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    hash    bytea NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (tenant, hash)
);

-- Who may work on a run: the newest version counts, and stays, so that a token is never given twice.
CREATE TABLE morningai.lease (
    tenant  text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    run     bytea  NOT NULL,
    version bigint NOT NULL,
    owner   text COLLATE "C" NOT NULL, -- empty when given back
    token   bigint NOT NULL,
    until   bigint NOT NULL,
    PRIMARY KEY (tenant, run, version)
);

-- Every table shows only rows of the tenant that the transaction has named, to its owner too; none when none is named.
DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['event', 'head', 'projection', 'listing', 'blob', 'lease'] LOOP
        EXECUTE format('ALTER TABLE morningai.%I ENABLE ROW LEVEL SECURITY', each);
        EXECUTE format('ALTER TABLE morningai.%I FORCE ROW LEVEL SECURITY', each);
        EXECUTE format('CREATE POLICY of_tenant ON morningai.%I
            USING (tenant = nullif(current_setting(''morningai.tenant'', true), ''''))', each);
    END LOOP;
END $$;

-- Appends after the event known to be the last, or raises MA001 (the log has moved on) or MA002 (a lease is lost; the
-- detail lists the runs in hex), and nothing of it happens. A call is one transaction and one round trip.
CREATE FUNCTION morningai.append(
    for_tenant text, known_seq bigint, known_hash bytea,
    streams bytea[], versions bigint[], times bigint[], actors text[], hashes bytea[], bodies text[],
    kinds text[], ids text[], open_states boolean[], sorts bigint[], row_bodies text[],
    fenced_runs bytea[], fence_tokens bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    lost text;
BEGIN
    PERFORM set_config('morningai.tenant', for_tenant, true);

    -- First of all, for two that follow the same event meet here: the later one waits until the earlier one has ended,
    -- and is then refused by the key, or goes on. A call repeated after a lost connection meets itself the same way.
    INSERT INTO morningai.event (tenant, seq, stream, version, at, actor, prev, hash, body)
    SELECT for_tenant, known_seq + new.place, new.stream, new.version, new.at, new.actor, new.prev, new.hash, new.body
    FROM unnest(streams, versions, times, actors,
            (array_prepend(known_hash, hashes))[1:cardinality(hashes)], hashes, bodies)
        WITH ORDINALITY AS new (stream, version, at, actor, prev, hash, body, place);

    IF (known_seq > 0 AND NOT EXISTS (
            SELECT FROM morningai.event AS last
            WHERE last.tenant = for_tenant AND last.seq = known_seq AND last.hash = known_hash))
        OR (cardinality(streams) = 0 AND EXISTS (
            SELECT FROM morningai.event AS next WHERE next.tenant = for_tenant AND next.seq = known_seq + 1))
    THEN
        RAISE EXCEPTION 'the log has moved on' USING ERRCODE = 'MA001';
    END IF;

    -- No lock is taken on the lease. Should it be lost between here and the commit, then these events come before
    -- anything its new holder can append, who has to read them first.
    IF cardinality(fenced_runs) > 0 THEN
        SELECT string_agg(encode(fence.run, 'hex'), ',') INTO lost
        FROM unnest(fenced_runs, fence_tokens) AS fence (run, token)
        WHERE coalesce((
            SELECT lease.token = fence.token AND lease.owner <> '' FROM morningai.lease
            WHERE lease.tenant = for_tenant AND lease.run = fence.run
            ORDER BY lease.version DESC LIMIT 1), false) IS FALSE;
        IF lost IS NOT NULL THEN
            RAISE EXCEPTION 'a lease is lost' USING ERRCODE = 'MA002', DETAIL = lost;
        END IF;
    END IF;

    IF cardinality(ids) > 0 THEN
        PERFORM morningai.put_rows(for_tenant, kinds, ids, open_states, sorts, row_bodies);
    END IF;
END $$;

-- Writes projection rows, each replacing the one of its key.
CREATE FUNCTION morningai.put_rows(
    for_tenant text, kinds text[], ids text[], open_states boolean[], sorts bigint[], bodies text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known morningai.projection;
    at int;
BEGIN
    FOR at IN 1 .. cardinality(ids) LOOP
        SELECT * INTO known FROM morningai.projection AS old
        WHERE old.tenant = for_tenant AND old.kind = kinds[at] AND old.id = ids[at]
        ORDER BY old.version DESC LIMIT 1;
        INSERT INTO morningai.projection (tenant, kind, id, version, is_open, sort, body) VALUES
            (for_tenant, kinds[at], ids[at], coalesce(known.version, 0) + 1, open_states[at], sorts[at], bodies[at]);
        IF known.version IS NOT NULL THEN
            DELETE FROM morningai.projection AS old
            WHERE old.tenant = for_tenant AND old.kind = kinds[at] AND old.id = ids[at] AND old.version = known.version;
        END IF;
        IF (known.is_open, known.sort) IS DISTINCT FROM (open_states[at], sorts[at]) THEN
            INSERT INTO morningai.listing (tenant, kind, id, is_open, sort) VALUES
                (for_tenant, kinds[at], ids[at], open_states[at], sorts[at])
            ON CONFLICT (tenant, kind, id) DO UPDATE SET is_open = excluded.is_open, sort = excluded.sort;
        END IF;
    END LOOP;
END $$;

-- Takes or renews a lease: its token, or NULL while another's lasts or when another was faster.
-- Durations are in microseconds. Time is this server's: a lease that would last longer than any can is from before its
-- clock was set.
CREATE FUNCTION morningai.claim(for_tenant text, for_run bytea, for_owner text, lasting bigint, longest bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    now bigint := extract(epoch FROM clock_timestamp()) * 1000000;
    last morningai.lease;
    next morningai.lease;
BEGIN
    PERFORM set_config('morningai.tenant', for_tenant, true);
    -- Not waiting for the disk: an append that shows the lease waits, and all before it is on disk then too. A lease
    -- that a crash of the server loses has led to nothing, and its token, being the time, is not given again.
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO last FROM morningai.lease
    WHERE lease.tenant = for_tenant AND lease.run = for_run ORDER BY lease.version DESC LIMIT 1;
    next := (for_tenant, for_run, coalesce(last.version, 0) + 1, for_owner,
        greatest(coalesce(last.token, 0) + 1, now), now + least(lasting, longest));
    IF last.owner = for_owner THEN
        next.token := last.token;
    ELSIF last.owner <> '' AND last.until BETWEEN now + 1 AND now + longest THEN
        RETURN NULL;
    END IF;
    INSERT INTO morningai.lease VALUES (next.*) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM morningai.forget_leases(next);
    RETURN next.token;
END $$;

-- Gives a lease back, if it is still held under this token.
CREATE FUNCTION morningai.release(for_tenant text, for_run bytea, for_owner text, for_token bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    last morningai.lease;
BEGIN
    PERFORM set_config('morningai.tenant', for_tenant, true);
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO last FROM morningai.lease
    WHERE lease.tenant = for_tenant AND lease.run = for_run ORDER BY lease.version DESC LIMIT 1;
    IF last.owner = for_owner AND last.token = for_token THEN
        last.version := last.version + 1;
        last.owner := '';
        last.until := 0;
        INSERT INTO morningai.lease VALUES (last.*) ON CONFLICT DO NOTHING;
        PERFORM morningai.forget_leases(last);
    END IF;
END $$;

-- Removes what came before a lease, sixteen versions at a time: nothing looks there again.
CREATE FUNCTION morningai.forget_leases(newest morningai.lease) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF newest.version % 16 = 0 THEN
        DELETE FROM morningai.lease AS old
        WHERE old.tenant = newest.tenant AND old.run = newest.run
            AND old.version >= newest.version - 16 AND old.version < newest.version;
    END IF;
END $$;

-- Events as the lines whose SHA-256, line feed included, the next row carries; for auditors. Whoever calls it names
-- the tenant with the setting `morningai.tenant`.
CREATE FUNCTION morningai.event_line(after bigint DEFAULT 0)
RETURNS TABLE (seq bigint, kind text, line text) LANGUAGE sql STABLE AS $$
    SELECT event.seq, event.body::json ->> 'type',
        '["' || encode(event.prev, 'hex') || '",' || to_json(event.tenant::text) || ',' || event.seq || ',"'
        || CASE substr(event.stream, 1, 1) WHEN '\x72' THEN 'run:' WHEN '\x75' THEN 'account:' ELSE 'approval:' END
        || encode(substr(event.stream, 2), 'hex')::uuid || '",' || event.version || ',' || event.at || ','
        || to_json(event.actor::text) || ',' || event.body || ']'
    FROM morningai.event WHERE event.seq > after ORDER BY event.seq
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA morningai FROM PUBLIC;

-- What rows are found by besides: the state as the row's JSON names it, the stream that it is a part of, and when time
-- alone asks for something. NULL in rows that an earlier version wrote; in lists until the program has read them, for in
-- an encrypted log SQL cannot.
ALTER TABLE morningai.projection
    ADD COLUMN state text COLLATE "C", ADD COLUMN parent bytea, ADD COLUMN due bigint;
ALTER TABLE morningai.listing
    ADD COLUMN state text COLLATE "C", ADD COLUMN parent bytea, ADD COLUMN due bigint;
CREATE INDEX listing_in_state ON morningai.listing (tenant, kind, state, sort, id);
CREATE INDEX listing_by_parent ON morningai.listing (tenant, kind, parent, sort, id) WHERE parent IS NOT NULL;
CREATE INDEX listing_by_due ON morningai.listing (tenant, kind, due) WHERE due IS NOT NULL;
CREATE INDEX listing_incomplete ON morningai.listing (tenant) WHERE state IS NULL;

-- As before, with these columns. An earlier version that is still at work finds its functions gone, and saves nothing.
DROP FUNCTION morningai.put_rows(text, text[], text[], boolean[], bigint[], text[]);
CREATE FUNCTION morningai.put_rows(
    for_tenant text, kinds text[], ids text[], open_states boolean[], sorts bigint[],
    states text[], parents bytea[], dues bigint[], bodies text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known morningai.projection;
    at int;
BEGIN
    FOR at IN 1 .. cardinality(ids) LOOP
        SELECT * INTO known FROM morningai.projection AS old
        WHERE old.tenant = for_tenant AND old.kind = kinds[at] AND old.id = ids[at]
        ORDER BY old.version DESC LIMIT 1;
        INSERT INTO morningai.projection (tenant, kind, id, version, is_open, sort, state, parent, due, body) VALUES
            (for_tenant, kinds[at], ids[at], coalesce(known.version, 0) + 1, open_states[at], sorts[at],
                states[at], parents[at], dues[at], bodies[at]);
        IF known.version IS NOT NULL THEN
            DELETE FROM morningai.projection AS old
            WHERE old.tenant = for_tenant AND old.kind = kinds[at] AND old.id = ids[at] AND old.version = known.version;
        END IF;
        IF (known.is_open, known.sort, known.state, known.parent, known.due)
            IS DISTINCT FROM (open_states[at], sorts[at], states[at], parents[at], dues[at])
        THEN
            INSERT INTO morningai.listing (tenant, kind, id, is_open, sort, state, parent, due) VALUES
                (for_tenant, kinds[at], ids[at], open_states[at], sorts[at], states[at], parents[at], dues[at])
            ON CONFLICT (tenant, kind, id) DO UPDATE SET is_open = excluded.is_open, sort = excluded.sort,
                state = excluded.state, parent = excluded.parent, due = excluded.due;
        END IF;
    END LOOP;
END $$;

-- Requests that were carried out, so that one that arrives again is answered and does nothing: kept for a day.
CREATE TABLE morningai.answer (
    tenant text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    key    bytea  NOT NULL, -- SHA-256 of the sender and the request's id
    asked  bytea  NOT NULL, -- SHA-256 of the id and what was asked
    first  bigint NOT NULL, -- the first of the events that came of it, and how many
    events bigint NOT NULL,
    at     bigint NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX answer_by_time ON morningai.answer (tenant, at);
ALTER TABLE morningai.answer ENABLE ROW LEVEL SECURITY;
ALTER TABLE morningai.answer FORCE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON morningai.answer
    USING (tenant = nullif(current_setting('morningai.tenant', true), ''));

DROP FUNCTION morningai.append(
    text, bigint, bytea, bytea[], bigint[], bigint[], text[], bytea[], text[],
    text[], text[], boolean[], bigint[], text[], bytea[], bigint[]);
CREATE FUNCTION morningai.append(
    for_tenant text, known_seq bigint, known_hash bytea,
    streams bytea[], versions bigint[], times bigint[], actors text[], hashes bytea[], bodies text[],
    kinds text[], ids text[], open_states boolean[], sorts bigint[],
    states text[], parents bytea[], dues bigint[], row_bodies text[],
    fenced_runs bytea[], fence_tokens bigint[],
    answer_keys bytea[], answers_asked bytea[], answer_firsts bigint[], answer_events bigint[], answer_times bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    lost text;
    remembered bigint;
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
        PERFORM morningai.put_rows(
            for_tenant, kinds, ids, open_states, sorts, states, parents, dues, row_bodies);
    END IF;

    -- One that was carried out before, by whoever else, is found by whoever reads on and decides again.
    IF cardinality(answer_keys) > 0 THEN
        INSERT INTO morningai.answer (tenant, key, asked, first, events, at)
        SELECT for_tenant, new.* FROM unnest(answer_keys, answers_asked, answer_firsts, answer_events, answer_times)
            AS new (key, asked, first, events, at)
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS remembered = ROW_COUNT;
        IF remembered < cardinality(answer_keys) THEN
            RAISE EXCEPTION 'the log has moved on' USING ERRCODE = 'MA001';
        END IF;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION morningai.append_or_end(
    for_tenant text, known_seq bigint, known_hash bytea,
    streams bytea[], versions bigint[], times bigint[], actors text[], hashes bytea[], bodies text[],
    OUT last_seq bigint, OUT last_hash bytea, OUT last_versions bigint[]
) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM morningai.append(for_tenant, known_seq, known_hash, streams, versions, times, actors, hashes, bodies,
            '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}');
        RETURN;
    EXCEPTION WHEN unique_violation OR SQLSTATE 'MA001' THEN
        NULL;
    END;
    SELECT moved.* INTO last_seq, last_hash, last_versions FROM morningai.end_of_log(for_tenant, streams) AS moved;
END $$;

REVOKE ALL ON FUNCTION morningai.put_rows, morningai.append FROM PUBLIC;

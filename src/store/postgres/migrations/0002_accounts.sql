-- Who may do what. Changes are told in the log, in the same transaction; what is here and not there are the secrets.
-- Who changes anything here but a time of use holds the lock of the tenant's accounts: see `change.rs`.

CREATE TABLE morningai.account (
    tenant      text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    id          bytea   NOT NULL,
    name        text COLLATE "C" NOT NULL,
    role        text COLLATE "C" NOT NULL,
    is_disabled boolean NOT NULL,
    created_at  bigint  NOT NULL,
    version     bigint  NOT NULL, -- one more with each change
    password    text COLLATE "C" NOT NULL, -- Argon2id, as a PHC string; empty for none
    totp_secret bytea   NOT NULL, -- empty for none
    totp_step   bigint  NOT NULL, -- the last step a code was taken for: none is taken twice
    recovery    text COLLATE "C" NOT NULL, -- JSON list of SHA-256, in hex
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, name)
);

-- Found by the SHA-256 of what is shown; that itself is kept nowhere.
CREATE TABLE morningai.token (
    tenant       text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    id           bytea  NOT NULL,
    account      bytea  NOT NULL,
    label        text COLLATE "C" NOT NULL,
    hash         bytea  NOT NULL,
    scopes       text COLLATE "C" NOT NULL, -- JSON list of actions
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    revoked_at   bigint,
    last_used_at bigint, -- to the hour
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, hash)
);

CREATE TABLE morningai.session (
    tenant       text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    hash         bytea  NOT NULL,
    account      bytea  NOT NULL,
    created_at   bigint NOT NULL,
    last_used_at bigint NOT NULL, -- to the minute
    PRIMARY KEY (tenant, hash)
);

DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['account', 'token', 'session'] LOOP
        EXECUTE format('ALTER TABLE morningai.%I ENABLE ROW LEVEL SECURITY', each);
        EXECUTE format('ALTER TABLE morningai.%I FORCE ROW LEVEL SECURITY', each);
        EXECUTE format('CREATE POLICY of_tenant ON morningai.%I
            USING (tenant = nullif(current_setting(''morningai.tenant'', true), ''''))', each);
    END LOOP;
END $$;

-- Where the log ends (0 and nothing when it is empty), and the last version of each of these streams, in their order.
-- Whoever calls it has named the tenant. The end is read first: a stream may then only seem too long, and what is
-- appended after that end is refused by its number.
CREATE FUNCTION morningai.end_of_log(
    for_tenant text, streams bytea[], OUT last_seq bigint, OUT last_hash bytea, OUT last_versions bigint[]
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT event.seq, event.hash INTO last_seq, last_hash FROM morningai.event
    WHERE event.tenant = for_tenant ORDER BY event.seq DESC LIMIT 1;
    last_seq := coalesce(last_seq, 0);
    last_hash := coalesce(last_hash, '');
    last_versions := ARRAY(
        SELECT coalesce((
            SELECT event.version FROM morningai.event
            WHERE event.stream = asked.stream AND event.tenant = for_tenant
            ORDER BY event.version DESC LIMIT 1), 0)
        FROM unnest(streams) WITH ORDINALITY AS asked (stream, place) ORDER BY asked.place);
END $$;

-- Appends as a part of the transaction that calls it, which has named the tenant, and returns NULLs. Or, when the log
-- has moved on, appends nothing and returns what `end_of_log` does: who tells of a change of accounts need not decide
-- again, and is back with the right number as fast as whoever took the last one.
CREATE FUNCTION morningai.append_or_end(
    for_tenant text, known_seq bigint, known_hash bytea,
    streams bytea[], versions bigint[], times bigint[], actors text[], hashes bytea[], bodies text[],
    OUT last_seq bigint, OUT last_hash bytea, OUT last_versions bigint[]
) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM morningai.append(for_tenant, known_seq, known_hash, streams, versions, times, actors, hashes, bodies,
            '{}', '{}', '{}', '{}', '{}', '{}', '{}');
        RETURN;
    EXCEPTION WHEN unique_violation OR SQLSTATE 'MA001' THEN
        NULL;
    END;
    SELECT moved.* INTO last_seq, last_hash, last_versions FROM morningai.end_of_log(for_tenant, streams) AS moved;
END $$;

-- Notes that a token was used, unless a later time is known. Not waiting for the disk: it may be lost.
CREATE FUNCTION morningai.use_token(for_tenant text, for_id bytea, used_at bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('morningai.tenant', for_tenant, true);
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE morningai.token SET last_used_at = used_at
    WHERE token.tenant = for_tenant AND token.id = for_id AND coalesce(token.last_used_at, 0) < used_at;
END $$;

-- The same of a session.
CREATE FUNCTION morningai.use_session(for_tenant text, for_hash bytea, used_at bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('morningai.tenant', for_tenant, true);
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE morningai.session SET last_used_at = used_at
    WHERE session.tenant = for_tenant AND session.hash = for_hash AND session.last_used_at < used_at;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA morningai FROM PUBLIC;

-- Encryption: whether a tenant's log is encrypted, and the keys of the people in it, wrapped under the store's key.

-- Said once, before the first event.
CREATE TABLE morningai.keyring (
    tenant    text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    key_check bytea NOT NULL, -- an HMAC that tells the right key from others; empty for a log in clear
    PRIMARY KEY (tenant)
);

-- One row a person, and one for what is nobody's. Of those who were erased the random number stays and nothing else.
CREATE TABLE morningai.subject_key (
    tenant  text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    subject bytea NOT NULL,
    lookup  bytea,          -- an HMAC of the name; NULL once erased
    wrapped bytea NOT NULL, -- nonce, then key and name, sealed with AES-256-GCM; empty once erased
    PRIMARY KEY (tenant, subject),
    UNIQUE (tenant, lookup)
);

DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['keyring', 'subject_key'] LOOP
        EXECUTE format('ALTER TABLE morningai.%I ENABLE ROW LEVEL SECURITY', each);
        EXECUTE format('ALTER TABLE morningai.%I FORCE ROW LEVEL SECURITY', each);
        EXECUTE format('CREATE POLICY of_tenant ON morningai.%I
            USING (tenant = nullif(current_setting(''morningai.tenant'', true), ''''))', each);
    END LOOP;
END $$;

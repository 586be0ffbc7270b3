-- Who may do what. Changes are told in the log, in the same transaction; what is here and not there are the secrets.

CREATE TABLE account (
    tenant      TEXT    NOT NULL,
    id          BLOB    NOT NULL,
    name        TEXT    NOT NULL,
    role        TEXT    NOT NULL,
    is_disabled INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL, -- one more with each change
    password    TEXT    NOT NULL, -- Argon2id, as a PHC string; empty for none
    totp_secret BLOB    NOT NULL, -- empty for none
    totp_step   INTEGER NOT NULL, -- the last step a code was taken for: none is taken twice
    recovery    TEXT    NOT NULL, -- JSON list of SHA-256, in hex
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, name)
) STRICT, WITHOUT ROWID;

-- Found by the SHA-256 of what is shown; that itself is kept nowhere.
CREATE TABLE token (
    tenant       TEXT    NOT NULL,
    id           BLOB    NOT NULL,
    account      BLOB    NOT NULL,
    label        TEXT    NOT NULL,
    hash         BLOB    NOT NULL,
    scopes       TEXT    NOT NULL, -- JSON list of actions
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    revoked_at   INTEGER,
    last_used_at INTEGER,          -- to the hour
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    tenant       TEXT    NOT NULL,
    hash         BLOB    NOT NULL,
    account      BLOB    NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL, -- to the minute
    PRIMARY KEY (tenant, hash)
) STRICT, WITHOUT ROWID;

-- As before, with accounts as a third kind of stream: 'u', then the id.
DROP VIEW event_line;
CREATE VIEW event_line (tenant, seq, kind, line) AS
SELECT tenant, seq, body ->> '$.type',
    '["' || lower(hex(prev)) || '",' || json_quote(tenant) || ',' || seq || ',"'
    || CASE substr(stream, 1, 1) WHEN x'72' THEN 'run:' WHEN x'61' THEN 'approval:' ELSE 'account:' END
    || lower(hex(substr(stream, 2, 4)) || '-' || hex(substr(stream, 6, 2)) || '-' || hex(substr(stream, 8, 2)) || '-'
        || hex(substr(stream, 10, 2)) || '-' || hex(substr(stream, 12)))
    || '",' || version || ',' || at || ',' || json_quote(actor) || ',' || body || ']'
FROM event;

-- Times are microseconds since 1970 UTC; ids are the 16 bytes of a UUID, hashes the 32 bytes of a SHA-256.

-- One row an event, never changed. A rowid table, so that rows of a kilobyte lie four to a page, in the order written;
-- as WITHOUT ROWID each would spill into a page of its own.
CREATE TABLE event (
    tenant  TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    stream  BLOB    NOT NULL, -- 'r' (run) or 'a' (approval), then the id
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    prev    BLOB    NOT NULL, -- SHA-256 of the row before; empty in the first
    body    TEXT    NOT NULL, -- JSON
    PRIMARY KEY (tenant, seq),
    UNIQUE (tenant, stream, version)
) STRICT;

-- The end of each tenant's chain. An append moves it from where the writer believes it to be, or fails.
CREATE TABLE head (
    tenant TEXT    NOT NULL,
    seq    INTEGER NOT NULL,
    hash   BLOB    NOT NULL,
    PRIMARY KEY (tenant)
) STRICT, WITHOUT ROWID;

-- What the events add up to, as JSON; can be rebuilt from them.
CREATE TABLE projection (
    tenant  TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    id      ANY     NOT NULL, -- the id as bytes, or a text where it is no UUID
    is_open INTEGER NOT NULL,
    sort    INTEGER NOT NULL,
    body    TEXT    NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) STRICT;
CREATE INDEX projection_by_state ON projection (tenant, kind, is_open, sort, id);
CREATE INDEX projection_by_time ON projection (tenant, kind, sort, id);

-- Bytes under their SHA-256.
CREATE TABLE blob (
    tenant  TEXT NOT NULL,
    hash    BLOB NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (tenant, hash)
) STRICT;

-- Who may work on a run. Rows stay after a release, so that a token is never given twice.
CREATE TABLE lease (
    tenant TEXT    NOT NULL,
    run    BLOB    NOT NULL,
    owner  TEXT    NOT NULL, -- empty when given back
    token  INTEGER NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (tenant, run)
) STRICT, WITHOUT ROWID;

-- Each event as the line whose SHA-256, line feed included, the next row carries; and its kind, to find it by.
CREATE VIEW event_line (tenant, seq, kind, line) AS
SELECT tenant, seq, body ->> '$.type',
    '["' || lower(hex(prev)) || '",' || json_quote(tenant) || ',' || seq || ',"'
    || iif(substr(stream, 1, 1) = x'72', 'run:', 'approval:')
    || lower(hex(substr(stream, 2, 4)) || '-' || hex(substr(stream, 6, 2)) || '-' || hex(substr(stream, 8, 2)) || '-'
        || hex(substr(stream, 10, 2)) || '-' || hex(substr(stream, 12)))
    || '",' || version || ',' || at || ',' || json_quote(actor) || ',' || body || ']'
FROM event;

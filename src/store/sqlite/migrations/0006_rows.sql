-- What rows are found by besides. NULL in rows that an earlier version wrote, until the program has read them: in an
-- encrypted log SQL cannot.
ALTER TABLE projection ADD COLUMN state TEXT;   -- as the row's JSON names it; empty for what has none
ALTER TABLE projection ADD COLUMN parent BLOB;  -- the stream that it is a part of
ALTER TABLE projection ADD COLUMN due INTEGER;  -- when time alone asks for something
CREATE INDEX projection_in_state ON projection (tenant, kind, state, sort, id);
CREATE INDEX projection_by_parent ON projection (tenant, kind, parent, sort, id) WHERE parent IS NOT NULL;
CREATE INDEX projection_by_due ON projection (tenant, kind, due) WHERE due IS NOT NULL;
CREATE INDEX projection_incomplete ON projection (tenant) WHERE state IS NULL;

-- Requests that were carried out, so that one that arrives again is answered and does nothing: kept for a day.
CREATE TABLE answer (
    tenant TEXT    NOT NULL,
    key    BLOB    NOT NULL, -- SHA-256 of the sender and the request's id
    asked  BLOB    NOT NULL, -- SHA-256 of the id and what was asked
    first  INTEGER NOT NULL, -- the first of the events that came of it, and how many
    events INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_by_time ON answer (tenant, at);

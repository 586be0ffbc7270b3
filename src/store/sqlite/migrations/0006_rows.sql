-- What rows are found by besides. NULL in rows that an earlier version wrote, until the program has read them: in an
-- encrypted log SQL cannot.
ALTER TABLE projection ADD COLUMN state TEXT;   -- as the row's JSON names it; empty for what has none
ALTER TABLE projection ADD COLUMN parent BLOB;  -- the stream that it is a part of
ALTER TABLE projection ADD COLUMN due INTEGER;  -- when time alone asks for something
CREATE INDEX projection_in_state ON projection (tenant, kind, state, sort, id);
CREATE INDEX projection_by_parent ON projection (tenant, kind, parent, sort, id) WHERE parent IS NOT NULL;
CREATE INDEX projection_by_due ON projection (tenant, kind, due) WHERE due IS NOT NULL;
CREATE INDEX projection_incomplete ON projection (tenant) WHERE state IS NULL;

-- What pruning leaves of an event: its place, and the hashes that hold the chain together. The event numbered prune_seq
-- says that it was pruned, and carries a digest of all that was left then. Only the owner of the schema prunes.
CREATE TABLE morningai.pruned (
    tenant    text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    seq       bigint NOT NULL CHECK (seq > 0),
    stream    bytea  NOT NULL,
    version   bigint NOT NULL,
    at        bigint NOT NULL,
    prev      bytea  NOT NULL,
    hash      bytea  NOT NULL, -- SHA-256 of the row that was there
    prune_seq bigint NOT NULL,
    PRIMARY KEY (tenant, seq)
);

ALTER TABLE morningai.pruned ENABLE ROW LEVEL SECURITY;
ALTER TABLE morningai.pruned FORCE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON morningai.pruned
    USING (tenant = nullif(current_setting('morningai.tenant', true), ''));

-- What pruning leaves of an event: its place, and the hashes that hold the chain together. The event numbered prune_seq
-- says that it was pruned, and carries a digest of all that was left then.
CREATE TABLE pruned (
    tenant    TEXT    NOT NULL,
    seq       INTEGER NOT NULL,
    stream    BLOB    NOT NULL,
    version   INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    prev      BLOB    NOT NULL,
    hash      BLOB    NOT NULL, -- SHA-256 of the row that was there
    prune_seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, seq)
) STRICT, WITHOUT ROWID;

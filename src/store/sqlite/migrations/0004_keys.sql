-- Encryption: whether a tenant's log is encrypted, and the keys of the people in it, wrapped under the store's key.

-- Said once, before the first event.
CREATE TABLE keyring (
    tenant    TEXT NOT NULL,
    key_check BLOB NOT NULL, -- an HMAC that tells the right key from others; empty for a log in clear
    PRIMARY KEY (tenant)
) STRICT, WITHOUT ROWID;

-- One row a person, and one for what is nobody's. Of those who were erased the random number stays and nothing else.
CREATE TABLE subject_key (
    tenant  TEXT NOT NULL,
    subject BLOB NOT NULL,
    lookup  BLOB,          -- an HMAC of the name; NULL once erased
    wrapped BLOB NOT NULL, -- nonce, then key and name, sealed with AES-256-GCM; empty once erased
    PRIMARY KEY (tenant, subject),
    UNIQUE (tenant, lookup)
) STRICT, WITHOUT ROWID;

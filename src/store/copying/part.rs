//! What of a store is one tenant's and is copied, as data: the tables, with their keys and columns, the same in every
//! store. A table that is added to the stores gets one entry here; a test finds those that have none.

/// How a column's values look on their way from one store to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    Integer,
    /// 0 or 1; a boolean in Postgres.
    Flag,
    Text,
    Bytes,
    /// The id of a projection row, as text; SQLite keeps a UUID as its bytes.
    RowId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Column {
    pub name: &'static str,
    pub kind: Kind,
}

/// A table, without the column that names the tenant.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) struct Part {
    /// What people call its rows.
    pub name: &'static str,
    pub table: &'static str,
    /// The first columns are the key; records are read in its order.
    pub key: usize,
    pub columns: &'static [Column],
    /// Records read and written at a time: what bounds the memory a copy takes.
    pub piece: usize,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// One row, its cells in the order of the part's columns.
pub(in crate::store) type Record = Vec<Cell>;

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

pub(in crate::store) const EVENTS: Part = Part {
    name: "events",
    table: "event",
    key: 1,
    columns: &[
        column("seq", Kind::Integer),
        column("stream", Kind::Bytes),
        column("version", Kind::Integer),
        column("at", Kind::Integer),
        column("actor", Kind::Text),
        column("prev", Kind::Bytes),
        column("body", Kind::Text),
    ],
    piece: 250,
};

/// What pruning left of events.
const PRUNED: Part = Part {
    name: "pruned",
    table: "pruned",
    key: 1,
    columns: &[
        column("seq", Kind::Integer),
        column("stream", Kind::Bytes),
        column("version", Kind::Integer),
        column("at", Kind::Integer),
        column("prev", Kind::Bytes),
        column("hash", Kind::Bytes),
        column("prune_seq", Kind::Integer),
    ],
    piece: 1_000,
};

pub(in crate::store) const ROWS: Part = Part {
    name: "rows",
    table: "projection",
    key: 2,
    columns: &[
        column("kind", Kind::Text),
        column("id", Kind::RowId),
        column("is_open", Kind::Flag),
        column("sort", Kind::Integer),
        column("state", Kind::Text),
        column("parent", Kind::Bytes),
        column("due", Kind::Integer),
        column("body", Kind::Text),
    ],
    piece: 250,
};

/// An output may have 16 MiB.
const OUTPUTS: Part = Part {
    name: "outputs",
    table: "blob",
    key: 1,
    columns: &[column("hash", Kind::Bytes), column("content", Kind::Bytes)],
    piece: 4,
};

const ACCOUNTS: Part = Part {
    name: "accounts",
    table: "account",
    key: 1,
    columns: &[
        column("id", Kind::Bytes),
        column("name", Kind::Text),
        column("role", Kind::Text),
        column("is_disabled", Kind::Flag),
        column("created_at", Kind::Integer),
        column("version", Kind::Integer),
        column("password", Kind::Text),
        column("totp_secret", Kind::Bytes),
        column("totp_step", Kind::Integer),
        column("recovery", Kind::Text),
    ],
    piece: 250,
};

const TOKENS: Part = Part {
    name: "tokens",
    table: "token",
    key: 1,
    columns: &[
        column("id", Kind::Bytes),
        column("account", Kind::Bytes),
        column("label", Kind::Text),
        column("hash", Kind::Bytes),
        column("scopes", Kind::Text),
        column("created_at", Kind::Integer),
        column("expires_at", Kind::Integer),
        column("revoked_at", Kind::Integer),
        column("last_used_at", Kind::Integer),
    ],
    piece: 250,
};

const SESSIONS: Part = Part {
    name: "sessions",
    table: "session",
    key: 1,
    columns: &[
        column("hash", Kind::Bytes),
        column("account", Kind::Bytes),
        column("created_at", Kind::Integer),
        column("last_used_at", Kind::Integer),
    ],
    piece: 250,
};

/// Of an encrypted log: the keys of the people in it, as they are wrapped.
const KEYS: Part = Part {
    name: "keys",
    table: "subject_key",
    key: 1,
    columns: &[column("subject", Kind::Bytes), column("lookup", Kind::Bytes), column("wrapped", Kind::Bytes)],
    piece: 250,
};

/// All of them, the events first: who fills the same place at the same time meets there.
pub(in crate::store) const PARTS: &[&Part] = &[&EVENTS, &PRUNED, &ROWS, &OUTPUTS, &ACCOUNTS, &TOKENS, &SESSIONS, &KEYS];

/// From where on a piece is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Start {
    Beginning,
    AfterKey,
}

impl Part {
    pub fn key_columns(&self) -> &'static [Column] {
        self.columns.get(..self.key).unwrap_or(self.columns)
    }

    /// The next piece of the tenant `$1`, from `relation`; the key to go on after is `$2` and up.
    pub fn select(&self, relation: &str, start: Start) -> String {
        let names = |columns: &[Column]| columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
        let (columns, key) = (names(self.columns), names(self.key_columns()));
        let after = match start {
            Start::Beginning => String::new(),
            Start::AfterKey => {
                let places: Vec<_> = (2..self.key + 2).map(|place| format!("${place}")).collect();
                format!(" AND ({key}) > ({})", places.join(", "))
            }
        };
        format!("SELECT {columns} FROM {relation} WHERE tenant = $1{after} ORDER BY {key} LIMIT {}", self.piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_read_by_key() {
        assert_eq!(
            ROWS.select("projection", Start::AfterKey),
            "SELECT kind, id, is_open, sort, state, parent, due, body FROM projection WHERE tenant = $1 \
             AND (kind, id) > ($2, $3) ORDER BY kind, id LIMIT 250"
        );
        let first = SESSIONS.select("session", Start::Beginning);
        assert!(first.ends_with("WHERE tenant = $1 ORDER BY hash LIMIT 250"), "{first}");
    }
}

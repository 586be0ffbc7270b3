//! Sealing what is about to be stored: events, projection rows, accounts, tokens. The keys were found before; nothing
//! here waits for a store.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::table::KeyTable;
use super::text::{Place, SealedText, actor_column};
use super::vault::{SubjectKey, Vault, Whose};
use crate::domain::{Actor, ModelReply, Untrusted};
use crate::kinds::{Envelope, Event, Row, RunEvent, Stream};
use crate::ports::{Account, LogError, LogErrorKind, NewEvent, Token};

/// How one batch becomes what is stored.
pub(in crate::store) enum Sealing {
    Plain,
    Sealed(SealedBatch),
}

/// The keys of one batch.
pub(in crate::store) struct SealedBatch {
    vault: Arc<Vault>,
    streams: HashMap<Stream, Arc<SubjectKey>>,
    people: HashMap<String, Arc<SubjectKey>>,
    tenants: Arc<SubjectKey>,
}

impl SealedBatch {
    /// Finds the keys, and makes those that are missing.
    pub(super) async fn prepare(
        vault: &Arc<Vault>,
        table: &mut dyn KeyTable,
        events: &[NewEvent],
        rows: &[Row],
    ) -> Result<Self, LogError> {
        let tenants = vault.key_of(table, Whose::Tenant).await?;
        let mut batch = Self { vault: vault.clone(), streams: HashMap::new(), people: HashMap::new(), tenants };
        for event in events {
            batch.add_stream(table, event.stream, events).await?;
            if let Actor::Person(name) = &event.by {
                batch.add_person(table, name).await?;
            }
        }
        for stream in rows.iter().filter_map(|row| row.key.stream()) {
            batch.add_stream(table, stream, events).await?;
        }
        Ok(batch)
    }

    pub(super) async fn add_stream(
        &mut self,
        table: &mut dyn KeyTable,
        stream: Stream,
        events: &[NewEvent],
    ) -> Result<(), LogError> {
        if !self.streams.contains_key(&stream) {
            let key = self.vault.key_of_stream(table, stream, events).await?;
            self.streams.insert(stream, key);
        }
        Ok(())
    }

    pub(super) async fn add_person(&mut self, table: &mut dyn KeyTable, name: &str) -> Result<(), LogError> {
        if !self.people.contains_key(name) {
            let key = self.vault.key_of(table, Whose::Person(name)).await?;
            self.people.insert(name.to_owned(), key);
        }
        Ok(())
    }

    /// What was not prepared is nobody's.
    fn key_of_stream(&self, stream: Option<Stream>) -> &SubjectKey {
        stream.and_then(|stream| self.streams.get(&stream)).unwrap_or(&self.tenants)
    }

    fn key_of_person(&self, name: &str) -> &SubjectKey {
        self.people.get(name).unwrap_or(&self.tenants)
    }

    fn seal(&self, key: &SubjectKey, place: Place<'_>, text: &str) -> Result<SealedText<'static>, LogError> {
        let sealed = key.cipher.seal(&place.bytes(&self.vault.tenant), text.as_bytes())?;
        Ok(SealedText::new(key.id, &sealed))
    }

    fn event(&self, envelope: &Envelope, actor: &str, body: &str) -> Result<String, LogError> {
        let (stream, version, kind) = (envelope.stream, envelope.version, envelope.event.kind());
        let place = Place::Event { stream, version, kind, actor };
        let mut sealed = self.seal(self.key_of_stream(Some(stream)), place, body)?;
        sealed.kind = Some(kind.into());
        if let Event::Run(RunEvent::TurnFinished { reply, .. }) = &envelope.event {
            let spent = as_json(&what_it_cost(reply))?;
            sealed.spent = Some(Box::new(self.seal(&self.tenants, Place::Spent { stream, version }, &spent)?));
        }
        Ok(sealed.written())
    }
}

/// A model's answer without anything that was said.
fn what_it_cost(reply: &ModelReply) -> ModelReply {
    ModelReply {
        model: reply.model.clone(),
        text: Untrusted::default(),
        refusal: None,
        calls: Vec::new(),
        finish: reply.finish,
        usage: reply.usage,
        cost: reply.cost,
        carried: None,
    }
}

impl Sealing {
    /// The column of who did it.
    pub fn actor(&self, by: &Actor) -> String {
        match (self, by) {
            (Self::Sealed(batch), Actor::Person(name)) => actor_column(batch.key_of_person(name).id),
            (Self::Plain, _) | (Self::Sealed(_), Actor::Agent(_) | Actor::System) => by.to_string(),
        }
    }

    /// The column of what happened; `body` is it as JSON.
    pub fn event(&self, envelope: &Envelope, actor: &str, body: String) -> Result<String, LogError> {
        match self {
            Self::Plain => Ok(body),
            Self::Sealed(batch) => batch.event(envelope, actor, &body),
        }
    }

    /// The column of a projection row's body.
    pub fn row<'a>(&self, row: &'a Row) -> Result<Cow<'a, str>, LogError> {
        match self {
            Self::Plain => Ok(Cow::Borrowed(&row.body)),
            Self::Sealed(batch) => {
                let key = batch.key_of_stream(row.key.stream());
                Ok(batch.seal(key, Place::Row(&row.key), &row.body)?.written().into())
            }
        }
    }

    /// The columns of an account that say who it is and how it is opened.
    pub fn account(&self, account: &Account) -> Result<PersonalColumns, LogError> {
        let columns = PersonalColumns::plain(account)?;
        match self {
            Self::Plain => Ok(columns),
            Self::Sealed(batch) => {
                let key = batch.key_of_person(account.name.as_str());
                let body = batch.seal(key, Place::Account(account.id), &as_json(&columns)?)?.written();
                let name = hex::encode(batch.vault.lookup(Whose::Person(account.name.as_str())));
                Ok(PersonalColumns { name, password: body, totp_secret: Vec::new(), recovery: "[]".to_owned() })
            }
        }
    }

    /// The column of a token's label.
    pub fn label(&self, token: &Token) -> Result<String, LogError> {
        match self {
            Self::Plain => Ok(token.label.clone()),
            Self::Sealed(batch) => {
                let key = batch.key_of_stream(Some(Stream::Account(token.account)));
                Ok(batch.seal(key, Place::Token(token.id), &token.label)?.written())
            }
        }
    }
}

/// The columns of an account that say who it is and how it is opened, as stored in clear. Sealed, `name` is what the
/// account is found by, `password` holds all of it, and the others are empty.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct PersonalColumns {
    pub name: String,
    /// Argon2id, as a PHC string; empty for none.
    pub password: String,
    /// Empty for none.
    pub totp_secret: Vec<u8>,
    /// JSON list of SHA-256, in hex.
    pub recovery: String,
}

impl PersonalColumns {
    fn plain(account: &Account) -> Result<Self, LogError> {
        let secrets = &account.secrets;
        let recovery: Vec<_> = secrets.recovery.iter().map(|hash| hex::encode(hash.0)).collect();
        Ok(Self {
            name: account.name.as_str().to_owned(),
            password: secrets.password.clone().unwrap_or_default(),
            totp_secret: secrets.totp.as_ref().map(|totp| totp.secret.clone()).unwrap_or_default(),
            recovery: as_json(&recovery)?,
        })
    }
}

fn as_json<T: Serialize>(value: &T) -> Result<String, LogError> {
    serde_json::to_string(value).map_err(|error| {
        LogError::new(
            LogErrorKind::Unusable,
            format!("cannot write what is to be sealed as JSON: {error}"),
            "this is a defect of the program; please report it",
        )
    })
}

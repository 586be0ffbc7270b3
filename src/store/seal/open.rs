//! Opening what was stored: events, actors, projection rows, accounts, tokens. The keys were learned before; an error
//! says what is wrong with the stored thing, and never what is in it.

use std::borrow::Cow;

use super::Seal;
use super::batch::PersonalColumns;
use super::text::{Place, SealedText, subject_in_actor_column};
use super::vault::{Held, Vault};
use crate::domain::{AccountId, ModelReply, SubjectId, TokenId};
use crate::kinds::{ErasedEvent, RowKey, Stream};

/// A stored event's body.
pub(in crate::store) enum OpenedBody<'a> {
    Json(Cow<'a, str>),
    Erased(ErasedEvent),
}

/// A text that was sealed, or that its key is destroyed.
enum Opened {
    Text(String),
    Erased(SubjectId),
}

impl Vault {
    fn open(&self, text: &SealedText<'_>, place: Place<'_>) -> Result<Opened, String> {
        let subject = text.subject();
        let key = match self.held(subject) {
            Some(Held::Key(key)) => key,
            Some(Held::Erased) => return Ok(Opened::Erased(subject)),
            None => return Err(format!("its key {subject} is missing")),
        };
        let sealed = text.bytes().ok_or("it is not in base64")?;
        let opened = key.cipher.open(&place.bytes(&self.tenant), &sealed);
        let opened = opened.ok_or("it does not open: it was changed, or moved from another place")?;
        String::from_utf8(opened).map(Opened::Text).map_err(|_| "it holds no text".to_owned())
    }

    fn open_event<'a>(&self, text: &str, stream: Stream, version: u64, actor: &str) -> Result<OpenedBody<'a>, String> {
        let sealed = parse(text)?;
        let kind = sealed.kind.as_deref().ok_or("it has no type")?;
        match self.open(&sealed, Place::Event { stream, version, kind, actor })? {
            Opened::Text(json) => Ok(OpenedBody::Json(json.into())),
            Opened::Erased(subject) => {
                let spent = sealed.spent.as_deref().map(|spent| self.open_spent(spent, stream, version)).transpose()?;
                Ok(OpenedBody::Erased(ErasedEvent::Erased { was: kind.to_owned(), subject, spent }))
            }
        }
    }

    fn open_spent(&self, text: &SealedText<'_>, stream: Stream, version: u64) -> Result<Box<ModelReply>, String> {
        match self.open(text, Place::Spent { stream, version })? {
            Opened::Text(json) => serde_json::from_str(&json).map_err(|error| error.to_string()),
            Opened::Erased(_) => Err("the tenant's own key is destroyed".to_owned()),
        }
    }
}

/// In an encrypted log nothing is believed that was not sealed.
fn parse(text: &str) -> Result<SealedText<'_>, String> {
    SealedText::parse(text).ok_or_else(|| "it is not sealed, and the log is encrypted".to_owned())
}

impl Seal {
    /// An event's JSON.
    pub fn event<'a>(
        &self,
        text: &'a str,
        stream: Stream,
        version: u64,
        actor: &str,
    ) -> Result<OpenedBody<'a>, String> {
        match self {
            Self::Plain => Ok(OpenedBody::Json(text.into())),
            Self::Sealed(vault) => vault.open_event(text, stream, version, actor),
        }
    }

    /// An actor as it would stand in clear: `person:NAME`, and for somebody who was erased their pseudonym.
    pub fn actor<'a>(&self, column: &'a str) -> Result<Cow<'a, str>, String> {
        let Self::Sealed(vault) = self else { return Ok(column.into()) };
        let Some(subject) = subject_in_actor_column(column) else { return Ok(column.into()) };
        match vault.held(subject) {
            Some(Held::Key(key)) => {
                let name = key.name.as_deref().ok_or("the actor is the tenant itself")?;
                Ok(format!("person:{name}").into())
            }
            Some(Held::Erased) => Ok(format!("person:{}", subject.pseudonym()).into()),
            None => Err(format!("the key {subject} of its actor is missing")),
        }
    }

    /// A projection row's JSON; `None` for somebody's who was erased.
    pub fn row(&self, key: &RowKey, text: String) -> Result<Option<String>, String> {
        match self {
            Self::Plain => Ok(Some(text)),
            Self::Sealed(vault) => match vault.open(&parse(&text)?, Place::Row(key))? {
                Opened::Text(json) => Ok(Some(json)),
                Opened::Erased(_) => Ok(None),
            },
        }
    }

    /// An account's columns as in clear.
    pub fn account(&self, id: AccountId, stored: PersonalColumns) -> Result<PersonalColumns, String> {
        match self {
            Self::Plain => Ok(stored),
            Self::Sealed(vault) => match vault.open(&parse(&stored.password)?, Place::Account(id))? {
                Opened::Text(json) => serde_json::from_str(&json).map_err(|error| error.to_string()),
                Opened::Erased(subject) => Err(format!("its subject {subject} was erased")),
            },
        }
    }

    /// A token's label.
    pub fn label(&self, id: TokenId, stored: String) -> Result<String, String> {
        match self {
            Self::Plain => Ok(stored),
            Self::Sealed(vault) => match vault.open(&parse(&stored)?, Place::Token(id))? {
                Opened::Text(label) => Ok(label),
                Opened::Erased(subject) => Ok(subject.pseudonym()),
            },
        }
    }
}

//! The form of what is sealed: a line of JSON that names its key, and the place it belongs to. Pure.
//!
//! `{"type":"run.started","key":"<32 digits>","sealed":"<base64>"}`; `type` only in events, and of a model's answer
//! also `spent`, which is sealed under the tenant's own key and outlives the person's.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{AccountId, BlobId, SubjectId, Tenant, TokenId};
use crate::kinds::{RowKey, Stream};

/// Before the digits of a key in every sealed text.
const KEY_FIELD: &str = "\"key\":\"";

/// Before the number of a person where their name would stand.
const SUBJECT: &str = "subject:";

/// A sealed text as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealedText<'a> {
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none", borrow)]
    pub kind: Option<Cow<'a, str>>,
    #[serde(with = "uuid::serde::simple")]
    pub key: Uuid,
    #[serde(borrow)]
    pub sealed: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub spent: Option<Box<SealedText<'a>>>,
}

impl<'a> SealedText<'a> {
    pub fn new(key: SubjectId, sealed: &[u8]) -> Self {
        Self { kind: None, key: key.0, sealed: STANDARD.encode(sealed).into(), spent: None }
    }

    pub fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub fn subject(&self) -> SubjectId {
        SubjectId(self.key)
    }

    pub fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.sealed.as_bytes()).ok()
    }

    pub fn written(&self) -> String {
        // Texts and numbers always serialize; should that change, what is read later says so.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// How every stored text begins that is sealed with this key and is no event: what it is found by.
pub(in crate::store) fn beginning(key: SubjectId) -> String {
    format!("{{{KEY_FIELD}{}\"", key.0.simple())
}

/// The keys that a stored text names, be it sealed or the column of an actor; none for any other.
pub(super) fn keys_in(text: &str) -> impl Iterator<Item = SubjectId> + '_ {
    let of_field = text.match_indices(KEY_FIELD).filter_map(|(at, field)| subject_at(text.get(at + field.len()..)?));
    let of_actor = text.strip_prefix(SUBJECT).and_then(|id| id.parse().ok());
    of_field.chain(of_actor)
}

fn subject_at(text: &str) -> Option<SubjectId> {
    Uuid::try_parse(text.get(..32)?).ok().map(SubjectId)
}

/// The column of an actor who is a person.
pub(super) fn actor_column(subject: SubjectId) -> String {
    format!("{SUBJECT}{subject}")
}

pub(super) fn subject_in_actor_column(text: &str) -> Option<SubjectId> {
    text.strip_prefix(SUBJECT)?.parse().ok()
}

/// Where a sealed thing belongs; it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    Event { stream: Stream, version: u64, kind: &'a str, actor: &'a str },
    Spent { stream: Stream, version: u64 },
    Row(&'a RowKey),
    Account(AccountId),
    Token(TokenId),
    Blob { blob: &'a BlobId, subject: SubjectId },
    Key(SubjectId),
}

impl Place<'_> {
    /// What is sealed beside the message: each part with its length before it, so that no two places look alike.
    pub fn bytes(&self, tenant: &Tenant) -> Vec<u8> {
        let stream_and = |stream: Stream, version: u64| (stream.to_string(), version.to_string());
        let mut bytes = Vec::with_capacity(160);
        let mut add = |part: &str| {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        };
        add(&tenant.0);
        match self {
            Self::Event { stream, version, kind, actor } => {
                let (stream, version) = stream_and(*stream, *version);
                ["event", &stream, &version, kind, actor].into_iter().for_each(add);
            }
            Self::Spent { stream, version } => {
                let (stream, version) = stream_and(*stream, *version);
                ["spent", &stream, &version].into_iter().for_each(add);
            }
            Self::Row(key) => ["row", key.kind.name(), &canonical(key)].into_iter().for_each(add),
            Self::Account(id) => ["account", &id.to_string()].into_iter().for_each(add),
            Self::Token(id) => ["token", &id.to_string()].into_iter().for_each(add),
            Self::Blob { blob, subject } => ["blob", &blob.0, &subject.to_string()].into_iter().for_each(add),
            Self::Key(subject) => ["key", &subject.to_string()].into_iter().for_each(add),
        }
        bytes
    }
}

/// An id as every store gives it back.
fn canonical(key: &RowKey) -> Cow<'_, str> {
    Uuid::try_parse(&key.id).map_or(Cow::Borrowed(&key.id), |id| id.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RunId;

    #[test]
    fn a_sealed_text_names_its_keys_and_reads_back() {
        let (key, other) = (SubjectId(Uuid::from_u128(7)), SubjectId(Uuid::from_u128(8)));
        let plain = SealedText::new(key, b"x").written();
        assert!(plain.starts_with(&beginning(key)), "{plain}");
        let event = SealedText {
            kind: Some("run.started".into()),
            spent: Some(Box::new(SealedText::new(other, b"y"))),
            ..SealedText::new(key, b"x")
        };
        let text = event.written();
        assert_eq!(keys_in(&text).collect::<Vec<_>>(), [key, other]);
        let read = SealedText::parse(&text).unwrap();
        assert_eq!(
            (read.subject(), read.bytes().unwrap(), read.kind.as_deref()),
            (key, b"x".to_vec(), Some("run.started"))
        );
        assert_eq!(keys_in(&actor_column(key)).collect::<Vec<_>>(), [key]);
        assert_eq!(subject_in_actor_column(&actor_column(key)), Some(key));
        for text in ["", "person:ana", r#"{"type":"run.resumed"}"#, r#"{"key":"x"}"#] {
            assert_eq!(keys_in(text).count(), 0, "{text}");
            assert!(SealedText::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn no_two_places_are_the_same() {
        let (tenant, run) = (Tenant::default(), Stream::Run(RunId(Uuid::from_u128(1))));
        let event = |version, kind, actor| Place::Event { stream: run, version, kind, actor }.bytes(&tenant);
        let places = [
            event(1, "ab", "c"),
            event(1, "a", "bc"),
            event(11, "ab", "c"),
            Place::Spent { stream: run, version: 1 }.bytes(&tenant),
            Place::Event { stream: run, version: 1, kind: "ab", actor: "c" }.bytes(&Tenant("other".into())),
        ];
        for (at, place) in places.iter().enumerate() {
            assert!(!places[at + 1..].contains(place), "{at}");
        }
    }
}

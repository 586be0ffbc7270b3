//! Everything the log holds of a person, one JSON object a line, read a little at a time.
//!
//! Theirs are the streams that were begun for them, with every event in them, and besides what they did in those of
//! others. The last line says how many lines came before it, and where the log ended.

use std::collections::{BTreeSet, VecDeque};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

use super::{AccountShape, TokenShape, escaped};
use crate::domain::{Actor, BlobId, Timestamp};
use crate::kinds::{Envelope, Event, Owner, RunEvent, Stream};
use crate::ports::{Accounts, Head, Log, LogError, RowFilter, RowQuery};

/// Events read at once.
const PAGE: u32 = 1000;

/// Why there is no more of an export.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ExportError {
    #[error("the log holds nothing of {0:?}")]
    Nothing(String),
    #[error("{0}")]
    Unwritable(String),
    #[error(transparent)]
    Log(#[from] LogError),
}

impl ExportError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Nothing(_) => "names are written as in `morningai audit`; an erased person has none".to_owned(),
            Self::Unwritable(_) => "run `morningai log verify`, then `morningai db rebuild`".to_owned(),
            Self::Log(error) => error.hint.clone(),
        }
    }
}

/// One line.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line<'a> {
    Account { account: AccountShape },
    Token { token: TokenShape },
    Event { involved: Involved, event: &'a Envelope },
    Output { blob: &'a BlobId, base64: String },
    End { lines: u64, head: &'a Head },
}

/// How somebody has to do with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Involved {
    /// It happened on their behalf.
    Subject,
    /// They did it, on behalf of others.
    Actor,
}

/// An export, as far as it has come. Holds a page of events and the names of their streams.
pub struct SubjectExport {
    name: String,
    head: Head,
    lines: u64,
    left: Left,
    streams: BTreeSet<Stream>,
}

/// What is still to be told.
enum Left {
    Account,
    Events { after: u64, page: VecDeque<Envelope> },
    Rows { streams: VecDeque<Stream> },
    Nothing,
}

/// Where an export reads.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    pub log: &'a dyn Log,
    pub accounts: &'a dyn Accounts,
}

impl SubjectExport {
    /// Of somebody by the name that they decide under, up to where the log ends now.
    pub async fn begin(log: &dyn Log, name: &str) -> Result<Self, LogError> {
        let (head, left) = (log.head().await?, Left::Account);
        Ok(Self { name: name.to_owned(), head, lines: 0, left, streams: BTreeSet::new() })
    }

    /// Lines before the last.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The next lines, a few at most, without their ends; `None` after the last. Of somebody that the log does not
    /// know there is not even a first.
    pub async fn next(&mut self, from: Sources<'_>, now: Timestamp) -> Result<Option<Vec<String>>, ExportError> {
        loop {
            let lines = match &mut self.left {
                Left::Account => {
                    let lines = account(from.accounts, &self.name, now).await?;
                    self.left = Left::Events { after: 0, page: VecDeque::new() };
                    lines
                }
                Left::Events { .. } => match self.next_event(from.log).await? {
                    Some((involved, event)) => event_lines(from.log, involved, &event).await?,
                    None => {
                        self.left = Left::Rows { streams: self.streams.iter().copied().collect() };
                        Vec::new()
                    }
                },
                Left::Rows { streams } => match streams.pop_front() {
                    Some(stream) => rows(from.log, stream).await?,
                    None => return self.end().map(Some),
                },
                Left::Nothing => return Ok(None),
            };
            if !lines.is_empty() {
                self.lines += lines.len() as u64;
                return Ok(Some(lines));
            }
        }
    }

    fn end(&mut self) -> Result<Vec<String>, ExportError> {
        if self.lines == 0 {
            return Err(ExportError::Nothing(self.name.clone()));
        }
        self.left = Left::Nothing;
        Ok(vec![written(&Line::End { lines: self.lines, head: &self.head })?])
    }

    /// The next event they have to do with.
    async fn next_event(&mut self, log: &dyn Log) -> Result<Option<(Involved, Envelope)>, LogError> {
        while let Left::Events { after, page } = &mut self.left {
            let Some(envelope) = page.pop_front() else {
                if *after >= self.head.seq {
                    break;
                }
                page.extend(log.read(*after, PAGE).await?);
                // Where pruning left nothing to read, the end is reached all the same.
                *after = page.back().map_or(self.head.seq, |last| last.seq);
                page.retain(|envelope| envelope.seq <= self.head.seq);
                continue;
            };
            if let Some(involved) = self.involvement(&envelope) {
                return Ok(Some((involved, envelope)));
            }
        }
        Ok(None)
    }

    fn involvement(&mut self, envelope: &Envelope) -> Option<Involved> {
        let is_them = |by: &Actor| matches!(by, Actor::Person(name) if *name == self.name);
        let begins = envelope.version == 1
            && match envelope.event.owner(&envelope.by) {
                Owner::Person(name) => name == self.name,
                Owner::Stream(stream) => self.streams.contains(&stream),
                Owner::Tenant => false,
            };
        if begins {
            self.streams.insert(envelope.stream);
        }
        if self.streams.contains(&envelope.stream) {
            return Some(Involved::Subject);
        }
        is_them(&envelope.by).then_some(Involved::Actor)
    }
}

async fn account(accounts: &dyn Accounts, name: &str, now: Timestamp) -> Result<Vec<String>, ExportError> {
    let all = accounts.accounts().await?;
    let Some(account) = all.iter().find(|account| account.name.as_str() == name) else { return Ok(Vec::new()) };
    let mut lines = vec![written(&Line::Account { account: AccountShape::of(account) })?];
    for token in accounts.tokens().await?.iter().filter(|token| token.account == account.id) {
        lines.push(written(&Line::Token { token: TokenShape::of(token, &account.name, now) })?);
    }
    Ok(lines)
}

/// An event, and the whole of its output where only its ends are in the event.
async fn event_lines(log: &dyn Log, involved: Involved, event: &Envelope) -> Result<Vec<String>, ExportError> {
    let mut lines = vec![written(&Line::Event { involved, event })?];
    if let (Involved::Subject, Event::Run(RunEvent::CallSettled { result, .. })) = (involved, &event.event)
        && let Some(blob) = &result.output.blob
        && let Some(content) = log.get_blob(blob).await?
    {
        lines.push(written(&Line::Output { blob, base64: STANDARD.encode(content) })?);
    }
    Ok(lines)
}

/// What a stream is kept as, as the lists have it.
async fn rows(log: &dyn Log, stream: Stream) -> Result<Vec<String>, ExportError> {
    let Some(key) = stream.row() else { return Ok(Vec::new()) };
    let name = key.kind.name();
    let line = |body: &str| {
        let row: Value = serde_json::from_str(body).map_err(|error| {
            ExportError::Unwritable(format!("the stored {name} {} cannot be read: {error}", key.id))
        })?;
        written(&serde_json::json!({ "kind": name, name: row }))
    };
    let one = RowQuery::first(key.kind, RowFilter::One(stream.parts().1), 1);
    log.rows(one).await?.rows.iter().map(|row| line(&row.body)).collect()
}

fn written<T: Serialize>(line: &T) -> Result<String, ExportError> {
    let text = serde_json::to_string(line);
    text.map(escaped).map_err(|error| ExportError::Unwritable(format!("cannot be written as JSON: {error}")))
}

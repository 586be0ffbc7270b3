//! `morningai subject export`: everything the log holds of a person, one JSON object a line.
//!
//! Theirs are the streams that were begun for them, with every event in them, and besides what they did in those of
//! others. The last line says how many lines came before it, and where the log ended.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

use crate::access::people::PeopleError;
use crate::cli::Context;
use crate::cli::accounts::administrator;
use crate::cli::failure::Failure;
use crate::cli::host::StoreKeeper;
use crate::cli::output::Output;
use crate::cli::output::Reader;
use crate::domain::AccessEvent;
use crate::domain::Action;
use crate::domain::Actor;
use crate::domain::ApprovalEvent;
use crate::domain::BlobId;
use crate::domain::Envelope;
use crate::domain::Event;
use crate::domain::RunEvent;
use crate::domain::Stream;
use crate::fold::RowKind;
use crate::ports::Clock;
use crate::ports::Head;
use crate::ports::Log;
use crate::ports::RowFilter;
use crate::ports::Standing;
use crate::ports::SystemClock;
use crate::shape;
use crate::shape::TokenShape;

/// Events read at once.
const PAGE: u32 = 1000;

/// One line.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line<'a> {
    Account { account: Value },
    Token { token: TokenShape },
    Event { involved: Involved, event: &'a Envelope },
    Output { blob: &'a BlobId, base64: String },
    Run { run: Value },
    Approval { approval: Value },
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

pub(super) async fn export(
    context: &mut Context<'_>,
    store: &dyn StoreKeeper,
    name: &str,
    target: Option<&Path>,
) -> Result<(), Failure> {
    let others = store.accounts().accounts().await?;
    let by = administrator(&context.host.person(), &others)?;
    by.may(Action::Export).map_err(PeopleError::from)?;
    let Some(path) = target else {
        let mut sink = Sink { lines: 0, to: To::Output(&mut *context.output) };
        return write_all(&mut sink, store, name).await.map(|_| ());
    };
    let failed = |error: std::io::Error| unwritable(path, &error);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    let mut sink = Sink { lines: 0, to: To::File { file: std::io::BufWriter::new(file.as_file_mut()), path } };
    let lines = write_all(&mut sink, store, name).await?;
    sink.flush()?;
    drop(sink);
    file.persist_noclobber(path).map_err(|error| failed(error.error))?;
    context.output.diagnose(&format!("exported {lines} lines to {}", path.display()));
    Ok(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("the export cannot be written: {error}"))
        .at(path.display().to_string())
        .next("name a file that does not exist yet, in a directory you may write to")
}

/// All lines; how many there were before the last.
async fn write_all(sink: &mut Sink<'_>, store: &dyn StoreKeeper, name: &str) -> Result<u64, Failure> {
    let log = store.log();
    write_account(sink, store, name).await?;
    let mut theirs = Theirs { name, streams: BTreeSet::new() };
    let head = log.head().await?;
    let mut after = 0;
    while after < head.seq && sink.is_wanted() {
        let page = log.read(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for envelope in page.iter().filter(|envelope| envelope.seq <= head.seq) {
            if let Some(involved) = theirs.involvement(envelope) {
                write_event(sink, log, involved, envelope).await?;
            }
        }
    }
    write_rows(sink, log, &theirs.streams).await?;
    let lines = sink.lines;
    if lines == 0 {
        return Err(Failure::usage(format!("the log holds nothing of {name:?}"))
            .at(store.place())
            .next("names are written as in `morningai audit`; whoever was erased has none"));
    }
    sink.write(&Line::End { lines, head: &head })?;
    Ok(lines)
}

async fn write_account(sink: &mut Sink<'_>, store: &dyn StoreKeeper, name: &str) -> Result<(), Failure> {
    let accounts = store.accounts().accounts().await?;
    let Some(account) = accounts.iter().find(|account| account.name.as_str() == name) else { return Ok(()) };
    let secrets = &account.secrets;
    let shown = serde_json::json!({
        "id": account.id, "name": account.name, "role": account.role,
        "state": match account.standing { Standing::Active => "active", Standing::Disabled => "disabled" },
        "password": secrets.password.is_some(), "totp": secrets.totp.is_some(),
        "recovery_codes": secrets.recovery.len(), "created_at": account.created_at,
    });
    sink.write(&Line::Account { account: shown })?;
    for token in store.accounts().tokens().await?.iter().filter(|token| token.account == account.id) {
        sink.write(&Line::Token { token: TokenShape::of(token, &account.name, SystemClock.now()) })?;
    }
    Ok(())
}

async fn write_event(
    sink: &mut Sink<'_>,
    log: &dyn Log,
    involved: Involved,
    envelope: &Envelope,
) -> Result<(), Failure> {
    sink.write(&Line::Event { involved, event: envelope })?;
    if let (Involved::Subject, Event::Run(RunEvent::CallSettled { result, .. })) = (involved, &envelope.event)
        && let Some(blob) = &result.output.blob
        && let Some(content) = log.get_blob(blob).await?
    {
        sink.write(&Line::Output { blob, base64: STANDARD.encode(content) })?;
    }
    Ok(())
}

/// Runs and requests as the lists have them.
async fn write_rows(sink: &mut Sink<'_>, log: &dyn Log, streams: &BTreeSet<Stream>) -> Result<(), Failure> {
    for stream in streams {
        let (kind, id) = match stream {
            Stream::Run(id) => (RowKind::Run, id.0),
            Stream::Approval(id) => (RowKind::Approval, id.0),
            Stream::Account(_) => continue,
        };
        for row in log.rows(RowFilter::One { kind, id }).await?.rows {
            let value = serde_json::from_str(&row.body)
                .map_err(|error| Failure::failed(format!("the stored {} {id} cannot be read: {error}", kind.name())))?;
            sink.write(&match kind {
                RowKind::Approval => Line::Approval { approval: value },
                RowKind::Run | RowKind::Spend => Line::Run { run: value },
            })?;
        }
    }
    Ok(())
}

/// What is somebody's, as far as the log was read.
struct Theirs<'a> {
    name: &'a str,
    streams: BTreeSet<Stream>,
}

impl Theirs<'_> {
    fn involvement(&mut self, envelope: &Envelope) -> Option<Involved> {
        let is_them = |by: &Actor| matches!(by, Actor::Person(name) if name == self.name);
        let begins = match (&envelope.event, envelope.stream) {
            (Event::Run(RunEvent::Started { .. }), _) => is_them(&envelope.by),
            (Event::Approval(ApprovalEvent::Requested { run, .. }), _) => self.streams.contains(&Stream::Run(*run)),
            (Event::Access(AccessEvent::AccountCreated { name, .. }), _) => name.as_str() == self.name,
            _ => false,
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

/// Where lines go.
struct Sink<'a> {
    lines: u64,
    to: To<'a>,
}

enum To<'a> {
    Output(&'a mut Output),
    File { file: std::io::BufWriter<&'a mut std::fs::File>, path: &'a Path },
}

impl Sink<'_> {
    fn write(&mut self, line: &Line<'_>) -> Result<(), Failure> {
        self.lines += 1;
        match &mut self.to {
            To::Output(output) => output.json(line),
            To::File { file, path } => {
                let text = serde_json::to_string(line)
                    .map_err(|error| Failure::failed(format!("this cannot be written as JSON: {error}")))?;
                writeln!(file, "{}", shape::escaped(text)).map_err(|error| unwritable(path, &error))
            }
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        match &mut self.to {
            To::Output(_) => Ok(()),
            To::File { file, path } => file.flush().map_err(|error| unwritable(path, &error)),
        }
    }

    fn is_wanted(&self) -> bool {
        match &self.to {
            To::Output(output) => output.reader() == Reader::There,
            To::File { .. } => true,
        }
    }
}

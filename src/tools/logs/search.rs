//! `search_logs`: what logs of this machine say in a window of time, put together by form, and what of it is new.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Local, Utc};
use regex::bytes::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::gather::{Gathered, Gatherer, Window};
use super::over_ssh::{self, Brought};
use super::place::{self, Place};
use super::said;
use super::stamp::Reader;
use crate::domain::{
    DURATION_FORM, EffectClass, Environment, FailureKind, Repeat, ToolResult, ToolSpec, parse_duration,
};
use crate::ports::{Clock, Invocation, Prepared, Tool, ToolContext};
use crate::tools::files::blocking;
use crate::tools::remote::{Hosts, Machine};
use crate::tools::{args, cards, output};

const USUAL_RANGE: Duration = Duration::from_secs(60 * 60);
const LONGEST_RANGE: Duration = Duration::from_secs(31 * 24 * 60 * 60);
/// Most of a pattern, compiled.
const LARGEST_PATTERN: usize = 1024 * 1024;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// An absolute path of a log file, or of a directory with logs; when left out, the systemd journal.
    path: Option<String>,
    /// A systemd unit, such as nginx.service, to read only what it wrote to the journal.
    unit: Option<String>,
    /// Only lines that match this regular expression in Rust's syntax.
    pattern: Option<String>,
    /// How long the window of time is, such as 30m; 1h when left out. It is compared with as long a time before it.
    range: Option<String>,
    /// The end of the window, such as 2026-11-30T03:20:00Z; now when left out.
    end: Option<String>,
}

/// Searches logs of this machine.
pub struct SearchLogs {
    spec: ToolSpec,
    clock: Arc<dyn Clock>,
    private: Vec<PathBuf>,
    hosts: Hosts,
}

/// A search ready to run.
#[derive(Debug)]
struct Job {
    place: Place,
    pattern: Option<Regex>,
    range: i64,
    end: Option<DateTime<Utc>>,
}

impl SearchLogs {
    /// Nothing in `private` is read, which is what this program keeps; nor are credentials.
    pub fn new(clock: Arc<dyn Clock>, private: Vec<PathBuf>, hosts: Hosts) -> Self {
        let about = "Searches log files or the systemd journal of the machine that the run is for in a window of time. Shows the lines by form, \
                     with values as <*>, counts, times and an example, and first what is new or came at least three times as \
                     often as before.";
        let spec = args::spec::<Args>("search_logs", EffectClass::Observe, Repeat::Repeatable, about);
        Self { spec, clock, private, hosts }
    }

    fn read(&self, machine: &Machine, args: &Value) -> Result<Job, ToolResult> {
        let Args { path, unit, pattern, range, end } = args::parse(&self.spec, args)?;
        let bad = |what: String| args::bad_call(&self.spec, &what);
        if path.is_some() && unit.is_some() {
            return Err(bad("give \"path\" or \"unit\", not both".to_owned()));
        }
        let range = match range {
            None => USUAL_RANGE,
            Some(range) => parse_duration(&range)
                .filter(|range| !range.is_zero() && *range <= LONGEST_RANGE)
                .ok_or_else(|| bad(format!("\"range\" is {DURATION_FORM}, at most 31d")))?,
        };
        let end = end.map(|end| {
            let read = DateTime::parse_from_rfc3339(&end);
            read.map(|end| end.to_utc()).map_err(|_| bad("\"end\" is a time such as 2026-11-30T03:20:00Z".to_owned()))
        });
        let pattern = pattern.map(|pattern| {
            let built = RegexBuilder::new(&pattern).size_limit(LARGEST_PATTERN).build();
            built.map_err(|error| bad(format!("\"pattern\" is not a regular expression: {error}")))
        });
        let place = match machine {
            Machine::Here => Place::of(path.as_deref(), unit, &self.private)?,
            Machine::Host(_) => over_ssh::place(path.as_deref(), unit)?,
        };
        let range = i64::try_from(range.as_secs()).unwrap_or(i64::MAX);
        Ok(Job { place, pattern: pattern.transpose()?, range, end: end.transpose()? })
    }

    async fn run(&self, invocation: &Invocation<'_>) -> Result<ToolResult, ToolResult> {
        let machine = self.hosts.of(invocation.context)?;
        let job = self.read(&machine, invocation.args)?;
        let now = self.clock.now();
        let end = job.end.unwrap_or(now).timestamp();
        let window = Window { start: end - job.range, end };
        let (cancel, private) = (invocation.cancel.clone(), self.private.clone());
        let source = match (&machine, &job.place) {
            (Machine::Host(host), place) => Source::Brought(over_ssh::bring(host, place, window, &cancel).await?),
            (Machine::Here, Place::Journal(unit)) => {
                let (text, is_all) = place::journal(unit.as_deref(), window, &cancel).await?;
                Source::Journal { text, is_all }
            }
            (Machine::Here, Place::Files(path)) => Source::Files(path.clone()),
        };
        let there = if let Source::Brought(logs) = &source { logs.offset } else { None };
        let reader = Reader::new(now, there.unwrap_or(*now.with_timezone(&Local).offset()));
        let broken = |why: String| ToolResult::failure(FailureKind::Failed, why);
        let gathered = blocking(move || {
            let mut gatherer = Gatherer::new(window, reader, job.pattern.as_ref(), &cancel).map_err(broken)?;
            let read = match source {
                Source::Files(path) => read_files(&mut gatherer, &path, window, &private)?,
                Source::Journal { text, is_all } => {
                    gatherer.text(&text);
                    ReadLogs { files: 1, cut_journal: !is_all, ..ReadLogs::default() }
                }
                Source::Brought(brought) => {
                    brought.read_into(&mut gatherer);
                    let (unreadable, left_out) = (brought.unreadable, brought.left_out);
                    ReadLogs { files: brought.logs.len(), unreadable, left_out, ..ReadLogs::default() }
                }
            };
            match cancel.is_cancelled() {
                true => Err(ToolResult::failure(FailureKind::Cancelled, "the search was cancelled")),
                false => Ok((gatherer.finish(), read)),
            }
        });
        let (gathered, read) = gathered.await??;
        Ok(told(gathered, &read, window, invocation).await)
    }
}

/// Where lines come from.
enum Source {
    Files(PathBuf),
    Journal {
        text: Vec<u8>,
        is_all: bool,
    },
    /// From another host.
    Brought(Brought),
}

/// Which logs were read, and which were not.
#[derive(Default)]
struct ReadLogs {
    files: usize,
    unreadable: usize,
    left_out: usize,
    cut_journal: bool,
}

fn read_files(
    gatherer: &mut Gatherer<'_>,
    path: &std::path::Path,
    window: Window,
    private: &[PathBuf],
) -> Result<ReadLogs, ToolResult> {
    let (files, left_out) = place::files(path, window, private);
    let mut read = ReadLogs { left_out, ..ReadLogs::default() };
    let mut problem = None;
    for (path, written) in files {
        if gatherer.is_done() {
            read.left_out += 1;
            continue;
        }
        // What was a file a moment ago may be a link or a pipe now.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let opened = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(&path);
        match opened.and_then(|mut file| gatherer.file(&mut file, written)) {
            Ok(()) => read.files += 1,
            Err(error) => {
                problem.get_or_insert_with(|| format!("{}: {error}", path.display()));
                read.unreadable += 1;
            }
        }
    }
    match (read.files, problem) {
        (0, Some(problem)) => Err(ToolResult::failure(FailureKind::Failed, problem)),
        _ => Ok(read),
    }
}

async fn told(gathered: Gathered, read: &ReadLogs, window: Window, invocation: &Invocation<'_>) -> ToolResult {
    let Gathered { templates, lines, before, untimed, cut, is_complete } = gathered;
    let beyond = templates.beyond;
    let templates = templates.into_sorted();
    let mut notes = Vec::new();
    let mut note = |count: usize, what: &str| {
        if count > 0 {
            notes.push(format!("({count} {what})"));
        }
    };
    note(read.unreadable, "files may not be read by this user");
    note(read.left_out, "files were left out; name one of them");
    note(usize::try_from(cut).unwrap_or(usize::MAX), "files are so large that only their end was read");
    note(usize::try_from(untimed).unwrap_or(usize::MAX), "lines have no time of their own");
    note(usize::try_from(beyond.0).unwrap_or(usize::MAX), "lines of still other forms; narrow the search by a pattern");
    if read.cut_journal || !is_complete {
        notes.push("(stopped before everything was read)".to_owned());
    }
    let summary = said::summary(&templates, lines, before);
    let text = said::text(&templates, (lines, before), window, &notes);
    let mut result = ToolResult::success(summary, output::fit(text.as_bytes(), invocation.output).await);
    result.data = Some(json!({
        "lines": lines, "lines_before": before, "files": read.files, "complete": is_complete && !read.cut_journal,
        "templates": said::data(&templates),
    }));
    result
}

#[async_trait]
impl Tool for SearchLogs {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let machine = self.hosts.of(context)?;
        let job = self.read(&machine, args)?;
        let mut card = cards::observe(&self.spec, "search", job.place.name(), args);
        match machine {
            Machine::Here => card.environment = Environment::Host,
            Machine::Host(host) => host.mark(&mut card),
        }
        if let Place::Files(path) = &job.place {
            cards::fact(&mut card, "path", path.display().to_string());
            cards::fact(&mut card, "inside_workspace", false);
        }
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        self.run(&invocation).await.unwrap_or_else(|result| result)
    }
}

//! Recordings: the events of runs as lines of JSON, with the time since the first of them.
//!
//! The first line is a header, `{"recording":1,"title":…,"program":…}`. Each line after it holds either
//! `{"t":MILLISECONDS,"envelope":…}`, an event as the log has it, or `{"blob":ID,"base64":…}`, a long output that
//! events refer to. After a line `{"otherwise":APPROVAL}` come the events of a second recording: the same world up to the
//! decision on that request, which was decided otherwise in it. The last line, `{"sha256":HEX}`, is the SHA-256 of all
//! lines above it; a recording without it is read unchecked. Nothing in a recording is trusted: it is read with
//! limits, and shown like any outside text.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Datelike;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::{ApprovalId, BlobId, CallNo, RunId, Timestamp};
use crate::kinds::{ApprovalEvent, Envelope, Event, RunEvent, Stream};
use crate::ports::{Log, LogError};

/// The format's version, in the header.
const VERSION: u32 = 1;
/// Longest recording and longest line accepted, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;
const LONGEST_LINE: usize = 8 * 1024 * 1024;
/// Longest blob kept in a recording, in bytes; a longer one is left out, and its head and tail remain in the event.
const LARGEST_BLOB: usize = 1024 * 1024;
/// Longest time that a recording may last, and the years its events may be of: playing reckons with both.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);
const YEARS: RangeInclusive<i32> = 1970..=9999;
const PAGE: u32 = 1000;

/// What happened, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    pub title: String,
    pub events: Vec<(Duration, Envelope)>,
    pub blobs: BTreeMap<BlobId, Vec<u8>>,
    pub otherwise: Option<Otherwise>,
}

/// How it went on when one request was decided otherwise. Nothing was under way when that was decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Otherwise {
    pub approval: ApprovalId,
    /// How many events had happened before.
    pub shared: usize,
    /// From the other decision on.
    pub events: Vec<(Duration, Envelope)>,
}

/// A recording that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {problem}")]
pub struct RecordingError {
    pub file: String,
    /// From 1; 0 for the file as a whole.
    pub line: usize,
    pub problem: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    recording: u32,
    title: String,
    #[serde(default)]
    program: String,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Event { t: u64, envelope: Box<Envelope> },
    Otherwise { otherwise: ApprovalId },
    End { sha256: String },
    Blob { blob: BlobId, base64: String },
}

impl Recording {
    /// Takes a run out of the log, with its requests to people and the long outputs it refers to.
    pub async fn of_run(log: &dyn Log, run: RunId) -> Result<Option<Self>, LogError> {
        let events = stream(log, Stream::Run(run)).await?;
        let Some(Event::Run(RunEvent::Started { spec })) = events.first().map(|first| &first.event) else {
            return Ok(None);
        };
        let title = spec.goal.raw().to_owned();
        let streams: Vec<_> = approvals_of(&events).into_iter().chain([Stream::Run(run)]).collect();
        Self::of_streams(log, title, &streams).await.map(Some)
    }

    /// Takes several streams out of the log, and the long outputs that they refer to.
    pub async fn of_streams(log: &dyn Log, title: String, streams: &[Stream]) -> Result<Self, LogError> {
        let mut events = Vec::new();
        for of in streams {
            events.extend(stream(log, *of).await?);
        }
        events.sort_by_key(|envelope| envelope.seq);
        let start = events.first().map_or_else(Default::default, |first| first.at);
        let mut blobs = BTreeMap::new();
        for blob in events.iter().filter_map(blob_of) {
            if let Some(content) = log.get_blob(blob).await?.filter(|content| content.len() <= LARGEST_BLOB) {
                blobs.insert(blob.clone(), content);
            }
        }
        let since = |envelope: &Envelope| (envelope.at - start).to_std().unwrap_or_default();
        let events = events.into_iter().map(|envelope| (since(&envelope), envelope)).collect();
        Ok(Self { title, events, blobs, otherwise: None })
    }

    /// The recording as text, one JSON object a line.
    pub fn to_ndjson(&self) -> Result<String, serde_json::Error> {
        let program = format!("morningai {}", env!("CARGO_PKG_VERSION"));
        let header = Header { recording: VERSION, title: self.title.clone(), program };
        let mut text = serde_json::to_string(&header)?;
        let blobs = self
            .blobs
            .iter()
            .map(|(blob, content)| Line::Blob { blob: blob.clone(), base64: STANDARD.encode(content) });
        let event = |(at, envelope): &(Duration, Envelope)| Line::Event {
            t: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            envelope: Box::new(envelope.clone()),
        };
        let otherwise = self.otherwise.iter().flat_map(|otherwise| {
            let mark = Line::Otherwise { otherwise: otherwise.approval };
            std::iter::once(mark).chain(otherwise.events.iter().map(event))
        });
        for line in blobs.chain(self.events.iter().map(event)).chain(otherwise) {
            text.push('\n');
            text.push_str(&serde_json::to_string(&line)?);
        }
        text.push('\n');
        let end = serde_json::to_string(&Line::End { sha256: digest(&text) })?;
        Ok(text + &end + "\n")
    }

    /// Reads a recording; `file` names it in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, RecordingError> {
        let wrong = |line: usize, problem: String| RecordingError { file: file.to_owned(), line, problem };
        if text.len() > LARGEST {
            return Err(wrong(0, format!("it is longer than {LARGEST} bytes")));
        }
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let first = lines.next().map(|(_, line)| line).unwrap_or_default();
        let header: Header = serde_json::from_str(first)
            .map_err(|error| wrong(1, format!("this is not the header of a recording: {error}")))?;
        if header.recording != VERSION {
            let problem = format!("it has format {}, this program reads format {VERSION}", header.recording);
            return Err(wrong(1, problem));
        }
        let mut recording = Self { title: header.title, events: Vec::new(), blobs: BTreeMap::new(), otherwise: None };
        let mut is_over = false;
        for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            if line.len() > LONGEST_LINE {
                return Err(wrong(number, format!("it is longer than {LONGEST_LINE} bytes")));
            }
            let parsed = serde_json::from_str(line).map_err(|_| {
                wrong(number, "this is neither an event nor a blob; the recording may be cut off here".to_owned())
            })?;
            if is_over {
                return Err(wrong(number, "nothing may stand below the line with the checksum".to_owned()));
            }
            if let Line::End { sha256 } = &parsed {
                let above = line.as_ptr() as usize - text.as_ptr() as usize;
                if digest(&text[..above]) != *sha256 {
                    return Err(wrong(
                        number,
                        "the lines above it do not have this SHA-256: they were changed".to_owned(),
                    ));
                }
                is_over = true;
                continue;
            }
            recording.take(parsed).map_err(|problem| wrong(number, problem))?;
        }
        if recording.events.first().is_none_or(|(_, first)| first.version != 1) {
            return Err(wrong(0, "it does not begin with the start of anything".to_owned()));
        }
        Ok(recording)
    }

    /// Events are numbered anew, so that a log with other runs in it gives a recording without gaps.
    fn take(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::End { .. } => {}
            Line::Event { t, mut envelope } => {
                let at = Duration::from_millis(t);
                if at > LONGEST {
                    return Err("it happened more than ten years after the beginning".to_owned());
                }
                if !times(&envelope).all(|time| YEARS.contains(&time.year())) {
                    return Err(format!("it has a time outside the years {} to {}", YEARS.start(), YEARS.end()));
                }
                let (before, events) = match &mut self.otherwise {
                    None => (0, &mut self.events),
                    Some(otherwise) if otherwise.events.is_empty() && envelope.stream != otherwise.stream() => {
                        return Err("what was decided otherwise does not begin with the decision".to_owned());
                    }
                    Some(otherwise) => (otherwise.shared, &mut otherwise.events),
                };
                if events.last().is_some_and(|(last, _)| *last > at) {
                    return Err("it happened before the line above it".to_owned());
                }
                envelope.seq = (before + events.len()) as u64 + 1;
                events.push((at, *envelope));
            }
            Line::Otherwise { otherwise: approval } => {
                let decided = self.decision_on(approval).filter(|_| self.otherwise.is_none());
                let shared =
                    decided.ok_or("it names no request that was decided above, or another one was named before")?;
                self.otherwise = Some(Otherwise { approval, shared, events: Vec::new() });
            }
            Line::Blob { blob, base64 } => {
                let content = STANDARD.decode(base64).map_err(|error| format!("the blob is not base64: {error}"))?;
                if BlobId::of(&content) != blob {
                    return Err("the blob's content does not have the SHA-256 it is named by".to_owned());
                }
                self.blobs.insert(blob, content);
            }
        }
        Ok(())
    }

    /// Where a request is decided.
    fn decision_on(&self, approval: ApprovalId) -> Option<usize> {
        let decides = |(_, envelope): &(Duration, Envelope)| {
            envelope.stream == Stream::Approval(approval)
                && !matches!(envelope.event, Event::Approval(ApprovalEvent::Requested { .. }))
        };
        self.events.iter().position(decides)
    }

    /// How long it lasts.
    pub fn length(&self) -> Duration {
        self.events.last().map_or(Duration::ZERO, |(at, _)| *at)
    }
}

impl Otherwise {
    fn stream(&self) -> Stream {
        Stream::Approval(self.approval)
    }
}

/// The times of an event that are moved when it is played.
fn times(envelope: &Envelope) -> impl Iterator<Item = Timestamp> {
    let expires = if let Event::Approval(ApprovalEvent::Requested { expires_at, .. }) = &envelope.event {
        *expires_at
    } else {
        None
    };
    [Some(envelope.at), expires].into_iter().flatten()
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

async fn stream(log: &dyn Log, stream: Stream) -> Result<Vec<Envelope>, LogError> {
    let mut events: Vec<Envelope> = Vec::new();
    loop {
        let after = events.last().map_or(0, |last| last.version);
        let page = log.read_stream(stream, after, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        events.extend(page);
        if is_last {
            return Ok(events);
        }
    }
}

fn approvals_of(events: &[Envelope]) -> Vec<Stream> {
    let asked = |envelope: &Envelope| {
        let Event::Run(event) = &envelope.event else { return None };
        event.asks().map(Stream::Approval)
    };
    events.iter().filter_map(asked).collect()
}

fn blob_of(envelope: &Envelope) -> Option<&BlobId> {
    let Event::Run(RunEvent::CallSettled { result, .. }) = &envelope.event else { return None };
    result.output.blob.as_ref()
}

/// What streamed between two events, as far as the finishing event tells: the text, evenly over the time it took.
pub(super) fn streamed(events: &[(Duration, Envelope)], index: usize) -> Option<(Duration, Streamed<'_>)> {
    let (_, envelope) = events.get(index)?;
    let Stream::Run(run) = envelope.stream else { return None };
    let Event::Run(event) = &envelope.event else { return None };
    let (streamed, began) = if let RunEvent::TurnFinished { turn, reply, .. } = event {
        let begins = |event: &RunEvent| matches!(event, RunEvent::TurnStarted { turn: started, .. } if started == turn);
        (Streamed { run, source: Source::Turn(*turn), text: reply.text.raw() }, begin(events, index, begins))
    } else if let RunEvent::CallSettled { call, result, .. } = event {
        let begins =
            |event: &RunEvent| matches!(event, RunEvent::EffectStarted { call: started, .. } if started == call);
        (Streamed { run, source: Source::Call(*call), text: result.output.head.raw() }, begin(events, index, begins))
    } else {
        return None;
    };
    began.filter(|_| !streamed.text.is_empty()).map(|began| (began, streamed))
}

fn begin(events: &[(Duration, Envelope)], before: usize, is_it: impl Fn(&RunEvent) -> bool) -> Option<Duration> {
    let matches = |(_, envelope): &&(Duration, Envelope)| matches!(&envelope.event, Event::Run(event) if is_it(event));
    events[..before].iter().rev().find(matches).map(|(at, _)| *at)
}

/// Text that came bit by bit.
pub(super) struct Streamed<'a> {
    pub(super) run: RunId,
    pub(super) source: Source,
    pub(super) text: &'a str,
}

#[derive(Clone, Copy)]
pub(super) enum Source {
    Turn(u32),
    Call(CallNo),
}

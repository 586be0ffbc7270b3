//! `search`: lines that match a pattern, ignore files respected, binary and credential files skipped, bounded.

use std::io::Read;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ignore::overrides::OverrideBuilder;
use regex::bytes::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::credential::is_credential;
use super::list::walk;
use super::root::{LastLink, Place, Root, failed};
use super::{blocking, text};
use crate::domain::{EffectClass, FailureKind, Output, Repeat, ToolResult, ToolSpec};
use crate::ports::{Invocation, Prepared, Tool, ToolContext};
use crate::tools::output::shorten;
use crate::tools::{args, cards};

const SHOWN_BYTES: usize = Output::INLINE_BYTES - 256;
const LINE_BYTES: usize = 300;
/// Larger files are data, not source; they are counted as skipped.
const LARGEST_SEARCHED: u64 = 8 * 1024 * 1024;
const LONGEST_SEARCH: Duration = Duration::from_secs(20);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// A regular expression in Rust's syntax, matched line by line.
    pattern: String,
    /// Directory or file to search, relative to the workspace; all of it when left out.
    path: Option<String>,
    /// Only files whose path matches, such as `*.rs` or `src/**/*.py`.
    glob: Option<String>,
    /// Take the pattern as plain text instead of a regular expression.
    literal: Option<bool>,
}

/// Searches the text of files.
pub struct Search {
    spec: ToolSpec,
}

impl Default for Search {
    fn default() -> Self {
        let about = "Searches files of the workspace for lines that match a pattern and shows them as path:line: text. \
                     Ignored, hidden and binary files are skipped.";
        Self { spec: args::spec::<Args>("search", EffectClass::Observe, Repeat::Repeatable, about) }
    }
}

/// A search ready to run.
struct Job {
    root: Root,
    place: Place,
    pattern: Regex,
    glob: Option<String>,
}

/// What a search found.
#[derive(Default)]
struct Found {
    text: String,
    matches: usize,
    shown: usize,
    files: usize,
    skipped: usize,
    replaced: bool,
    stopped: bool,
}

impl Job {
    fn new(spec: &ToolSpec, context: &ToolContext, args: &Value) -> Result<Self, ToolResult> {
        let args: Args = args::parse(spec, args)?;
        if args.pattern.is_empty() {
            return Err(args::bad_call(spec, "\"pattern\" is empty"));
        }
        let literal = args.literal == Some(true);
        let text = if literal { regex::escape(&args.pattern) } else { args.pattern.clone() };
        let pattern = RegexBuilder::new(&text).size_limit(4 * 1024 * 1024).build().map_err(|error| {
            args::bad_call(
                spec,
                &format!("\"pattern\" is not a regular expression (set literal to search for it as it is): {error}"),
            )
        })?;
        let root = Root::of(context)?;
        let place = root.resolve(args.path.as_deref().unwrap_or("."), LastLink::Follow)?;
        root.look(&place).map_err(|error| failed(&place, "search", &error))?;
        if let Some(glob) = &args.glob {
            let check = OverrideBuilder::new(root.path()).add(glob).map(|_| ());
            check.map_err(|error| args::bad_call(spec, &format!("\"glob\" is not a glob: {error}")))?;
        }
        Ok(Self { root, place, pattern, glob: args.glob })
    }

    fn run(&self, cancel: &CancellationToken) -> Found {
        let mut found = Found::default();
        let started = Instant::now();
        let mut builder = walk(&self.root, &self.place);
        if let Some(glob) = &self.glob {
            let mut overrides = OverrideBuilder::new(self.root.path());
            if let Ok(built) = overrides.add(glob).and_then(|overrides| overrides.build()) {
                builder.overrides(built);
            }
        }
        for entry in builder.build().flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file())) {
            if cancel.is_cancelled() || started.elapsed() > LONGEST_SEARCH {
                found.stopped = true;
                break;
            }
            let Some(place) = self.root.found(entry.path()) else { continue };
            match self.content(&place) {
                Some(content) => found.search(&self.pattern, &place, &content),
                None => found.skipped += 1,
            }
        }
        found
    }

    /// The text of a file worth searching.
    fn content(&self, place: &Place) -> Option<Vec<u8>> {
        if is_credential(place.path()) {
            return None;
        }
        let file = self.root.open_file(place).ok()?;
        if file.metadata().ok()?.len() > LARGEST_SEARCHED {
            return None;
        }
        let mut content = Vec::new();
        file.take(LARGEST_SEARCHED).read_to_end(&mut content).ok()?;
        (!content.iter().take(8_000).any(|byte| *byte == 0)).then_some(content)
    }
}

impl Found {
    fn search(&mut self, pattern: &Regex, place: &Place, content: &[u8]) {
        let mut hit = false;
        let content = text::unmarked(content);
        for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            // The piece after the last line break is a line only when something is on it.
            if (line.is_empty() && index > 0 && content.ends_with(b"\n")) || !pattern.is_match(line) {
                continue;
            }
            hit = true;
            self.matches += 1;
            let text = String::from_utf8_lossy(line);
            let row = format!("{}:{}: {}\n", place.shown(), index + 1, shorten(&text, LINE_BYTES));
            if self.shown + 1 == self.matches && self.text.len() + row.len() <= SHOWN_BYTES {
                self.replaced |= matches!(text, std::borrow::Cow::Owned(_));
                self.text.push_str(&row);
                self.shown += 1;
            }
        }
        self.files += usize::from(hit);
    }

    fn into_result(mut self, pattern: &str) -> ToolResult {
        let left_out = self.matches - self.shown;
        let pattern = shorten(pattern, 80);
        if left_out > 0 {
            self.text.push_str(&format!("({left_out} more matches; narrow it with path or glob)\n"));
        }
        if self.replaced {
            self.text.push_str("(bytes that are not UTF-8 are shown as \u{fffd})\n");
        }
        if self.stopped {
            self.text.push_str("(stopped before every file was searched)\n");
        }
        let summary = match self.matches {
            0 => format!("nothing matches `{pattern}`"),
            matches => format!(
                "{} in {}",
                cards::count(matches, "match", "matches"),
                cards::count(self.files, "file", "files")
            ),
        };
        let text = if self.text.is_empty() { format!("{summary}\n") } else { self.text };
        let mut result = ToolResult::success(summary, Output::text(text));
        result.data = Some(serde_json::json!({
            "matches": self.matches, "files": self.files, "left_out": left_out,
            "skipped": self.skipped, "complete": !self.stopped,
        }));
        result
    }
}

#[async_trait]
impl Tool for Search {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let (spec, context, args) = (self.spec.clone(), context.clone(), args.clone());
        blocking(move || {
            let job = Job::new(&spec, &context, &args)?;
            let mut card = cards::observe(&spec, "search", job.place.target(), &args);
            cards::fact(&mut card, "path", job.place.shown());
            cards::fact(&mut card, "inside_workspace", true);
            Ok(Prepared::Effect(Box::new(card)))
        })
        .await?
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        let (spec, context, args) = (self.spec.clone(), invocation.context.clone(), invocation.args.clone());
        let cancel = invocation.cancel.clone();
        let searched = blocking(move || match Job::new(&spec, &context, &args) {
            Ok(job) => {
                let found = job.run(&cancel);
                if cancel.is_cancelled() {
                    return ToolResult::failure(FailureKind::Cancelled, "the search was cancelled");
                }
                found.into_result(args["pattern"].as_str().unwrap_or_default())
            }
            Err(result) => result,
        });
        searched.await.unwrap_or_else(|result| result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(content: &[u8], pattern: &str) -> Found {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::open(dir.path()).unwrap();
        let place = root.resolve("a.rs", LastLink::Follow).unwrap();
        let mut found = Found::default();
        found.search(&Regex::new(pattern).unwrap(), &place, content);
        found
    }

    #[test]
    fn matches_are_named_by_path_and_line() {
        assert_eq!(found(b"one\ntwo\r\nthree", "t").text, "a.rs:2: two\na.rs:3: three\n");
        assert_eq!(found(b"one\n", "^$").matches, 0);
        assert_eq!(found(b"one\n\ntwo\n", "^$").text, "");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let found = found("needle in a haystack\n".repeat(1_000).as_bytes(), "needle");
        assert_eq!((found.matches, found.files), (1_000, 1));
        assert!(found.shown < 1_000 && found.text.len() <= SHOWN_BYTES);
        let result = found.into_result("needle");
        assert!(
            result.output.head.raw().contains("more matches") && result.output.bytes <= Output::INLINE_BYTES as u64
        );
    }
}

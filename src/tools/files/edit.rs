//! `edit_file` replaces exact text, `write_file` sets a file's whole content.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::change::Change;
use super::content::check_content;
use super::root::{LastLink, Place, Root, failed};
use super::text::{Encoding, Ending, Lines};
use super::{blocking, change, nearest, text};
use crate::domain::{EffectCard, EffectClass, FailureKind, Output, Repeat, ToolResult, ToolSpec};
use crate::ports::{Checked, Invocation, Prepared, Tool, ToolContext};
use crate::tools::args;
use crate::tools::workspace::submodules;

/// Longest content a call may write.
const LONGEST_CONTENT: usize = 4 * 1024 * 1024;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EditArgs {
    /// The file, relative to the workspace.
    path: String,
    /// The exact text to replace, with its white space, long enough to occur only once.
    old: String,
    /// The text that takes its place.
    new: String,
    /// Replace every occurrence instead of exactly one.
    replace_all: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WriteArgs {
    /// The file, relative to the workspace; missing directories are made.
    path: String,
    /// The whole new content.
    content: String,
}

/// Replaces exact text in a file.
pub struct EditFile {
    spec: ToolSpec,
}

/// Creates a file or replaces all of it.
pub struct WriteFile {
    spec: ToolSpec,
}

impl Default for EditFile {
    fn default() -> Self {
        let about = "Replaces exact text in a file of the workspace. `old` must occur exactly once unless \
                     `replace_all` is true; copy it from read_file without the line numbers.";
        Self { spec: args::spec::<EditArgs>("edit_file", EffectClass::Workspace, Repeat::Checkable, about) }
    }
}

impl Default for WriteFile {
    fn default() -> Self {
        let about = "Creates a file in the workspace or replaces its whole content. Prefer edit_file for changes.";
        Self { spec: args::spec::<WriteArgs>("write_file", EffectClass::Workspace, Repeat::Checkable, about) }
    }
}

/// Works out the change a call asks for.
type Plan = fn(&ToolSpec, &Root, &Value) -> Result<Change, ToolResult>;

fn plan_edit(spec: &ToolSpec, root: &Root, args: &Value) -> Result<Change, ToolResult> {
    let args: EditArgs = args::parse(spec, args)?;
    if args.old.is_empty() {
        return Err(args::bad_call(spec, "\"old\" is empty; use write_file to create a file or replace all of it"));
    }
    let place = root.resolve(&args.path, LastLink::Follow)?;
    let before = match root.read(&place) {
        Ok(Some(content)) => content,
        Ok(None) => return Err(failed(&place, "edit", &std::io::ErrorKind::NotFound.into())),
        Err(error) => return Err(failed(&place, "edit", &error)),
    };
    check_encoding(&place, &before.bytes, &args.new)?;
    let body = text::unmarked(&before.bytes);
    let lines = Lines::of(body);
    let given = |text: &str| {
        lines.like(if body.len() < before.bytes.len() { text.trim_start_matches('\u{feff}') } else { text })
    };
    let (mut old, mut new) = (given(&args.old), given(&args.new));
    if old == new || old.is_empty() {
        let problem = "\"old\" and \"new\" are the same, so there is nothing to change; line endings and byte order marks \
                       stay as they are";
        return Err(args::bad_call(spec, problem));
    }
    let mut found = occurrences(&lines.text, &old);
    if found.is_empty() && at_open_end(&lines.text, &old) {
        // The last line ends without a line break, which read_file does not show. It stays so.
        old.pop();
        new.pop_if(|last| *last == b'\n');
        found = vec![lines.text.len() - old.len()];
    }
    if found.is_empty() || (found.len() > 1 && args.replace_all != Some(true)) {
        return Err(not_once(&place, &lines.text, &args.old, &found));
    }
    let mut after = Vec::with_capacity(before.bytes.len() + new.len());
    after.extend_from_slice(&before.bytes[..before.bytes.len() - body.len()]);
    let (mut from, mut written) = (0, Vec::new());
    for at in found {
        let (range, bytes) = lines.replace(at..at + old.len(), &new);
        after.extend_from_slice(&body[from..range.start]);
        after.extend_from_slice(&bytes);
        from = range.end;
        written.extend(bytes);
    }
    after.extend_from_slice(&body[from..]);
    let note = written.contains(&b'\r').then(|| "The new lines end as those around them do.".to_owned());
    let note = note.filter(|_| !args.new.contains('\r'));
    Ok(Change { place, before: Some(before), after, note })
}

/// Whether `old` is the end of the text but for a last line break that is not there.
fn at_open_end(text: &[u8], old: &[u8]) -> bool {
    let bare = old.strip_suffix(b"\n").filter(|bare| !bare.is_empty());
    !text.ends_with(b"\n") && bare.is_some_and(|bare| text.ends_with(bare))
}

/// Refuses to write UTF-8 into what is written otherwise.
fn check_encoding(place: &Place, before: &[u8], new: &str) -> Result<(), ToolResult> {
    let what = match Encoding::of(before) {
        Encoding::Utf16 => "UTF-16 text",
        Encoding::Other if !new.is_ascii() => "text that is not UTF-8, while what would be written is more than ASCII",
        Encoding::Utf8 | Encoding::Other => return Ok(()),
    };
    let shown = place.shown();
    let mut result = ToolResult::failure(FailureKind::Failed, format!("`{shown}` is {what}; nothing was written"));
    let advice = "The file tools write UTF-8 and would spoil it. Change it with a program that knows its encoding, or \
                  delete the file first if it is to become UTF-8.";
    result.output = Output::text(format!("`{shown}` is {what}.\n{advice}"));
    Err(result)
}

/// What is wrong with an `old` that is not in the text once, and what helps.
fn not_once(place: &Place, text: &[u8], old: &str, found: &[usize]) -> ToolResult {
    let advice = match found {
        [] => nearest::advice(&String::from_utf8_lossy(text), old),
        found => many(text, found),
    };
    let problem = format!("`old` was found {} times in {}", found.len(), place.shown());
    let mut result = ToolResult::failure(FailureKind::Failed, problem.clone());
    result.output = Output::text(format!("{problem}.\n{advice}"));
    result
}

fn plan_write(spec: &ToolSpec, root: &Root, args: &Value) -> Result<Change, ToolResult> {
    let args: WriteArgs = args::parse(spec, args)?;
    if args.content.len() > LONGEST_CONTENT {
        let problem = format!("\"content\" is {} bytes long, at most {LONGEST_CONTENT} fit", args.content.len());
        return Err(args::bad_call(spec, &problem));
    }
    let place = root.resolve(&args.path, LastLink::Follow)?;
    let before = root.read(&place).map_err(|error| failed(&place, "write", &error))?;
    let (after, note) = match &before {
        Some(before) => {
            check_encoding(&place, &before.bytes, &args.content)?;
            fitted(&before.bytes, args.content)
        }
        None => (args.content.into_bytes(), None),
    };
    Ok(Change { place, before, after, note })
}

/// New content with the byte order mark and the line endings of the old, as far as it has none of its own; and what
/// there is to say of that.
fn fitted(before: &[u8], content: String) -> (Vec<u8>, Option<String>) {
    let lines = Lines::of(text::unmarked(before));
    let (mut after, mut notes) = (content.into_bytes(), Vec::new());
    match lines.ending() {
        Some(ending) if ending != Ending::Lf && after.contains(&b'\n') && !after.contains(&b'\r') => {
            after = Lines::of(&after).ended(ending);
            notes.push(format!("Its lines end in {} as before.", ending.name()));
        }
        None if lines.is_mixed() && !after.contains(&b'\r') => {
            notes.push("Its lines ended in CRLF and LF before; now all end in LF.".to_owned());
        }
        Some(_) | None => {}
    }
    if before.starts_with(text::MARK) && !after.starts_with(text::MARK) {
        after.splice(..0, text::MARK.iter().copied());
        notes.push("It begins with a byte order mark as before.".to_owned());
    }
    (after, (!notes.is_empty()).then(|| notes.join(" ")))
}

/// Where `needle` begins, without overlaps.
fn occurrences(haystack: &[u8], needle: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(rest) = haystack.get(from..).filter(|rest| rest.len() >= needle.len()) {
        let Some(at) = rest.windows(needle.len()).position(|window| window == needle) else { break };
        found.push(from + at);
        from += at + needle.len();
    }
    found
}

fn many(before: &[u8], found: &[usize]) -> String {
    let line = |at: &usize| (before[..*at].iter().filter(|byte| **byte == b'\n').count() + 1).to_string();
    let lines: Vec<String> = found.iter().take(20).map(line).collect();
    let more = if found.len() > 20 { ", …" } else { "" };
    format!(
        "It occurs on lines {}{more}. Add surrounding lines to `old` to name one of them, or set replace_all.",
        lines.join(", ")
    )
}

async fn prepare(
    spec: &ToolSpec,
    verb: &'static str,
    plan: Plan,
    context: &ToolContext,
    args: &Value,
) -> Result<Prepared, ToolResult> {
    let (spec, context, args) = (spec.clone(), context.clone(), args.clone());
    let missing = match &context.workspace {
        Some(workspace) => submodules(workspace).await,
        None => Vec::new(),
    };
    blocking(move || {
        let root = Root::of(&context)?;
        let change = plan(&spec, &root, &args)?;
        if missing.iter().any(|submodule| change.place.path().starts_with(submodule)) {
            let what = format!("{} lies in a submodule that is not checked out", change.place.shown());
            let mut refused = ToolResult::failure(FailureKind::Failed, what.clone());
            refused.output = Output::text(format!("{what}. Nothing in it can be committed; write elsewhere."));
            return Err(refused);
        }
        Ok(Prepared::Effect(Box::new(change.card(&spec, verb))))
    })
    .await?
}

async fn perform(spec: &ToolSpec, plan: Plan, invocation: Invocation<'_>) -> ToolResult {
    let (spec, context, args, card) =
        (spec.clone(), invocation.context.clone(), invocation.args.clone(), invocation.card.clone());
    let performed = blocking(move || {
        let root = match Root::of(&context) {
            Ok(root) => root,
            Err(result) => return result,
        };
        // A repeat after a crash finds its own work done; planning it again would report a failure that never was.
        if let Checked::Happened(result) = change::check(&root, &card) {
            return *result;
        }
        match plan(&spec, &root, &args) {
            Ok(change) => change.make(&root, &card),
            Err(_) => drift_of(&card),
        }
    });
    performed.await.unwrap_or_else(|result| result)
}

/// The dry run worked and the same call no longer does: the file is another one now.
fn drift_of(card: &EffectCard) -> ToolResult {
    let target = card.targets.first().cloned().unwrap_or_default();
    let summary = format!("`{}` has changed since this was prepared; nothing was written", target.raw());
    ToolResult::failure(FailureKind::Drift, summary)
}

#[async_trait]
impl Tool for EditFile {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        prepare(&self.spec, "edit", plan_edit, context, args).await
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        perform(&self.spec, plan_edit, invocation).await
    }

    async fn check(&self, context: &ToolContext, card: &EffectCard) -> Checked {
        check_content(context, card).await
    }
}

#[async_trait]
impl Tool for WriteFile {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        prepare(&self.spec, "write", plan_write, context, args).await
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        perform(&self.spec, plan_write, invocation).await
    }

    async fn check(&self, context: &ToolContext, card: &EffectCard) -> Checked {
        check_content(context, card).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occurrences_do_not_overlap_and_are_literal() {
        assert_eq!(occurrences(b"aaaa", b"aa"), [0, 2]);
        assert_eq!(occurrences(b"a.c abc", b"a.c"), [0]);
    }

    #[test]
    fn many_occurrences_are_named_by_line() {
        assert!(many(b"x\nx\ny\nx", &[0, 2, 6]).starts_with("It occurs on lines 1, 2, 4."));
    }
}

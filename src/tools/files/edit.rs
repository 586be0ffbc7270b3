//! `edit_file` replaces exact text, `write_file` sets a file's whole content.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::blocking;
use super::change;
use super::change::Change;
use super::content::check_content;
use super::nearest;
use super::root::LastLink;
use super::root::Root;
use super::root::failed;
use crate::domain::EffectCard;
use crate::domain::EffectClass;
use crate::domain::FailureKind;
use crate::domain::Output;
use crate::domain::Repeat;
use crate::domain::ToolResult;
use crate::domain::ToolSpec;
use crate::ports::Checked;
use crate::ports::Invocation;
use crate::ports::Prepared;
use crate::ports::Tool;
use crate::ports::ToolContext;
use crate::tools::args;

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
    if args.old == args.new {
        return Err(args::bad_call(spec, "\"old\" and \"new\" are the same, so there is nothing to change"));
    }
    let place = root.resolve(&args.path, LastLink::Follow)?;
    let before = match root.read(&place) {
        Ok(Some(content)) => content,
        Ok(None) => return Err(failed(&place, "edit", &std::io::ErrorKind::NotFound.into())),
        Err(error) => return Err(failed(&place, "edit", &error)),
    };
    let found = occurrences(&before.bytes, args.old.as_bytes());
    if found.is_empty() || (found.len() > 1 && args.replace_all != Some(true)) {
        let text = String::from_utf8_lossy(&before.bytes);
        let advice = if found.is_empty() { nearest::advice(&text, &args.old) } else { many(&before.bytes, &found) };
        let times = match found.len() {
            0 => "0 times".to_owned(),
            many => format!("{many} times"),
        };
        let shown = place.target();
        let mut result =
            ToolResult::failure(FailureKind::Failed, format!("`old` was found {times} in {}", shown.visible()));
        result.output = Output::text(format!("`old` was found {times} in {}.\n{advice}", shown.raw()));
        return Err(result);
    }
    let after = replaced(&before.bytes, &found, args.old.len(), args.new.as_bytes());
    Ok(Change { place, before: Some(before), after })
}

fn plan_write(spec: &ToolSpec, root: &Root, args: &Value) -> Result<Change, ToolResult> {
    let args: WriteArgs = args::parse(spec, args)?;
    if args.content.len() > LONGEST_CONTENT {
        let problem = format!("\"content\" is {} bytes long, at most {LONGEST_CONTENT} fit", args.content.len());
        return Err(args::bad_call(spec, &problem));
    }
    let place = root.resolve(&args.path, LastLink::Follow)?;
    let before = root.read(&place).map_err(|error| failed(&place, "write", &error))?;
    let after = args.content.into_bytes();
    Ok(Change { place, before, after })
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

fn replaced(before: &[u8], found: &[usize], old: usize, new: &[u8]) -> Vec<u8> {
    let mut after = Vec::with_capacity(before.len() + new.len());
    let mut from = 0;
    for at in found {
        after.extend_from_slice(&before[from..*at]);
        after.extend_from_slice(new);
        from = at + old;
    }
    after.extend_from_slice(&before[from..]);
    after
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
    blocking(move || {
        let root = Root::of(&context)?;
        let card = plan(&spec, &root, &args)?.card(&spec, verb);
        Ok(Prepared::Effect(Box::new(card)))
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
    let summary = format!("`{}` has changed since this was prepared; nothing was written", target.visible());
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
        assert_eq!(replaced(b"a-b-c", &[1, 3], 1, b"++"), b"a++b++c");
    }

    #[test]
    fn many_occurrences_are_named_by_line() {
        assert!(many(b"x\nx\ny\nx", &[0, 2, 6]).starts_with("It occurs on lines 1, 2, 4."));
    }

    #[test]
    fn bytes_that_are_not_text_survive_an_edit_beside_them() {
        let found = occurrences(b"\xff\xfe old \xff", b"old");
        assert_eq!(replaced(b"\xff\xfe old \xff", &found, 3, b"new"), b"\xff\xfe new \xff");
    }
}

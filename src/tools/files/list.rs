//! `list_files`: what is in a directory, ignore files respected, bounded.

use std::path::PathBuf;

use async_trait::async_trait;
use ignore::WalkBuilder;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::blocking;
use super::root::{LastLink, Place, Root, failed};
use crate::domain::{EffectClass, FailureKind, Output, Repeat, ToolResult, ToolSpec};
use crate::ports::{Invocation, Prepared, Tool, ToolContext};
use crate::tools::workspace::submodules;
use crate::tools::{args, cards, names};

/// What stands as an empty directory and is none.
const NOT_CHECKED_OUT: &str = "submodule that is not checked out";
const USUAL_DEPTH: u32 = 3;
const LIST_BYTES: usize = Output::INLINE_BYTES - 256;
/// Entries counted before the walk gives up on an enormous tree.
const MOST_COUNTED: usize = 200_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The directory, relative to the workspace; the workspace itself when left out.
    path: Option<String>,
    /// How many levels down to look; 3 when left out.
    #[schemars(range(min = 1))]
    depth: Option<u32>,
}

/// Lists files and directories.
pub struct ListFiles {
    spec: ToolSpec,
}

impl Default for ListFiles {
    fn default() -> Self {
        let about = "Lists files and directories of the workspace with sizes. Ignored and hidden files are left out; \
                     name a hidden directory to look into it. A name that is not plain text contains \\xNN; pass it as shown.";
        Self { spec: args::spec::<Args>("list_files", EffectClass::Observe, Repeat::Repeatable, about) }
    }
}

/// A walk below a place that never leaves it: no links followed, no ignore files from above, no git directories.
pub(super) fn walk(root: &Root, place: &Place) -> WalkBuilder {
    let mut builder = WalkBuilder::new(root.absolute(place));
    builder
        .follow_links(false)
        .parents(false)
        .require_git(false)
        .git_global(false)
        .git_exclude(false)
        .sort_by_file_name(std::ffi::OsStr::cmp)
        .filter_entry(|entry| entry.file_name() != ".git");
    builder
}

fn list(root: &Root, place: &Place, depth: u32, submodules: &[PathBuf]) -> ToolResult {
    let (mut text, mut shown, mut left_out) = (String::new(), 0_usize, 0_usize);
    for entry in walk(root, place).max_depth(Some(depth as usize)).build().flatten().take(MOST_COUNTED) {
        let Ok(below) = entry.path().strip_prefix(root.absolute(place)) else { continue };
        if below.as_os_str().is_empty() {
            continue;
        }
        let name = names::written(below);
        let is_submodule = submodules.contains(&place.path().join(below));
        let row = match entry.file_type() {
            Some(kind) if kind.is_dir() && is_submodule => format!("{name}/  ({NOT_CHECKED_OUT})\n"),
            Some(kind) if kind.is_dir() => format!("{name}/\n"),
            Some(kind) if kind.is_symlink() => format!("{name} (link)\n"),
            _ => format!("{name}  {}\n", size(entry.metadata().map(|m| m.len()).unwrap_or_default())),
        };
        if left_out > 0 || text.len() + row.len() > LIST_BYTES {
            left_out += 1;
        } else {
            text.push_str(&row);
            shown += 1;
        }
    }
    if left_out > 0 {
        text.push_str(&format!("({left_out} more entries; name a subdirectory or a smaller depth)\n"));
    }
    let target = place.target();
    let summary = match shown + left_out {
        0 if submodules.iter().any(|submodule| submodule == place.path()) => {
            format!("{} is a {NOT_CHECKED_OUT}", target.raw())
        }
        0 => format!("{} is empty", target.raw()),
        all => format!("{} in {}", cards::count(all, "entry", "entries"), target.raw()),
    };
    let mut result = ToolResult::success(summary.clone(), Output::text(if text.is_empty() { summary } else { text }));
    result.data = Some(serde_json::json!({"entries": shown + left_out, "left_out": left_out}));
    result
}

/// `812 B`, `4.1 KB`.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut units = ["KB", "MB", "GB", "TB"].iter();
    let mut unit = "B";
    while value >= 1024.0 {
        let Some(next) = units.next() else { break };
        value /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

fn resolve(spec: &ToolSpec, context: &ToolContext, args: &Value) -> Result<(Root, Place, u32), ToolResult> {
    let args: Args = args::parse(spec, args)?;
    let root = Root::of(context)?;
    let place = root.resolve(args.path.as_deref().unwrap_or("."), LastLink::Follow)?;
    let (kind, _) = root.look(&place).map_err(|error| failed(&place, "list", &error))?;
    if !kind.is_dir() {
        let shown = place.target();
        let problem = format!("`{}` is a file; read_file shows its content", shown.raw());
        return Err(ToolResult::failure(FailureKind::Failed, problem));
    }
    Ok((root, place, args.depth.unwrap_or(USUAL_DEPTH)))
}

#[async_trait]
impl Tool for ListFiles {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let (spec, context, args) = (self.spec.clone(), context.clone(), args.clone());
        blocking(move || {
            let (_, place, _) = resolve(&spec, &context, &args)?;
            let mut card = cards::observe(&spec, "list", place.target(), &args);
            cards::fact(&mut card, "path", place.shown());
            cards::fact(&mut card, "inside_workspace", true);
            Ok(Prepared::Effect(Box::new(card)))
        })
        .await?
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        let (spec, context, args) = (self.spec.clone(), invocation.context.clone(), invocation.args.clone());
        let submodules = match &context.workspace {
            Some(workspace) => submodules(workspace).await,
            None => Vec::new(),
        };
        let listed = blocking(move || match resolve(&spec, &context, &args) {
            Ok((root, place, depth)) => list(&root, &place, depth, &submodules),
            Err(result) => result,
        });
        listed.await.unwrap_or_else(|result| result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_like_people_write_them() {
        assert_eq!([size(0), size(1023), size(1024), size(4_404_019)], ["0 B", "1023 B", "1.0 KB", "4.2 MB"]);
    }

    #[test]
    fn ignored_and_hidden_files_are_left_out_and_a_long_list_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".gitignore"), "built/\n").unwrap();
        std::fs::create_dir(dir.path().join("built")).unwrap();
        std::fs::write(dir.path().join("built/x"), "").unwrap();
        std::fs::create_dir(dir.path().join("src")).unwrap();
        for n in 0..2_000 {
            std::fs::write(dir.path().join(format!("src/file-{n}")), "abc").unwrap();
        }
        let root = Root::open(dir.path()).unwrap();
        let result = list(&root, &root.resolve(".", LastLink::Follow).unwrap(), 3, &[]);
        let text = result.output.head.raw();
        assert!(text.starts_with("src/\nsrc/file-0  3 B\n") && !text.contains("built"), "{text}");
        let left = result.data.unwrap()["left_out"].as_u64().unwrap();
        assert!(left > 0 && text.contains(&format!("({left} more entries")), "{left}");
        assert_eq!(result.summary.raw(), "2001 entries in .");
    }
}

//! The goals that were started before, and the paths to offer while a new one is written.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use super::places::Places;
use crate::ports::Sought;

/// Goals offered again, newest last.
const PAST_GOALS: usize = 200;
/// Paths offered at once.
const OFFERED: usize = 50;
/// Files and directories looked at before an enormous workspace is given up on.
const MOST_LOOKED_AT: usize = 200_000;

fn file(places: &Places) -> PathBuf {
    places.paths.data_dir().join("goals.ndjson")
}

pub(super) fn past(places: &Places) -> Vec<String> {
    let text = std::fs::read_to_string(file(places)).unwrap_or_default();
    let goals: Vec<String> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    goals[goals.len().saturating_sub(PAST_GOALS)..].to_vec()
}

pub(super) fn remember(places: &Places, goal: &str) {
    let line = serde_json::Value::from(goal).to_string();
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(file(places));
    if let Err(error) = file.and_then(|mut file| writeln!(file, "{line}")) {
        tracing::warn!(%error, "the goal was not kept for the next time");
    }
}

/// Paths to offer while a goal is being written. Looking through a large workspace takes a thread of its own.
pub(super) async fn complete(places: &Places, sought: &Sought) -> Vec<String> {
    match sought {
        Sought::Directories { path } => directories(places, path),
        Sought::Files { workspace, text } => {
            let (workspace, text) = (places.typed(Path::new(workspace)), text.clone());
            tokio::task::spawn_blocking(move || files(&workspace, &text)).await.unwrap_or_default()
        }
    }
}

/// Directories that continue `path`, each ending in a slash, sorted.
fn directories(places: &Places, path: &str) -> Vec<String> {
    let (parent, beginning) = path.rsplit_once('/').map_or(("", path), |(parent, rest)| (parent, rest));
    let shown = if path.contains('/') { format!("{parent}/") } else { String::new() };
    let start = if shown.is_empty() { "." } else { shown.as_str() };
    let Ok(entries) = std::fs::read_dir(places.typed(Path::new(start))) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .filter_map(|entry| entry.ok().filter(|entry| entry.path().is_dir())?.file_name().into_string().ok())
        .filter(|name| {
            can_be_typed(name) && name.starts_with(beginning) && (beginning.starts_with('.') || !name.starts_with('.'))
        })
        .map(|name| format!("{shown}{name}/"))
        .collect();
    found.sort();
    found.truncate(OFFERED);
    found
}

/// Files below `workspace` whose path contains `text`, in any case: those whose name begins with it first, then the
/// shorter path. Hidden files, those that git ignores and those of other file systems are left out; outside a git
/// repository there is nothing to offer, as that may be a whole disk.
fn files(workspace: &Path, text: &str) -> Vec<String> {
    if !workspace.ancestors().any(|directory| directory.join(".git").exists()) {
        return Vec::new();
    }
    let text = text.to_lowercase();
    let walk = WalkBuilder::new(workspace).follow_links(false).same_file_system(true).build();
    let is_file = |entry: &DirEntry| entry.file_type().is_some_and(|kind| kind.is_file());
    let entries = walk.flatten().take(MOST_LOOKED_AT).filter(is_file);
    let paths = entries.filter_map(|entry| Some(entry.path().strip_prefix(workspace).ok()?.to_str()?.to_owned()));
    let mut found: Vec<_> = paths.filter(|path| can_be_typed(path) && path.to_lowercase().contains(&text)).collect();
    found.sort_by_cached_key(|path| {
        let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
        (!name.starts_with(&text), path.len(), path.clone())
    });
    found.truncate(OFFERED);
    found
}

/// Whether a name can be typed: one with control characters would do something else than name a file.
fn can_be_typed(name: &str) -> bool {
    !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_name_first_and_what_git_ignores_is_left_out() {
        let workspace = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = workspace.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        ["src/parser/mod.rs", "src/a/Parser.rs", "target/parser.o", ".hidden/parser", "src/parser\u{1b}.rs"]
            .into_iter()
            .for_each(write);
        assert_eq!(files(workspace.path(), "parser"), Vec::<String>::new(), "not a repository yet");
        std::fs::create_dir(workspace.path().join(".git")).unwrap();
        std::fs::write(workspace.path().join(".gitignore"), "target\n").unwrap();
        assert_eq!(files(workspace.path(), "parser"), ["src/a/Parser.rs", "src/parser/mod.rs"]);
        assert_eq!(files(&workspace.path().join("src"), "mod"), ["parser/mod.rs"]);
        assert_eq!(files(&workspace.path().join("nowhere"), "parser"), Vec::<String>::new());
    }
}

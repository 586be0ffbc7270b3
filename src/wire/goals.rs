//! The goals that were started before, and the directories a new one could work in.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::places::Places;

/// Goals offered again, newest last.
const PAST_GOALS: usize = 200;
/// Directories offered to continue a path.
const DIRECTORIES: usize = 50;

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

/// Directories that continue `path`, each ending in a slash, sorted.
pub(super) fn directories(places: &Places, path: &str) -> Vec<String> {
    let (parent, beginning) = path.rsplit_once('/').map_or(("", path), |(parent, rest)| (parent, rest));
    let shown = if path.contains('/') { format!("{parent}/") } else { String::new() };
    let start = if shown.is_empty() { "." } else { shown.as_str() };
    let Ok(entries) = std::fs::read_dir(places.typed(Path::new(start))) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .filter_map(|entry| entry.ok().filter(|entry| entry.path().is_dir())?.file_name().into_string().ok())
        .filter(|name| name.starts_with(beginning) && (beginning.starts_with('.') || !name.starts_with('.')))
        .map(|name| format!("{shown}{name}/"))
        .collect();
    found.sort();
    found.truncate(DIRECTORIES);
    found
}

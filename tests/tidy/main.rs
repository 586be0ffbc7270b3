//! House rules that a compiler cannot see: who may name whom, what a file begins with, how long it may be, and the
//! words that people read.

mod circles;
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Each layer and the layers it may name. `wire`, `main` and `lib` join everything and may name all.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("billing", &["domain"]),
    ("kinds", &["domain"]),
    ("policy", &["domain"]),
    ("fold", &["domain", "kinds"]),
    ("engine", &["domain", "kinds", "policy", "fold"]),
    ("ports", &["domain", "billing", "kinds", "fold"]),
    ("access", &["domain", "kinds", "ports"]),
    ("protocol", &["domain", "billing", "kinds", "fold", "ports"]),
    ("shape", &["domain", "billing", "kinds", "fold", "ports"]),
    ("rota", &["domain"]),
    ("config", &["domain", "rota", "billing"]),
    ("notify", &["domain", "kinds"]),
    ("pager", &["domain", "kinds", "ports", "rota", "notify"]),
    ("stripe", &["domain", "billing", "kinds", "ports", "shape", "notify"]),
    ("store", &["domain", "kinds", "fold", "ports"]),
    ("models", &["domain", "ports"]),
    ("tools", &["domain", "ports"]),
    ("runtime", &["domain", "kinds", "fold", "engine", "policy", "ports"]),
    ("client", &["domain", "kinds", "fold", "ports", "protocol", "runtime"]),
    ("feeds", &["domain", "kinds", "ports"]),
    ("lint", &["domain", "feeds"]),
    ("server", &["domain", "billing", "kinds", "fold", "ports", "feeds", "access", "protocol", "shape", "stripe"]),
    ("console", &["domain", "billing", "kinds", "fold", "ports", "config"]),
    ("cli", &["domain", "billing", "kinds", "fold", "ports", "feeds", "lint", "shape", "config", "access"]),
];

/// The same discipline inside the console.
const CONSOLE: &[(&str, &[&str])] = &[
    ("role", &[]),
    ("anchor", &[]),
    ("intent", &[]),
    ("keymap", &["intent"]),
    ("theme", &["role"]),
    ("state", &["anchor", "intent"]),
    ("update", &["anchor", "intent", "state"]),
    ("view", &["role", "anchor", "state", "keymap", "intent"]),
    ("render", &["role", "anchor", "view", "theme"]),
    ("terminal", &[]),
    ("plain", &["role", "anchor", "keymap", "view", "state", "update", "app"]),
    ("cast", &["theme", "state", "terminal", "view", "app"]),
    ("app", &["role", "anchor", "intent", "keymap", "theme", "state", "update", "view", "render", "terminal"]),
];

const LONGEST_FILE: usize = 500;

#[test]
fn every_layer_names_only_what_it_may() {
    let mut wrong = Vec::new();
    check_layers(Path::new("src"), "crate::", LAYERS, &["wire", "main", "lib"], &mut wrong);
    check_layers(Path::new("src/console"), "crate::console::", CONSOLE, &["mod"], &mut wrong);
    assert!(wrong.is_empty(), "imports against the layering table:\n{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_owns() {
    let silent: Vec<_> = rust_files(&["src", "tests", "benches"])
        .into_iter()
        .filter(|path| !read(path).starts_with("//! "))
        .map(|path| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "files without a //! first line:\n{}", silent.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<_> = rust_files(&["src", "tests", "benches"])
        .into_iter()
        .map(|path| (read(&path).lines().count(), path))
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "files past {LONGEST_FILE} lines:\n{}", long.join("\n"));
}

#[test]
fn only_the_theme_names_a_colour() {
    let coloured: Vec<_> = rust_files(&["src/console"])
        .into_iter()
        .filter(|path| !path.starts_with("src/console/theme") && !path.ends_with("theme.rs"))
        .filter(|path| read(path).contains("Color::"))
        .map(|path| path.display().to_string())
        .collect();
    assert!(coloured.is_empty(), "colours outside the theme:\n{}", coloured.join("\n"));
}

/// What can be asked and what can have happened: where one of these is told apart, a new one must be a compile error.
const CLOSED: &[&str] = &[
    "Command",
    "RunVerb",
    "ApprovalVerb",
    "IncidentVerb",
    "PageVerb",
    "HandoverVerb",
    "BudgetVerb",
    "Report",
    "Event",
    "RunEvent",
    "ApprovalEvent",
    "IncidentEvent",
    "PageEvent",
    "HandoverEvent",
    "BudgetEvent",
    "AccessEvent",
    "ErasedEvent",
    "Stream",
    "FeedItem",
    "DeltaKind",
    "CallPreparation",
    "Ask",
    "RowKind",
];

/// Where they are told apart under the name `Self`.
const AT_HOME: &[&str] = &[
    "src/kinds/run/event.rs",
    "src/kinds/run/verbs.rs",
    "src/kinds/approval/event.rs",
    "src/kinds/approval/verbs.rs",
    "src/kinds/incident/verbs.rs",
    "src/kinds/page/event.rs",
    "src/kinds/page/verbs.rs",
    "src/kinds/account/event.rs",
    "src/kinds/report.rs",
];

#[test]
fn no_match_over_what_happened_has_an_arm_for_all_the_rest() {
    let mut open = Vec::new();
    let is_test = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "tests");
    for path in rust_files(&["src"]).into_iter().filter(|path| !is_test(path)) {
        let text = read(&path);
        let at_home = AT_HOME.iter().any(|file| path.ends_with(file)).then_some("Self");
        let closed = CLOSED.iter().copied().filter(|name| imports_ours(&text, name)).chain(at_home);
        let closed: Vec<_> = closed.map(|name| format!("{name}::")).collect();
        for arms in matches_of(&plain_code(&text)) {
            let is_over_one = arms.iter().any(|arm| closed.iter().any(|name| names(arm, name)));
            if is_over_one && arms.iter().any(|arm| takes_all(arm)) {
                open.push(format!("{}: {}", path.display(), arms.join(" / ")));
            }
        }
    }
    assert!(open.is_empty(), "list what is left to `_`, or use `let … else`:\n{}", open.join("\n"));
}

#[test]
fn an_arm_for_all_the_rest_is_recognised() {
    let code = "match f(x, |y| { y }) { A::B { c, .. } if c == '}' => 1, (_, _) => { match z { D => 2 } } rest => 3 }";
    let found = matches_of(&plain_code(code));
    assert_eq!(found, [vec!["A::B { c, .. } if c == ' '", "(_, _)", "rest"], vec!["D"]]);
    assert!(["_", "other", "(_, rest)", "&_"].into_iter().all(takes_all));
    assert!(!["_ if true", "Some(_)", "D", "A::B { .. }", "None | Some(_)"].into_iter().any(takes_all));
}

fn imports_ours(text: &str, name: &str) -> bool {
    let path = |statement: &'_ str| {
        let (_, path) = statement.rsplit_once("use crate::").or_else(|| statement.rsplit_once("use super::"))?;
        Some(path.to_owned())
    };
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.split(';').filter_map(path).any(|path| path.split(|c| !is_word(c)).any(|word| word == name))
}

/// Whether `name` stands in the pattern, and not as the end of a longer one.
fn names(arm: &str, name: &str) -> bool {
    let ends_longer = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    arm.match_indices(name).any(|(at, _)| !ends_longer(&arm[..at]))
}

/// Whether a pattern without a guard fits anything: `_`, a name, or a tuple of them.
fn takes_all(arm: &str) -> bool {
    !arm.contains(" if ") && arm.chars().all(|c| c.is_ascii_lowercase() || "_(),. &".contains(c))
}

static NOISE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r##"//[^\n]*|r#"(?s:.*?)"#|b?"(?s:\\.|[^"\\])*"|b?'(?:\\[^']+|[^'\\])'|b?'\\''"##).unwrap()
});

/// Code without comments, and with nothing in its texts and characters.
fn plain_code(text: &str) -> String {
    let emptied = |found: &Captures<'_>| if found[0].ends_with('\'') { "' '" } else { "" };
    NOISE.replace_all(text, emptied).into_owned()
}

/// The patterns of each `match`, guards included.
fn matches_of(code: &str) -> Vec<Vec<String>> {
    let is_word = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let begins = code.match_indices("match ").map(|(at, _)| at).filter(|at| is_word(*at));
    begins.filter_map(|at| Some(arms_of(block(&code[at..])?))).collect()
}

/// What stands in the braces that follow, and in no parentheses before.
fn block(code: &str) -> Option<&str> {
    let open = outside(code, "{")?;
    let inner = &code[open + 1..];
    Some(&inner[..outside(inner, "}")?])
}

fn arms_of(mut body: &str) -> Vec<String> {
    let mut arms = Vec::new();
    while let Some(arrow) = outside(body, "=>") {
        arms.push(body[..arrow].split_whitespace().collect::<Vec<_>>().join(" "));
        let result = body[arrow + 2..].trim_start();
        let end = match result.starts_with('{') {
            true => block(result).map_or(result.len(), |inner| inner.len() + 2),
            false => outside(result, ",").unwrap_or(result.len()),
        };
        body = result[end..].trim_start().trim_start_matches(',');
    }
    arms
}

/// The first place where `wanted` stands, outside any brackets that open on the way.
fn outside(code: &str, wanted: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, character) in code.char_indices() {
        if depth == 0 && code[at..].starts_with(wanted) {
            return Some(at);
        }
        depth += match character {
            '(' | '[' | '{' => 1,
            ')' | ']' | '}' => -1,
            _ => 0,
        };
        if depth < 0 {
            return None;
        }
    }
    None
}

fn check_layers(root: &Path, prefix: &str, table: &[(&str, &[&str])], free: &[&str], wrong: &mut Vec<String>) {
    for path in rust_files_below(root) {
        let layer = layer_of(&path, root);
        if free.contains(&layer.as_str()) {
            continue;
        }
        let Some((_, allowed)) = table.iter().find(|(name, _)| *name == layer) else {
            wrong.push(format!("{}: no layer {layer:?} in the table", path.display()));
            continue;
        };
        for named in named_modules(&read(&path), prefix) {
            let known = table.iter().any(|(name, _)| *name == named) || free.contains(&named.as_str());
            if known && named != layer && !allowed.contains(&named.as_str()) {
                wrong.push(format!("{}: {layer} names {named}", path.display()));
            }
        }
    }
}

/// First path component below `root`, without an extension.
fn layer_of(path: &Path, root: &Path) -> String {
    let below = path.strip_prefix(root).unwrap();
    let first = below.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Modules named right after `prefix` anywhere in the text, comments excepted.
fn named_modules(text: &str, prefix: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let names = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            found.extend(group.split('}').next().unwrap_or_default().split(',').map(|item| names(item.trim())));
        } else {
            found.insert(names(rest));
        }
    }
    found
}

fn rust_files(roots: &[&str]) -> Vec<PathBuf> {
    roots.iter().flat_map(|root| rust_files_below(Path::new(root))).collect()
}

fn rust_files_below(root: &Path) -> Vec<PathBuf> {
    files_below(root, &["rs"])
}

/// All files below a directory that end in one of these, by path.
fn files_below(root: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries.map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files.extend(files_below(&entry, endings));
        } else if entry.extension().is_some_and(|extension| endings.iter().any(|ending| extension == *ending)) {
            files.push(entry);
        }
    }
    files.sort();
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

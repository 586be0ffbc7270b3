//! House rules that a compiler cannot see: who may name whom, what a file begins with, how long it may be.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Each layer and the layers it may name. `wire`, `main` and `lib` join everything and may name all.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("policy", &["domain"]),
    ("fold", &["domain"]),
    ("engine", &["domain", "policy", "fold"]),
    ("ports", &["domain", "fold"]),
    ("access", &["domain", "ports"]),
    ("protocol", &["domain", "fold", "ports"]),
    ("shape", &["domain", "fold", "ports"]),
    ("config", &["domain"]),
    ("store", &["domain", "fold", "ports"]),
    ("models", &["domain", "ports"]),
    ("tools", &["domain", "ports"]),
    ("runtime", &["domain", "fold", "engine", "policy", "ports"]),
    ("client", &["domain", "fold", "ports", "protocol", "runtime"]),
    ("server", &["domain", "fold", "ports", "access", "protocol", "shape"]),
    ("console", &["domain", "fold", "ports", "config"]),
    ("cli", &["domain", "fold", "ports", "shape", "config", "access"]),
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
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries.map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files.extend(rust_files_below(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
    files.sort();
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

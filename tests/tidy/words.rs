//! The vocabulary: one term for each thing, in everything that people read. Covers the text in `src/`, the bundled
//! files and the README; not the code, its names or its comments.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::{files_below, read};

/// What to write, and what is written instead of it nowhere.
const VOCABULARY: &[(&str, &str)] = &[
    ("runbook", r"\brun[ -]book\b"),
    ("worktree", r"work[ -]tree"),
    ("postmortem", r"post[ -]mortem"),
    ("webhook", r"web[ -]hook"),
    ("acknowledge", r"acknowlege|\back'?ed\b"),
    ("cancelled", r"\bcancel(ed|ing|ation)\b"),
    ("sign in, signed in, signed out", r"\b(logged|logging) (in|out)\b"),
    ("SQLite", r"\b(Sqlite|SQLITE3?|SQLite3)\b"),
    ("Postgres", r"\bPostgre(s?SQL|sql)\b"),
    ("configuration directory", r"config(uration)? folder"),
    ("directory", r"\bfolder\b"),
    ("anyone who, the person who", r"\b[Ww]hoever\b"),
    ("again", r"\banew\b"),
    ("the outcome of", r"\b(came|comes|come|became|becomes|become) of\b"),
    ("is not a", r"\b([a-su-z`}]\w*|it|this|that) (is|are) no (kind|time|name|number|file|colour|place|tool|text)\b"),
    ("unencrypted", r"in the clear\b"),
    ("quit", r"\bLeave\?"),
];

/// A text between quotation marks that holds more than one word.
static TEXT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""((?:[^"\\\n]|\\.)*)""#).unwrap());

#[test]
fn one_vocabulary_is_used_in_everything_that_people_read() {
    let table: Vec<_> = VOCABULARY.iter().map(|(say, not)| (say, Regex::new(not).unwrap())).collect();
    let mut wrong = Vec::new();
    for (path, text) in people_read() {
        for (say, not) in &table {
            let found = not.find_iter(&text).map(|found| found.as_str());
            wrong.extend(found.map(|found| format!("{}: {found:?}, say {say:?}", path.display())));
        }
    }
    assert!(wrong.is_empty(), "words that the vocabulary replaces:\n{}", wrong.join("\n"));
}

#[test]
fn what_is_to_be_replaced_is_found() {
    let finds = |text: &str| VOCABULARY.iter().any(|(_, not)| Regex::new(not).unwrap().is_match(text));
    assert!(
        finds("this is no file") && finds("you are logged in") && finds("whoever reads it") && finds("it was canceled")
    );
    assert!(
        !finds("there is no file")
            && !finds("it is no longer here")
            && !finds("the log in use")
            && !finds("a runbook was cancelled")
    );
}

/// Each file with the text in it that is shown to somebody.
fn people_read() -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for path in files_below(Path::new("src"), &["rs"]) {
        let source = read(&path);
        let shown = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        let texts: Vec<_> = shown.flat_map(|line| TEXT.captures_iter(line)).map(|found| found[1].to_owned()).collect();
        all.push((path, texts.into_iter().filter(|text| text.contains(' ')).collect::<Vec<_>>().join("\n")));
    }
    let prose = files_below(Path::new("assets"), &["md", "toml", "cedar"]);
    all.extend(prose.into_iter().chain([PathBuf::from("README.md")]).map(|path| {
        let text = read(&path);
        (path, text)
    }));
    all
}

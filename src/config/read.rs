//! From the text of `config.toml` to settings, or to everything that is wrong with it.
//!
//! A secret written into the file is refused, and masked in what is said about it.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::hosts;
use super::literal::{literal_secrets, masked};
use super::oncall;
use super::paths::is_absent;
use super::secret::SecretSource;
use super::serde_words::words;
use super::settings::{Config, Keys};
use super::table;
use crate::domain::{Fault, Faults, SourceText, nearest};

/// What it means when the configuration file does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Nobody configured anything: all defaults.
    IsDefault,
    /// Somebody named this file.
    IsFault,
}

const COMMAND_HINT: &str = "write a program and its arguments: [\"pass\", \"show\", \"pager\"]";

impl Config {
    /// Reads a file.
    pub fn load(path: &Path, absence: Absence) -> Result<Self, Faults> {
        let name = path.display().to_string();
        match std::fs::read(path) {
            Ok(bytes) => Self::read(&SourceText::written(name, bytes)?),
            Err(error) if is_absent(&error) && absence == Absence::IsDefault => Ok(Self::default()),
            Err(error) => {
                let fault = Fault::new(&SourceText::new(name, ""), 0..0, format!("it cannot be read: {error}"));
                Err(fault.help("check the path and its permissions").into())
            }
        }
    }

    /// Reads a text; the source's name is what errors call it.
    pub fn read(source: &SourceText) -> Result<Self, Faults> {
        Self::read_openly(source).map_err(|faults| faults.over(&masked(source)))
    }

    fn read_openly(source: &SourceText) -> Result<Self, Faults> {
        let (tree, broken) = DeTable::parse_recoverable(&source.text);
        Faults::none_in(broken.iter().map(|error| syntax_fault(source, error)).collect())?;
        let tree = tree.get_ref();
        Faults::none_in(literal_secrets(source, tree))?;
        let mut config: Self = toml::from_str(&source.text).map_err(|error| key_fault(source, tree, &error))?;
        Faults::none_in(misfits(source, tree, &config))?;
        if let Some(Keys::Inline(keys)) = &mut config.console.keys {
            *keys = only_keys(source);
        }
        Ok(config)
    }
}

pub(super) fn syntax_fault(source: &SourceText, error: &toml::de::Error) -> Fault {
    let help = match error.message() {
        "duplicate key" => "keep one of the two",
        _ => "this is not TOML; texts are written in quotes, lists in brackets",
    };
    Fault::new(source, error.span().unwrap_or_default(), error.message()).help(help)
}

pub(super) fn key_fault(source: &SourceText, tree: &DeTable<'_>, error: &toml::de::Error) -> Fault {
    let span = error.span().unwrap_or_default();
    let words = words(error.message());
    let place = table::path_at(tree, span.clone()).map(|path| format!("{path}: ")).unwrap_or_default();
    let fault = Fault::new(source, span, format!("{place}{}", words.message));
    match words.help {
        Some(help) => fault.help(help),
        None => fault,
    }
}

/// Names that fit nothing, and values out of range.
fn misfits(source: &SourceText, tree: &DeTable<'_>, config: &Config) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |path: String, message: String, help: String| {
        let span = table::value_span(tree, &path).unwrap_or_default();
        faults.push(Fault::new(source, span, format!("{path}: {message}")).help(help));
    };
    for (name, provider) in &config.providers {
        let host = ["http://", "https://"].iter().find_map(|scheme| provider.base_url.strip_prefix(scheme));
        if host.is_none_or(str::is_empty) {
            let help = "up to and including the version: \"http://127.0.0.1:8080/v1\"".to_owned();
            fault(format!("providers.{name}.base_url"), "not an http:// or https:// address".to_owned(), help);
        }
    }
    for (name, model) in &config.models {
        if !config.providers.contains_key(&model.provider) {
            let message = format!("there is no provider `{}`", model.provider);
            fault(
                format!("models.{name}.provider"),
                message,
                known(&model.provider, "providers", config.providers.keys()),
            );
        }
    }
    for (class, route) in &config.routes {
        for missing in route.iter().filter(|name| !config.models.contains_key(*name)) {
            let message = format!("there is no model `{missing}`");
            fault(format!("routes.{}", class.name()), message, known(missing, "models", config.models.keys()));
        }
    }
    if config.retry.attempts.is_some_and(|attempts| !(1..=20).contains(&attempts)) {
        fault("retry.attempts".to_owned(), "out of range".to_owned(), "from 1 to 20".to_owned());
    }
    for (name, _) in config.secrets.iter().filter(|(_, from)| **from == SecretSource::Command(Vec::new())) {
        fault(format!("secrets.{name}.command"), "this is not a command".to_owned(), COMMAND_HINT.to_owned());
    }
    if config.store.key == Some(SecretSource::Command(Vec::new())) {
        fault("store.key.command".to_owned(), "this is not a command".to_owned(), COMMAND_HINT.to_owned());
    }
    hosts::misfits(&config.hosts).into_iter().for_each(|(path, message, help)| fault(path, message, help));
    oncall::misfits(&config.oncall).into_iter().for_each(|(path, message, help)| fault(path, message, help));
    faults.extend(providers(source, tree));
    faults.sort_by_key(Fault::position);
    faults
}

fn known<'a>(given: &str, what: &str, names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    match nearest(given, names.iter().copied()) {
        Some(close) => format!("did you mean `{close}`?"),
        None if names.is_empty() => format!("no {what} are configured: add one under [{what}.NAME]"),
        None => format!("configured {what}: {}", names.join(", ")),
    }
}

/// A provider's key has one place, and that place has the form of one.
fn providers(source: &SourceText, tree: &DeTable<'_>) -> Vec<Fault> {
    let all = tree.get("providers").and_then(|providers| providers.get_ref().as_table());
    let mut faults = Vec::new();
    for (name, provider) in all.into_iter().flat_map(|all| all.iter()) {
        let Some(provider) = provider.get_ref().as_table() else { continue };
        let places: Vec<_> = provider.iter().filter(|(key, _)| key.get_ref().starts_with("api_key_")).collect();
        if let [_, second, ..] = places.as_slice() {
            let message = format!("providers.{}: the key has more than one place", name.get_ref());
            faults.push(Fault::new(source, second.0.span(), message).help("keep one of the api_key_… lines"));
        }
        for (key, value) in places {
            let is_name = |text: &str| {
                !text.starts_with(|c: char| c.is_ascii_digit())
                    && !text.is_empty()
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            };
            let (wrong, help) = match (key.get_ref().as_ref(), value.get_ref()) {
                ("api_key_env", DeValue::String(text)) if !is_name(text) => (
                    "the name of a variable, like OPENAI_API_KEY",
                    "if it is the key itself, change it: it has been on disk",
                ),
                ("api_key_command", DeValue::Array(argv)) if argv.is_empty() => ("a command", COMMAND_HINT),
                _ => continue,
            };
            let message = format!("providers.{}.{}: this is not {wrong}", name.get_ref(), key.get_ref());
            faults.push(Fault::new(source, value.span(), message).help(help));
        }
    }
    faults
}

/// The `[console.keys.…]` sections as a text of their own, each line where it stood.
fn only_keys(source: &SourceText) -> SourceText {
    const PREFIX: &str = "[console.keys.";
    let mut kept = String::with_capacity(source.text.len());
    let mut inside = false;
    for line in source.text.split_inclusive('\n') {
        let header = line.trim_start();
        if header.starts_with('[') {
            inside = header.starts_with(PREFIX);
        }
        match (inside, line.find(PREFIX)) {
            (true, Some(at)) if header.starts_with('[') => {
                kept.push_str(&" ".repeat(at));
                // TOML takes blanks inside a header's brackets, so everything keeps its column.
                kept.push('[');
                kept.push_str(&" ".repeat(PREFIX.len() - 1));
                kept.push_str(&line[at + PREFIX.len()..]);
            }
            (true, _) => kept.push_str(line),
            (false, _) => kept.extend(line.chars().map(|character| if character == '\n' { '\n' } else { ' ' })),
        }
    }
    SourceText::new(source.name.clone(), kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_places() {
        let text = "[console]\nmouse = true\n[console.keys.move]\ndown = [\"j\"]\n[limits]\nturns = 3\n";
        let source = SourceText::new("c.toml", text);
        let config = Config::read(&source).unwrap();
        let Some(Keys::Inline(keys)) = config.console.keys else { panic!("{:?}", config.console.keys) };
        assert_eq!(keys.text.find("down"), text.find("down"));
        let table: toml::Table = toml::from_str(&keys.text).unwrap();
        assert_eq!(table["move"]["down"][0].as_str(), Some("j"));
        assert_eq!(table.len(), 1);
    }
}

//! Secrets that somebody wrote into the configuration itself: finding them, and hiding them in what is said.

use std::ops::Range;

use regex::Regex;
use toml::de::DeTable;

use super::table;
use super::table::Entry;
use crate::domain::{Fault, SourceText};

/// Keys under which people write secrets by mistake.
const SECRET_KEYS: &[&str] = &[
    "api_key",
    "apikey",
    "api-key",
    "key",
    "token",
    "access_token",
    "password",
    "passwd",
    "secret",
    "bearer",
    "routing_key",
    "webhook_url",
];

/// How well-known services begin their keys.
const PREFIXES: &[&str] = &[
    "mai_",
    "mas_",
    "sk-",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxa-",
    "xoxb-",
    "xoxp-",
    "xoxr-",
    "xoxs-",
    "AKIA",
];

const SECRET_HINT: &str = "say where it is instead: api_key_env = \"NAME\", api_key_file = \"PATH\" or \
                           api_key_command = [\"PROGRAM\", \"ARGUMENT\"]; and change the key, it has been on disk";

const SECTION_HINT: &str = "say where it is instead: { env = \"NAME\" }, { file = \"PATH\" } or \
                            { command = [\"PROGRAM\"] }; and change it, it has been on disk";

/// Every secret that stands in the file itself.
pub fn literal_secrets(source: &SourceText, tree: &DeTable<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for Entry { path, value, .. } in table::entries(tree) {
        let Some(text) = value.get_ref().as_str() else { continue };
        let last = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let in_secrets = path.starts_with("secrets.") && path.matches('.').count() == 1;
        let in_section = in_secrets || path == "store.key" || path.starts_with("oncall.");
        if SECRET_KEYS.contains(&last.as_str()) || in_secrets || looks_secret(text) {
            let message = format!("{path}: a secret has no place in this file");
            let hint = if in_section { SECTION_HINT } else { SECRET_HINT };
            faults.push(Fault::new(source, value.span(), message).help(hint));
        }
    }
    faults.sort_by_key(Fault::position);
    faults
}

/// Whether a value is a key by its looks, wherever it stands.
fn looks_secret(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| text.starts_with(prefix)) || carries_password(text)
}

/// `https://user:password@host`
fn carries_password(text: &str) -> bool {
    let authority = text.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    authority.and_then(|authority| authority.rsplit_once('@')).is_some_and(|(user, _)| user.contains(':'))
}

/// The same text, byte for byte as long, with whatever looks like a secret starred out. Needed only once
/// something is wrong, and works on a text that is not TOML.
pub fn masked(source: &SourceText) -> SourceText {
    let keys = SECRET_KEYS.join("|");
    let prefixes = PREFIXES.join("|");
    let patterns = [
        // A key that should not be there, and its quoted or bare value.
        format!(r#"(?im)["']?\b(?:{keys})\b["']?[ \t]*=[ \t]*("[^"\n]*"|'[^'\n]*'|[^\s,}}]+)"#),
        format!(r"(?:{prefixes})([A-Za-z0-9_\-]+)"),
        // A variable's name that is none may be the key itself.
        r#"api_key_env[ \t]*=[ \t]*("[^"\n]*[^\w"\n][^"\n]*")"#.to_owned(),
        r#"://([^/\s"'@]+:[^/\s"'@]+)@"#.to_owned(),
    ];
    let mut hidden = in_secrets_section(&source.text);
    for pattern in patterns {
        let Ok(pattern) = Regex::new(&pattern) else {
            return SourceText::new(source.name.clone(), stars(&source.text));
        };
        let found = pattern.captures_iter(&source.text).filter_map(|found| found.get(1));
        hidden.extend(found.map(|found| found.range()));
    }
    let mut text = source.text.to_string();
    for range in hidden {
        let masked = stars(&source.text[range.clone()]);
        text.replace_range(range, &masked);
    }
    SourceText::new(source.name.clone(), text)
}

/// Values of the `[secrets]` section that are no references.
fn in_secrets_section(text: &str) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    let (mut at, mut inside) = (0, false);
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('[') {
            inside = line.trim() == "[secrets]";
        } else if let Some((_, value)) = line.split_once('=').filter(|_| inside)
            && !value.trim_start().starts_with('{')
        {
            hidden.push(at + line.len() - value.len()..at + line.len());
        }
        at += line.len();
    }
    hidden
}

fn stars(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_keeps_every_place() {
        let source = SourceText::new(
            "c.toml",
            "a = 1 # é\napi_key = \"gehéim\"\nb = \"sk-abcdefgh\"\nc = \"http://u:p@h\"\n[secrets]\nd = hunter2\n",
        );
        let masked = masked(&source);
        assert_eq!(masked.text.len(), source.text.len());
        for secret in ["heim", "abcdefgh", "u:p", "hunter2"] {
            assert!(!masked.text.contains(secret), "{}", masked.text);
        }
        assert!(masked.text.starts_with("a = 1 # é\napi_key = ***"));
    }
}

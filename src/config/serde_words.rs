//! From serde's messages to ours: an unknown key gets the nearest valid one.

use crate::domain::nearest;

/// A message, and what to do about it where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub message: String,
    pub help: Option<String>,
}

/// Rewrites "unknown field `x`, expected one of `a`, `b`", with or without a path in front. Serde has no
/// structured form of it.
pub fn words(message: &str) -> Words {
    let kinds = [("unknown field `", "key", "keys"), ("unknown variant `", "value", "values")];
    let found = kinds.into_iter().find_map(|(theirs, noun, nouns)| Some((message.find(theirs)?, noun, nouns)));
    let Some((at, noun, nouns)) = found else { return Words { message: sentence(message), help: None } };
    let (path, told) = message.split_at(at);
    let mut quoted = told.split('`').skip(1).step_by(2);
    let given = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    let help = match nearest(given, known.iter().copied()) {
        Some(close) => format!("did you mean `{close}`?"),
        None if known.is_empty() => format!("no {nouns} are valid here"),
        None => format!("valid {nouns}: {}", known.join(", ")),
    };
    Words { message: format!("{path}unknown {noun} `{given}`"), help: Some(help) }
}

/// Serde's words for types, and those of people who write TOML and YAML.
const NAMES: &[(&str, &str)] = &[
    ("invalid type: ", "wrong type: "),
    ("type: map", "type: table"),
    ("type: sequence", "type: list"),
    ("expected a map", "expected a table"),
    ("expected a sequence", "expected a list"),
    ("missing field `", "missing key `"),
    ("expected u32", "expected a whole number, 0 or more"),
    ("expected u64", "expected a whole number, 0 or more"),
];

/// Without the place, which is told better elsewhere, and with types named as people do.
fn sentence(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message).to_owned();
    NAMES.iter().fold(message, |text, (theirs, ours)| text.replace(theirs, ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_field_gets_the_nearest_or_all() {
        let near = words("unknown field `thme`, expected one of `theme`, `keys`");
        assert_eq!(near.message, "unknown key `thme`");
        assert_eq!(near.help.as_deref(), Some("did you mean `theme`?"));
        let far = words("unknown variant `x`, expected `best` or `refuse`");
        assert_eq!(
            (far.message.as_str(), far.help.as_deref()),
            ("unknown value `x`", Some("valid values: best, refuse"))
        );
    }
}

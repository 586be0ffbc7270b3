//! A searched text, taken literally: as patterns for `LIKE`, and for what was sealed as something to look for here.

use aho_corasick::AhoCorasick;

use crate::ports::{LogError, LogErrorKind};

/// Events looked through in one statement of a search, so that none holds a connection for long.
pub(super) const SEARCHED_AT_ONCE: u64 = 20_000;

/// Sealed events read and opened at once while a text is looked for.
pub(super) const OPENED_AT_ONCE: u32 = 500;

/// What `LIKE` would find, in a text that is at hand: upper and lower case of ASCII letters are the same.
pub(super) struct Needle(AhoCorasick);

impl Needle {
    pub fn new(text: &str) -> Result<Self, LogError> {
        let forms = [text.to_owned(), escaped(text)];
        AhoCorasick::builder().ascii_case_insensitive(true).build(forms).map(Self).map_err(|error| {
            LogError::new(
                LogErrorKind::Unusable,
                format!("this text is too long to look for: {error}"),
                "search for less",
            )
        })
    }

    pub fn is_in(&self, json: &str) -> bool {
        self.0.is_match(json)
    }
}

/// What a person reads as `say "hi"` is stored as `say \"hi\"`: either form is a match.
pub(super) fn patterns(text: &str) -> [String; 2] {
    [like_pattern(text), like_pattern(&escaped(text))]
}

/// `text` anywhere, taken literally; the backslash escapes.
fn like_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// `text` as it stands within a JSON string.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_searched_text_is_taken_literally() {
        assert_eq!(like_pattern("50%_a\\b"), "%50\\%\\_a\\\\b%");
        let needle = Needle::new("say \"HI\"").unwrap();
        assert!(needle.is_in(r#"{"text":"Say \"hi\""}"#) && !needle.is_in(r#"{"text":"say hi"}"#));
        assert_eq!(escaped("say \"hi\"\n"), "say \\\"hi\\\"\\n");
    }
}

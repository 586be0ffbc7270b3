//! A searched text as patterns for `LIKE`, taken literally.

/// Events looked through in one statement of a search, so that none holds a connection for long.
pub(super) const SEARCHED_AT_ONCE: u64 = 20_000;

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
        assert_eq!(escaped("say \"hi\"\n"), "say \\\"hi\\\"\\n");
    }
}

//! Text from outside, and the one function through which it may reach a screen.
//!
//! Nothing hidden is ever dropped: what is shown would then differ from what runs. Every character that a
//! terminal would obey, hide, reorder or join is replaced by a visible name.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// Text an agent, a tool, a file, a web page or a recording produced. It has no `Display` on purpose.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The exact text, for executing, storing, comparing and sending; never for painting.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The exact text, given away: for building on it, never for painting.
    pub fn into_raw(self) -> String {
        self.0
    }

    /// On one line: line breaks become `⏎`, tabs `→`, everything else hidden gets its name.
    pub fn visible(&self) -> Cow<'_, str> {
        if self.0.chars().all(is_plain) {
            return Cow::Borrowed(&self.0);
        }
        let mut shown = String::with_capacity(self.0.len() + 16);
        for character in self.0.chars() {
            push_visible(&mut shown, character);
        }
        Cow::Owned(shown)
    }

    /// Line by line: `\n` separates, tabs become four columns of blanks, everything else hidden gets its name.
    pub fn visible_lines(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.split('\n').map(|line| {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.chars().all(is_plain) {
                return Cow::Borrowed(line);
            }
            let mut shown = String::with_capacity(line.len() + 16);
            for character in line.chars() {
                match character {
                    '\t' => shown.push_str("    "),
                    other => push_visible(&mut shown, other),
                }
            }
            Cow::Owned(shown)
        })
    }

    /// Words that mix Latin with Cyrillic or Greek letters: the usual disguise of one name as another. An accent on a
    /// letter does not end its word.
    pub fn has_mixed_scripts(&self) -> bool {
        let in_word = |c: char| c.is_alphabetic() || matches!(c, '\u{300}'..='\u{36f}');
        self.0.split(|c: char| !in_word(c)).any(|word| {
            let latin = word.chars().any(|c| matches!(c, 'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}'));
            latin && word.chars().any(|c| matches!(c, '\u{370}'..='\u{52f}'))
        })
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Escaped, so that a debug print cannot drive a terminal either.
impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.visible())
    }
}

fn push_visible(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push('⏎'),
        '\t' => shown.push('→'),
        '\u{7f}' => shown.push('␡'),
        '\0'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + character as u32)),
        plain if is_plain(plain) => shown.push(plain),
        hidden => {
            use std::fmt::Write;
            // Writing to a String cannot fail.
            let _ = write!(shown, "⟨U+{:04X}⟩", hidden as u32);
        }
    }
}

/// Whether a terminal shows this character as itself and nothing more.
///
/// Excluded: controls (Cc), format characters (Cf), line and paragraph separators, default-ignorable code
/// points (Unicode 16, DerivedCoreProperties), variation selectors, private use, and tag characters.
fn is_plain(character: char) -> bool {
    !matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_sequence_is_shown_not_obeyed() {
        let text = Untrusted::from("ok\u{1b}]52;c;ZXZpbA==\u{7}");
        assert_eq!(text.visible(), "ok␛]52;c;ZXZpbA==␇");
    }

    #[test]
    fn reordering_and_hidden_characters_get_names() {
        let text = Untrusted::from("rm\u{202e}x\u{200b}\u{e0041}\u{2028}");
        assert_eq!(text.visible(), "rm⟨U+202E⟩x⟨U+200B⟩⟨U+E0041⟩⟨U+2028⟩");
    }

    #[test]
    fn lines_keep_their_breaks_and_lose_nothing_else() {
        let text = Untrusted::from("a\tb\r\nc\rd");
        let lines: Vec<_> = text.visible_lines().collect();
        assert_eq!(lines, ["a    b", "c␍d"]);
    }

    #[test]
    fn a_disguised_word_is_noticed() {
        assert!(Untrusted::from("push to раypal").has_mixed_scripts());
        assert!(Untrusted::from("p\u{430}\u{301}ypal").has_mixed_scripts());
        assert!(!Untrusted::from("push to paypal, привет").has_mixed_scripts());
    }
}

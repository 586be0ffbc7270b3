//! Text from outside, and the functions through which alone it may reach a screen.
//!
//! Two different texts never look the same, and nothing is dropped: what is shown would otherwise differ from what
//! runs. A character that a terminal would obey, hide, reorder, join or leave blank is shown as a mark, and the
//! characters that marks are made of are shown by their names, so that no text can write a mark.
//!
//! | in the text | shown |
//! |---|---|
//! | a line break, a tab, another control character | `⏎`, `⇥`, its picture, such as `␛` |
//! | a blank at an end, or beside another one | `␠` |
//! | another blank, anything hidden, a letter in parts | its name, such as `⟨U+00A0⟩` |
//! | `⟨`, `⏎`, `⇥`, `␛`, `↪` and the like themselves | its name, such as `⟨U+27E8⟩` |

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::{IsNormalized, is_nfc, is_nfc_quick};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_width::UnicodeWidthChar;

/// Text an agent, a tool, a file, a web page or a recording produced. It has no `Display` on purpose.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text when it has at most `most` bytes, else its beginning with `…` behind it, together no longer than that.
    pub fn cut(self, most: usize) -> Self {
        if self.0.len() <= most {
            return self;
        }
        let end = self.0.floor_char_boundary(most.saturating_sub('…'.len_utf8()));
        Self(format!("{}…", &self.0[..end]))
    }

    /// The exact text, for executing, storing, comparing and sending; never for painting.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The exact text, given away: for building on it, never for painting.
    pub fn into_raw(self) -> String {
        self.0
    }

    /// On one line, as the table above says; `…` is named too, since it stands where a row was cut.
    pub fn visible(&self) -> Cow<'_, str> {
        shown(&self.0, Form::Line)
    }

    /// Line by line: `\n` alone separates. Blanks within a line and before it stay as they are, for indentation and
    /// columns; a tab is `⇥` and three of them.
    pub fn visible_lines(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.split('\n').map(visible_line)
    }

    /// On one line beside other words: in quotes, and quotes in it doubled, where it could be taken for several words.
    pub fn quoted(&self) -> Cow<'_, str> {
        let visible = self.visible();
        if !visible.is_empty() && !visible.contains([' ', ',', '\'', '"', BLANK]) {
            return visible;
        }
        Cow::Owned(format!("'{}'", visible.replace('\'', "''")))
    }

    /// Words that mix Latin with Cyrillic or Greek letters: the usual disguise of one name as another. An accent on a
    /// letter does not end its word. So are Cyrillic or Greek words in a text that has only such letters of these scripts
    /// as look like Latin ones.
    pub fn has_mixed_scripts(&self) -> bool {
        let foreign: Vec<char> = self.0.chars().filter(|c| matches!(c, '\u{370}'..='\u{52f}')).collect();
        if !foreign.is_empty() && foreign.iter().all(|c| LATIN_TWINS.contains(*c)) {
            return true;
        }
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

/// Cyrillic and Greek letters that most fonts draw like a Latin one.
const LATIN_TWINS: &str = "аеорсухіјѕһԁԛԝАВЕЅНІЈКМОРСТХҮοΑΒΕΖΗΙΚΜΝΟΡΤΥΧ";

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

/// One line, or a part of one, as [`Untrusted::visible_lines`] shows it.
pub fn visible_line(line: &str) -> Cow<'_, str> {
    shown(line, Form::Lines)
}

/// The same of prose and of text that goes on: blanks at its end are blanks.
pub fn visible_words(line: &str) -> String {
    let words = line.trim_end_matches(' ');
    format!("{}{}", visible_line(words), &line[words.len()..])
}

/// Words of ours with outside text in them that was made visible before, on one line: nothing in the result is
/// hidden, and no mark is marked again.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_plain(character) || is_mark(character) {
            shown.push(character);
        } else {
            push_hidden(&mut shown, character);
        }
    }
    Cow::Owned(shown)
}

/// Whether a terminal shows this character, standing alone, as itself and as nothing else.
///
/// By general category (Unicode), without blanks of whatever category, halves of Hangul syllables, and characters that
/// are only another spelling of one (those that no normalized text has).
pub fn is_plain(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    let blank = matches!(
        character,
        '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{fffc}' | '\u{1d159}' | '\u{13441}'..='\u{13446}'
    );
    let part = matches!(character, '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97f}' | '\u{d7b0}'..='\u{d7ff}');
    let shown = match character.general_category_group() {
        GeneralCategoryGroup::Letter
        | GeneralCategoryGroup::Number
        | GeneralCategoryGroup::Punctuation
        | GeneralCategoryGroup::Symbol => true,
        GeneralCategoryGroup::Mark | GeneralCategoryGroup::Separator | GeneralCategoryGroup::Other => false,
    };
    shown
        && !blank
        && !part
        && character.width().is_some_and(|width| width > 0)
        && is_nfc_quick(std::iter::once(character)) != IsNormalized::No
}

/// How a text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The whole text on one line, that may be cut.
    Line,
    /// One of its lines, never cut.
    Lines,
}

fn shown(text: &str, form: Form) -> Cow<'_, str> {
    let lone = match form {
        Form::Line => text.starts_with(' ') || text.ends_with(' ') || text.contains("  "),
        Form::Lines => text.ends_with(' '),
    };
    if !lone && text.bytes().all(|byte| matches!(byte, 0x20..0x7f)) {
        return Cow::Borrowed(text);
    }
    let inner = text.trim_end_matches(' ').len();
    let mut shown = String::with_capacity(text.len() + 16);
    let mut letter = Letter::default();
    let mut before = ' ';
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let beside = before == ' ' || characters.peek().is_some_and(|(_, next)| *next == ' ');
        match character {
            ' ' if at >= inner || (form == Form::Line && beside) => shown.push(BLANK),
            '\t' if form == Form::Lines => shown.push_str("⇥   "),
            twin if form == Form::Line && (twin == '…' || is_hyphen_twin(twin)) => push_name(&mut shown, character),
            sign if is_sign(sign) => push_name(&mut shown, character),
            mark if letter.takes(mark) => shown.push(character),
            plain if is_plain(plain) => shown.push(character),
            hidden => push_hidden(&mut shown, hidden),
        }
        letter.follow(character);
        before = character;
    }
    Cow::Owned(shown)
}

/// Stands for a blank that would not be seen.
const BLANK: char = '␠';

/// Stands before what goes on from the row above.
pub const CONTINUED: char = '↪';

/// Whether a mark is made of this character.
fn is_sign(character: char) -> bool {
    matches!(character, '⟨' | '⏎' | '⇥' | CONTINUED | '\u{2400}'..='\u{2426}')
}

/// Characters that look like a hyphen and make another name of it. Text of several lines has them as writers put them.
fn is_hyphen_twin(character: char) -> bool {
    matches!(
        character,
        '\u{2010}'..='\u{2013}' | '\u{2043}' | '\u{2212}' | '\u{2d7}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
    )
}

fn push_hidden(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push('⏎'),
        '\t' => shown.push('⇥'),
        '\u{7f}' => shown.push('␡'),
        '\0'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + character as u32)),
        hidden => push_name(shown, hidden),
    }
}

fn push_name(shown: &mut String, character: char) {
    // Writing to a String cannot fail.
    let _ = write!(shown, "⟨U+{:04X}⟩", character as u32);
}

/// Combining marks, but not those that are never seen.
fn is_mark(character: char) -> bool {
    let ignored = matches!(character,
        '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{1107f}' | '\u{16fe4}' | '\u{e0100}'..='\u{e01ef}');
    !ignored && character.general_category_group() == GeneralCategoryGroup::Mark
}

/// The letter that marks are put on, in scripts that cannot be written without them, and its marks so far.
///
/// Elsewhere a letter with its mark has a code point of its own, and the same picture in two parts is another text. So
/// is the same mark twice, and marks in an order that no normalized text has.
#[derive(Default)]
struct Letter(String);

impl Letter {
    /// Marks on one letter that a terminal can be trusted to show.
    const MOST_MARKS: usize = 3;

    fn takes(&self, mark: char) -> bool {
        let room = (1..=Self::MOST_MARKS).contains(&self.0.chars().count());
        room && is_mark(mark) && !self.0.contains(mark) && is_nfc(&format!("{}{mark}", self.0))
    }

    fn follow(&mut self, character: char) {
        let needs_marks = matches!(character, '\u{590}'..='\u{1cff}' | '\u{a800}'..='\u{ab2f}' | '\u{abc0}'..='\u{abff}' | '\u{10a00}'..='\u{11fff}');
        if self.takes(character) {
            self.0.push(character);
        } else {
            self.0.clear();
            let letter = character.general_category() == GeneralCategory::OtherLetter;
            self.0.extend((letter && needs_marks && is_plain(character)).then_some(character));
        }
    }
}

#[cfg(test)]
pub mod tests;

//! A chord: one key with its modifiers, as written in a key file, shown in a hint and sent by a terminal.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One key press. A capital letter is the letter itself, without a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
];

impl Chord {
    fn new(code: KeyCode, modifiers: KeyModifiers) -> Self {
        let kept = KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT;
        let mut modifiers = modifiers & kept;
        let code = match code {
            // Terminals disagree on whether a shifted tab still says shift.
            KeyCode::BackTab => {
                modifiers |= KeyModifiers::SHIFT;
                KeyCode::Tab
            }
            KeyCode::Char(character) => {
                let shifted = modifiers.contains(KeyModifiers::SHIFT) && character.is_ascii_lowercase();
                modifiers -= KeyModifiers::SHIFT;
                match character {
                    _ if modifiers.contains(KeyModifiers::CONTROL) => KeyCode::Char(character.to_ascii_lowercase()),
                    _ if shifted => KeyCode::Char(character.to_ascii_uppercase()),
                    plain => KeyCode::Char(plain),
                }
            }
            other => other,
        };
        Self { code, modifiers }
    }
}

impl From<KeyEvent> for Chord {
    fn from(key: KeyEvent) -> Self {
        Self::new(key.code, key.modifiers)
    }
}

impl FromStr for Chord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            let (modifier, after) = match rest.split_once('-') {
                Some(("ctrl", after)) if !after.is_empty() => (KeyModifiers::CONTROL, after),
                Some(("alt", after)) if !after.is_empty() => (KeyModifiers::ALT, after),
                Some(("shift", after)) if !after.is_empty() => (KeyModifiers::SHIFT, after),
                _ => break,
            };
            modifiers |= modifier;
            rest = after;
        }
        code_of(rest).map(|code| Self::new(code, modifiers)).ok_or_else(|| format!("{text:?} is not a key"))
    }
}

fn code_of(name: &str) -> Option<KeyCode> {
    if let Some((_, code)) = NAMED.iter().find(|(known, _)| *known == name) {
        return Some(*code);
    }
    let mut characters = name.chars();
    match (characters.next(), characters.as_str()) {
        (Some(one), "") if !one.is_whitespace() && !one.is_control() => Some(KeyCode::Char(one)),
        (Some('f'), number) => number.parse().ok().filter(|number| (1..=12).contains(number)).map(KeyCode::F),
        _ => None,
    }
}

/// Short, for hints: `y`, `^C`, `alt-x`, `enter`.
impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let control = self.modifiers.contains(KeyModifiers::CONTROL);
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("alt-")?;
        }
        if self.modifiers.contains(KeyModifiers::SHIFT) {
            f.write_str("shift-")?;
        }
        match (NAMED.iter().find(|(_, code)| *code == self.code), self.code) {
            (None, KeyCode::Char(letter)) if control => write!(f, "^{}", letter.to_ascii_uppercase()),
            _ if control => write!(f, "ctrl-{}", Self { modifiers: KeyModifiers::NONE, ..*self }),
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(letter)) => write!(f, "{letter}"),
            (None, KeyCode::F(number)) => write!(f, "f{number}"),
            (None, _) => f.write_str("?"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_a_terminal_sends() {
        let sent = |code, modifiers| Chord::from(KeyEvent::new(code, modifiers));
        let written = |text: &str| text.parse::<Chord>().unwrap();
        assert_eq!(written("G"), sent(KeyCode::Char('G'), KeyModifiers::SHIFT));
        assert_eq!(written("shift-g"), sent(KeyCode::Char('G'), KeyModifiers::NONE));
        assert_eq!(written("ctrl-d"), sent(KeyCode::Char('d'), KeyModifiers::CONTROL));
        assert_eq!(written("shift-tab"), sent(KeyCode::BackTab, KeyModifiers::SHIFT));
        assert_eq!(written("-"), sent(KeyCode::Char('-'), KeyModifiers::NONE));
        assert_eq!(written("alt-enter"), sent(KeyCode::Enter, KeyModifiers::ALT));
    }

    #[test]
    fn shown_short() {
        for (written, shown) in [("ctrl-c", "^C"), ("shift-tab", "shift-tab"), ("space", "space"), ("f1", "f1")] {
            assert_eq!(written.parse::<Chord>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "ctrl-", "yy", "hyper-x", "f13", " "] {
            assert!(text.parse::<Chord>().is_err(), "{text:?}");
        }
    }
}

//! Text being typed: a real editor over one or many lines. Knows no screen; what it holds is the person's own text.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_textarea::{CursorMove, TextArea};

/// How many lines may be typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lines {
    #[default]
    One,
    Many,
}

/// An editor with undo, word moves, and a kill buffer.
#[derive(Clone, Debug)]
pub struct Editor {
    area: TextArea<'static>,
    lines: Lines,
}

impl Editor {
    pub fn new(lines: Lines) -> Self {
        Self { area: TextArea::default(), lines }
    }

    /// An editor that holds `text`, with the cursor behind it.
    pub fn with(lines: Lines, text: &str) -> Self {
        let mut editor = Self::new(lines);
        editor.insert(text);
        editor
    }

    /// A key that is text or moves within it. Keys that submit or leave never come here.
    pub fn key(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Enter | KeyCode::Tab | KeyCode::BackTab | KeyCode::Esc => {}
            // These end or split a line in the editor's own bindings.
            KeyCode::Char('m' | 'j') if key.modifiers.contains(KeyModifiers::CONTROL) => self.new_line(),
            _ => {
                self.area.input(key);
            }
        }
    }

    /// Starts a new line where there may be one.
    pub fn new_line(&mut self) {
        if self.lines == Lines::Many {
            self.area.insert_newline();
        }
    }

    /// Pasted text: line breaks become blanks where there is only one line.
    pub fn insert(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        match self.lines {
            Lines::Many => self.area.insert_str(text),
            Lines::One => self.area.insert_str(text.replace('\n', " ")),
        };
    }

    /// Replaces everything, leaving the cursor behind it.
    pub fn set(&mut self, text: &str) {
        self.area.clear();
        self.insert(text);
        self.area.move_cursor(CursorMove::Bottom);
        self.area.move_cursor(CursorMove::End);
    }

    /// Puts the cursor before a line's character, both from 0; what is not there means the last.
    pub fn go_to(&mut self, line: usize, character: usize) {
        let place = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        self.area.move_cursor(CursorMove::Jump(place(line), place(character)));
    }

    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    pub fn lines(&self) -> &[String] {
        self.area.lines()
    }

    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Line and character the cursor stands before, from 0.
    pub fn cursor(&self) -> (usize, usize) {
        let cursor = self.area.cursor();
        (cursor.0, cursor.1)
    }

    /// What stands between the last blank and the cursor.
    pub fn word(&self) -> String {
        let (line, character) = self.cursor();
        let before = self.lines().get(line).map(|line| line.chars().take(character).collect::<String>());
        before.unwrap_or_default().rsplit(char::is_whitespace).next().unwrap_or_default().to_owned()
    }

    /// Puts `text` and a blank in the place of [`Self::word`].
    pub fn replace_word(&mut self, text: &str) {
        let length = self.word().chars().count();
        (0..length).for_each(|_| self.area.move_cursor(CursorMove::Back));
        self.area.delete_str(length);
        self.area.insert_str(format!("{text} "));
    }

    pub fn is_on_first_line(&self) -> bool {
        self.cursor().0 == 0
    }

    pub fn is_on_last_line(&self) -> bool {
        self.cursor().0 + 1 == self.area.lines().len()
    }
}

/// Two editors are the same when they show the same; what could be undone does not count.
impl PartialEq for Editor {
    fn eq(&self, other: &Self) -> bool {
        self.lines() == other.lines() && self.cursor() == other.cursor()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(editor: &mut Editor, text: &str) {
        text.chars().for_each(|c| editor.key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
    }

    #[test]
    fn one_line_stays_one_line() {
        let mut editor = Editor::new(Lines::One);
        typed(&mut editor, "ab");
        editor.insert("c\r\nd");
        editor.key(KeyEvent::new(KeyCode::Char('j'), KeyModifiers::CONTROL));
        editor.key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
        assert_eq!(editor.text(), "abc d");
    }

    #[test]
    fn many_lines_take_pasted_breaks() {
        let mut editor = Editor::with(Lines::Many, "a\r\nb");
        editor.new_line();
        typed(&mut editor, "c");
        assert_eq!((editor.text().as_str(), editor.cursor()), ("a\nb\nc", (2, 1)));
        assert!(editor.is_on_last_line() && !editor.is_on_first_line());
    }

    #[test]
    fn a_word_ends_at_the_cursor_and_is_replaced() {
        let mut editor = Editor::with(Lines::Many, "see\nin @pä and on");
        editor.go_to(1, 6);
        assert_eq!(editor.word(), "@pä");
        editor.replace_word("src/pärser.rs");
        assert_eq!((editor.text().as_str(), editor.cursor()), ("see\nin src/pärser.rs  and on", (1, 17)));
        assert_eq!(editor.word(), "");
    }

    #[test]
    fn setting_replaces_everything() {
        let mut editor = Editor::with(Lines::Many, "a\nb");
        editor.set("only this");
        assert_eq!((editor.text().as_str(), editor.cursor()), ("only this", (0, 9)));
    }
}

//! What the bytes mean that a terminal sends: keys, pasted text, the mouse. Takes them in any portions, and waits for
//! none: what has begun and does not go on is given up.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyEventState, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use termina::Parser;
use termina::event as heard;

/// Most bytes of a pasted text; the rest of it is dropped.
const LONGEST_PASTE: usize = 1024 * 1024;

const PASTE: &[u8] = b"\x1b[200~";
const PASTED: &[u8] = b"\x1b[201~";

/// What was typed and is not whole yet.
#[derive(Debug, Default)]
pub struct Typed {
    parser: Parser,
    /// The text that is being pasted, with what may be the beginning of its end.
    paste: Option<Vec<u8>>,
    /// What may be the beginning of pasted text.
    begun: Vec<u8>,
    /// Bytes that the parser has taken and made nothing of.
    is_partial: bool,
}

/// Whether the terminal had more to say than was read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portion {
    Last,
    MoreToCome,
}

impl Typed {
    /// What these bytes complete.
    pub fn feed(&mut self, bytes: &[u8], portion: Portion) -> Vec<Event> {
        let mut bytes = [std::mem::take(&mut self.begun).as_slice(), bytes].concat();
        let mut events = Vec::new();
        while !bytes.is_empty() {
            bytes = match self.paste.take() {
                Some(text) => self.paste_on(text, &bytes, &mut events).to_vec(),
                None => self.parse(&bytes, portion, &mut events).to_vec(),
            };
        }
        events
    }

    /// Whether the rest of something is missing.
    pub fn is_unfinished(&self) -> bool {
        self.is_partial || self.paste.is_some() || !self.begun.is_empty()
    }

    /// Nothing more has come for a while: pasted text ends here, and half a key is none.
    pub fn give_up(&mut self) -> Option<Event> {
        std::mem::take(self).paste.map(pasted)
    }

    /// Parses up to the beginning of pasted text, and returns what comes after that.
    fn parse<'a>(&mut self, bytes: &'a [u8], portion: Portion, events: &mut Vec<Event>) -> &'a [u8] {
        let begin = find(bytes, PASTE);
        // A lone escape is a key, unless more is there already.
        let least = if portion == Portion::MoreToCome { 1 } else { 2 };
        let held = |bytes: &[u8]| (least..PASTE.len()).rev().find(|count| bytes.ends_with(&PASTE[..*count]));
        let keys = match begin {
            Some(begin) => &bytes[..begin],
            None => {
                let (keys, begun) = bytes.split_at(bytes.len() - held(bytes).unwrap_or(0));
                self.begun = begun.to_vec();
                keys
            }
        };
        self.parser.parse(keys, portion == Portion::MoreToCome);
        let before = events.len();
        while let Some(event) = self.parser.pop() {
            events.extend(event_of(event));
        }
        self.is_partial = events.len() == before && !keys.is_empty();
        let Some(begin) = begin else { return &[] };
        self.paste = Some(Vec::new());
        &bytes[begin + PASTE.len()..]
    }

    /// Takes in pasted text, and returns what comes after its end.
    fn paste_on<'a>(&mut self, mut text: Vec<u8>, bytes: &'a [u8], events: &mut Vec<Event>) -> &'a [u8] {
        // Its end may have come in two portions.
        let from = text.len().saturating_sub(PASTED.len() - 1);
        let seam = text.len();
        text.extend_from_slice(bytes);
        match find(&text[from..], PASTED) {
            Some(end) => {
                let end = from + end;
                text.truncate(end);
                events.push(pasted(text));
                &bytes[(end + PASTED.len()).saturating_sub(seam)..]
            }
            None => {
                if text.len() > LONGEST_PASTE {
                    // The end is still looked for.
                    let tail = text.split_off(text.len() - (PASTED.len() - 1));
                    text.truncate(LONGEST_PASTE - tail.len());
                    text.extend(tail);
                }
                self.paste = Some(text);
                &[]
            }
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn pasted(text: Vec<u8>) -> Event {
    Event::Paste(String::from_utf8_lossy(&text).into_owned())
}

/// What the console knows of what was heard; answers to questions that it never asks are nothing.
fn event_of(event: termina::Event) -> Option<Event> {
    match event {
        termina::Event::Key(key) => key_of(key).map(Event::Key),
        termina::Event::Mouse(mouse) => Some(Event::Mouse(mouse_of(mouse))),
        _ => None,
    }
}

fn key_of(key: heard::KeyEvent) -> Option<KeyEvent> {
    let code = match key.code {
        heard::KeyCode::Char(character) => KeyCode::Char(character),
        heard::KeyCode::Enter => KeyCode::Enter,
        heard::KeyCode::Backspace => KeyCode::Backspace,
        heard::KeyCode::Tab => KeyCode::Tab,
        heard::KeyCode::BackTab => KeyCode::BackTab,
        heard::KeyCode::Escape => KeyCode::Esc,
        heard::KeyCode::Left => KeyCode::Left,
        heard::KeyCode::Right => KeyCode::Right,
        heard::KeyCode::Up => KeyCode::Up,
        heard::KeyCode::Down => KeyCode::Down,
        heard::KeyCode::Home => KeyCode::Home,
        heard::KeyCode::End => KeyCode::End,
        heard::KeyCode::PageUp => KeyCode::PageUp,
        heard::KeyCode::PageDown => KeyCode::PageDown,
        heard::KeyCode::Insert => KeyCode::Insert,
        heard::KeyCode::Delete => KeyCode::Delete,
        heard::KeyCode::Function(number) => KeyCode::F(number),
        _ => return None,
    };
    let kind = match key.kind {
        heard::KeyEventKind::Press => KeyEventKind::Press,
        heard::KeyEventKind::Release => KeyEventKind::Release,
        heard::KeyEventKind::Repeat => KeyEventKind::Repeat,
    };
    Some(KeyEvent { code, modifiers: modifiers(key.modifiers), kind, state: KeyEventState::NONE })
}

fn modifiers(heard: heard::Modifiers) -> KeyModifiers {
    let known = [
        (heard::Modifiers::SHIFT, KeyModifiers::SHIFT),
        (heard::Modifiers::CONTROL, KeyModifiers::CONTROL),
        (heard::Modifiers::ALT, KeyModifiers::ALT),
        (heard::Modifiers::SUPER, KeyModifiers::SUPER),
    ];
    known.into_iter().filter(|(one, _)| heard.contains(*one)).map(|(_, modifier)| modifier).collect()
}

fn mouse_of(mouse: heard::MouseEvent) -> MouseEvent {
    let button = |button| match button {
        heard::MouseButton::Left => MouseButton::Left,
        heard::MouseButton::Right => MouseButton::Right,
        heard::MouseButton::Middle => MouseButton::Middle,
    };
    let kind = match mouse.kind {
        heard::MouseEventKind::Down(which) => MouseEventKind::Down(button(which)),
        heard::MouseEventKind::Up(which) => MouseEventKind::Up(button(which)),
        heard::MouseEventKind::Drag(which) => MouseEventKind::Drag(button(which)),
        heard::MouseEventKind::Moved => MouseEventKind::Moved,
        heard::MouseEventKind::ScrollDown => MouseEventKind::ScrollDown,
        heard::MouseEventKind::ScrollUp => MouseEventKind::ScrollUp,
        heard::MouseEventKind::ScrollLeft => MouseEventKind::ScrollLeft,
        heard::MouseEventKind::ScrollRight => MouseEventKind::ScrollRight,
    };
    MouseEvent { kind, column: mouse.column, row: mouse.row, modifiers: modifiers(mouse.modifiers) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(text: &str) -> Vec<Event> {
        text.chars().map(|letter| Event::Key(KeyCode::Char(letter).into())).collect()
    }

    fn fed(portions: &[&[u8]]) -> (Vec<Event>, Typed) {
        let mut typed = Typed::default();
        let events = portions.iter().flat_map(|bytes| typed.feed(bytes, Portion::Last)).collect();
        (events, typed)
    }

    #[test]
    fn keys_are_what_they_were_pressed_as() {
        let (events, typed) = fed(&["jé好".as_bytes(), b"\x1b[A\x1b[5~\x1b\x04\x0d\x7f\x1b[1;5C\x1bx"]);
        let pressed = |code: KeyCode, modifiers| Event::Key(KeyEvent::new(code, modifiers));
        let plain = |code| pressed(code, KeyModifiers::NONE);
        let mut wanted = keys("jé好");
        wanted.extend([plain(KeyCode::Up), plain(KeyCode::PageUp)]);
        wanted.push(pressed(KeyCode::Char('d'), KeyModifiers::CONTROL | KeyModifiers::ALT));
        wanted.extend([plain(KeyCode::Enter), plain(KeyCode::Backspace)]);
        wanted.push(pressed(KeyCode::Right, KeyModifiers::CONTROL));
        wanted.push(pressed(KeyCode::Char('x'), KeyModifiers::ALT));
        assert_eq!(events, wanted);
        assert!(!typed.is_unfinished());
        assert_eq!(fed(&[b"\x1b"]).0, [plain(KeyCode::Esc)], "a key of its own, at once");
    }

    #[test]
    fn half_a_key_is_given_up_and_the_next_one_is_heard() {
        let (events, mut typed) = fed(&[b"\x1b["]);
        assert!(events.is_empty() && typed.is_unfinished());
        assert_eq!(typed.give_up(), None);
        assert_eq!(typed.feed(b"q", Portion::Last), keys("q"));
        let (events, mut typed) = fed(&[b"\x1b[200~ab", b"c"]);
        assert!(events.is_empty() && typed.is_unfinished());
        assert_eq!(typed.give_up(), Some(Event::Paste("abc".to_owned())));
        assert_eq!(typed.feed(b"q", Portion::Last), keys("q"));
    }

    #[test]
    fn more_than_is_kept_of_pasted_text_is_dropped_and_never_typed() {
        let mut typed = Typed::default();
        assert!(typed.feed(b"\x1b[200~", Portion::Last).is_empty());
        for _ in 0..300 {
            assert!(typed.feed(&[b'y'; 4_095], Portion::MoreToCome).is_empty());
        }
        let events = typed.feed(b"\x1b[201~q", Portion::Last);
        let [Event::Paste(text), rest] = &events[..] else { panic!("{} events", events.len()) };
        assert!(text.len() <= LONGEST_PASTE && text.len() > LONGEST_PASTE - 4_096, "{}", text.len());
        assert_eq!(rest, &keys("q")[0]);
    }

    proptest! {
        /// Wherever the bytes are cut, as a line delivers them, pasted text is pasted text and keys are keys.
        #[test]
        fn portions_change_nothing(cuts in prop::collection::vec(0..60_usize, 0..6)) {
            let bytes = b"ab\x1b[200~y\x1b[2 y\x1b[20\x1b[201~cd\x1b[200~\x1b[201~e";
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut typed = Typed::default();
            // A line that delivers half of a sequence has more to come.
            let events: Vec<_> =
                cuts.windows(2).flat_map(|cut| typed.feed(&bytes[cut[0]..cut[1]], Portion::MoreToCome)).collect();
            let paste = |text: &str| Event::Paste(text.to_owned());
            let mut wanted = keys("ab");
            wanted.push(paste("y\x1b[2 y\x1b[20"));
            wanted.extend(keys("cd"));
            wanted.push(paste(""));
            wanted.extend(keys("e"));
            prop_assert_eq!(events, wanted);
        }
    }
}

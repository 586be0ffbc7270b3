//! What a secret looks like, unit by unit: raw, in hexadecimal, and in base64 at each of its three alignments.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// All forms of all secrets.
#[derive(Default)]
pub(super) struct Patterns {
    pub all: Vec<Pattern>,
    /// Places in `all` of those that begin with a byte, by that byte.
    starts: Vec<Vec<usize>>,
}

impl Patterns {
    pub fn new(all: Vec<Pattern>) -> Self {
        let mut starts = vec![Vec::new(); 256];
        for (index, pattern) in all.iter().enumerate() {
            for byte in pattern.first() {
                starts[usize::from(byte)].push(index);
            }
        }
        Self { all, starts }
    }

    pub fn beginning_with(&self, byte: u8) -> &[usize] {
        self.starts.get(usize::from(byte)).map_or(&[], Vec::as_slice)
    }
}

/// One form of one secret.
pub(super) struct Pattern {
    pub units: Vec<Unit>,
    /// Which of the labels takes its place.
    pub label: usize,
    /// Length of the secret: of two that overlap, the longer one is named.
    pub weight: usize,
    /// Whether it is letters alone, as an ordinary word is.
    pub is_word: bool,
}

/// A byte that must stand at a place, or another that means the same.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    either: u8,
    or: u8,
    /// What may stand before it.
    pub gap: Gap,
}

/// What a text may have between two units.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    None,
    /// White space, and what begins a line behind a line break.
    Blank,
    /// The secret itself has white space there.
    NeededBlank,
    /// All that people write between the bytes of a dump.
    Separators,
}

impl Unit {
    fn exact(byte: u8, gap: Gap) -> Self {
        Self { either: byte, or: byte, gap }
    }

    pub fn is(self, byte: u8) -> bool {
        byte == self.either || byte == self.or
    }
}

impl Gap {
    /// Whether `byte` may stand in it; `on_new_line` when a line break went before.
    pub fn allows(self, byte: u8, on_new_line: bool) -> bool {
        // A backslash only protects what follows it.
        let is_blank = matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c | 0 | b'\\');
        // Line numbers, and the marks of diffs, quotations and comments.
        let begins_line =
            on_new_line && matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'>' | b'<' | b'|' | b'#' | b'*' | b'/' | b':');
        match self {
            Self::None => false,
            Self::Blank => is_blank || begins_line,
            Self::NeededBlank => is_blank || begins_line || byte == b'+',
            Self::Separators => is_blank || begins_line || b":-,;_.0xX\\%&#\"'|[](){}".contains(&byte),
        }
    }
}

impl Pattern {
    /// The bytes it can begin with.
    pub fn first(&self) -> Vec<u8> {
        let mut bytes: Vec<_> = self.units.first().map(|unit| vec![unit.either, unit.or]).unwrap_or_default();
        bytes.dedup();
        bytes
    }
}

/// The forms of a value.
pub(super) fn of(value: &str, label: usize) -> Vec<Pattern> {
    let pattern = |units: Vec<Unit>, is_word| Pattern { units, label, weight: value.len(), is_word };
    let mut patterns =
        vec![pattern(raw(value), value.chars().all(char::is_alphabetic)), pattern(hexadecimal(value), false)];
    patterns.extend((0..3).map(|shift| pattern(base64(value, shift), false)));
    patterns
}

fn raw(value: &str) -> Vec<Unit> {
    let mut units = Vec::with_capacity(value.len());
    let mut gap = Gap::Blank;
    for character in value.chars() {
        if character.is_ascii_whitespace() {
            gap = Gap::NeededBlank;
            continue;
        }
        let mut buffer = [0; 4];
        for byte in character.encode_utf8(&mut buffer).bytes() {
            units.push(Unit::exact(byte, gap));
            gap = Gap::None;
        }
        gap = Gap::Blank;
    }
    units
}

fn hexadecimal(value: &str) -> Vec<Unit> {
    let either_case = |digit: u8| Unit { either: digit, or: digit.to_ascii_uppercase(), gap: Gap::Separators };
    hex::encode(value).bytes().map(either_case).collect()
}

/// What the value becomes when `shift` bytes went before it. Characters that also depend on its neighbours are left out.
fn base64(value: &str, shift: usize) -> Vec<Unit> {
    let shifted = [&[0; 3][..shift], value.as_bytes()].concat();
    let encoded = STANDARD_NO_PAD.encode(&shifted);
    let (from, to) = ((shift * 8).div_ceil(6), shifted.len() * 8 / 6);
    let unit = |byte: u8| {
        let or = match byte {
            b'+' => b'-',
            b'/' => b'_',
            same => same,
        };
        Unit { either: byte, or, gap: Gap::Blank }
    };
    encoded.as_bytes().get(from..to).unwrap_or_default().iter().copied().map(unit).collect()
}

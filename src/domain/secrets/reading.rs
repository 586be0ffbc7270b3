//! What may be meant at a place of a text: the byte that stands there, or what an escape that begins there stands for.
//!
//! Escapes of JSON, of programming languages and shells, of URLs, of quoted-printable mail and of HTML are understood,
//! also within one another. It is not asked which of them a text is written in: whatever it may mean is a reading.

use std::cell::Cell;

/// One meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// How many bytes of the text it takes.
    pub length: usize,
    bytes: [u8; 4],
    count: usize,
}

/// All meanings at a place.
#[derive(Default)]
pub(super) struct Readings {
    pub all: Vec<Reading>,
    /// Whether more of the text could add one.
    pub may_grow: bool,
}

/// Most backslashes that are taken for one escape within others.
const DEEPEST: usize = 8;
/// Longest name of an HTML entity.
const LONGEST_NAME: usize = 12;

impl Reading {
    /// What it means; empty when it means nothing at all, as a colour does.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.count]
    }

    fn byte(byte: u8, length: usize) -> Self {
        Self { length, bytes: [byte, 0, 0, 0], count: 1 }
    }

    fn nothing(length: usize) -> Self {
        Self { length, bytes: [0; 4], count: 0 }
    }

    fn code_point(code: u32, length: usize) -> Option<Self> {
        let mut bytes = [0; 4];
        let count = char::from_u32(code)?.encode_utf8(&mut bytes).len();
        Some(Self { length, bytes, count })
    }
}

impl Readings {
    /// Whether an escape may begin with `byte`.
    pub fn is_lead(byte: u8) -> bool {
        matches!(byte, b'\\' | b'%' | b'=' | b'&')
    }

    /// Reads all that `text` may begin with.
    pub fn read(&mut self, text: &[u8]) {
        self.all.clear();
        self.may_grow = false;
        let Some((first, rest)) = text.split_first() else { return };
        self.all.push(Reading::byte(*first, 1));
        self.escapes(*first, rest, 1);
        // An escape may stand for the beginning of another one, as in JSON that was made part of an address.
        for index in 1..self.all.len() {
            let Reading { length, bytes: [lead, ..], count } = self.all[index];
            if count == 1 && lead != *first && Self::is_lead(lead) {
                self.escapes(lead, &text[length..], length);
            }
        }
    }

    /// What the escape means that begins with `lead`, itself so many bytes `long`, and goes on with `rest`.
    fn escapes(&mut self, lead: u8, rest: &[u8], long: usize) {
        let (text, from) = (Ahead { lead, rest, is_short: Cell::new(false) }, self.all.len());
        match lead {
            b'\\' => backslash(&text, &mut self.all),
            b'%' => percent(&text, &mut self.all),
            b'=' => quoted_printable(&text, &mut self.all),
            b'&' => entity(&text, 1, &mut self.all),
            0x1b => self.all.extend(colour(&text)),
            0xc2 | 0xe2 | 0xef => self.all.extend(invisible(&text)),
            _ => {}
        }
        self.all[from..].iter_mut().for_each(|reading| reading.length += long - 1);
        self.may_grow |= text.is_short.get();
    }
}

/// A text, and whether anybody asked for what is behind its end.
struct Ahead<'a> {
    lead: u8,
    rest: &'a [u8],
    is_short: Cell<bool>,
}

impl Ahead<'_> {
    fn get(&self, at: usize) -> Option<u8> {
        let byte = if at == 0 { Some(self.lead) } else { self.rest.get(at - 1).copied() };
        if byte.is_none() {
            self.is_short.set(true);
        }
        byte
    }

    /// As many digits as `count`, read in `base`.
    fn digits(&self, from: usize, count: usize, base: u32) -> Option<u32> {
        (from..from + count).try_fold(0, |value, at| {
            let digit = char::from(self.get(at)?).to_digit(base)?;
            Some(value * base + digit)
        })
    }
}

/// Escapes of JSON, C, Python, JavaScript and shells, behind any number of backslashes that protect one another.
fn backslash(text: &Ahead<'_>, all: &mut Vec<Reading>) {
    let run = (0..=DEEPEST).take_while(|at| text.get(*at) == Some(b'\\')).count();
    all.extend([2, 4, 8].into_iter().filter(|pairs| *pairs <= run).map(|pairs| Reading::byte(b'\\', pairs)));
    if run > DEEPEST {
        return;
    }
    let Some(escaped) = text.get(run) else { return };
    let short = |byte| Reading::byte(byte, run + 1);
    match escaped {
        b'n' => all.push(short(b'\n')),
        b'r' => all.push(short(b'\r')),
        b't' => all.push(short(b'\t')),
        b'b' | b'f' | b'v' | b'a' => all.push(short(0x0c)),
        b'u' => all.extend(utf16(text, run + 1)),
        b'x' => all.extend(text.digits(run + 1, 2, 16).map(|code| Reading::byte(code as u8, run + 3))),
        b'0'..=b'7' => {
            let octal = text.digits(run, 3, 8).and_then(|code| u8::try_from(code).ok());
            all.extend(octal.map(|byte| Reading::byte(byte, run + 3)));
            all.extend((escaped == b'0').then(|| short(0)));
        }
        other if !other.is_ascii_alphanumeric() => all.push(short(other)),
        _ => {}
    }
}

/// The four digits from `at` on, or those in braces; two such escapes where the first is half a character.
fn utf16(text: &Ahead<'_>, at: usize) -> Option<Reading> {
    if text.get(at)? == b'{' {
        let count =
            (at + 1..at + 8).take_while(|at| text.get(*at).is_some_and(|digit| digit.is_ascii_hexdigit())).count();
        let code = text.digits(at + 1, count, 16)?;
        return (text.get(at + 1 + count)? == b'}').then(|| Reading::code_point(code, at + 2 + count))?;
    }
    let first = text.digits(at, 4, 16)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Reading::code_point(first, at + 4);
    }
    let behind = (at + 4..at + 4 + DEEPEST).take_while(|at| text.get(*at) == Some(b'\\')).count();
    let from = at + 4 + behind;
    let second = text.digits(from + 1, 4, 16).filter(|_| behind > 0 && text.get(from) == Some(b'u'))?;
    let code = 0x10000 + ((first - 0xd800) << 10) + second.checked_sub(0xdc00)?;
    Reading::code_point(code, from + 5)
}

/// `%2B`, also when the percent sign was encoded again and again, and `%u002B`.
fn percent(text: &Ahead<'_>, all: &mut Vec<Reading>) {
    if text.get(1).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'u')) {
        all.extend(text.digits(2, 4, 16).and_then(|code| Reading::code_point(code, 6)));
        return;
    }
    for from in [1, 3, 5, 7] {
        let Some(byte) = text.digits(from, 2, 16) else { return };
        all.push(Reading::byte(byte as u8, from + 2));
        if byte != u32::from(b'%') {
            return;
        }
    }
}

/// `=2B`, and a line that goes on behind a `=` at its end.
fn quoted_printable(text: &Ahead<'_>, all: &mut Vec<Reading>) {
    match text.get(1) {
        Some(b'\n') => all.push(Reading::nothing(2)),
        Some(b'\r') if text.get(2) == Some(b'\n') => all.push(Reading::nothing(3)),
        Some(_) => all.extend(text.digits(1, 2, 16).map(|byte| Reading::byte(byte as u8, 3))),
        None => {}
    }
}

/// `&amp;`, `&#43;` and `&#x2b;`, the name being at `from`. What an encoded ampersand begins may be an entity again.
fn entity(text: &Ahead<'_>, from: usize, all: &mut Vec<Reading>) {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'#';
    let length = (from..from + LONGEST_NAME).take_while(|at| text.get(*at).is_some_and(is_part)).count();
    let end = from + length;
    let name = text.rest.get(from - 1..end - 1).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
    if text.get(end) != Some(b';') {
        return;
    }
    all.extend(named(name, end + 1));
    if name == "amp" && end < LONGEST_NAME {
        entity(text, end + 1, all);
    }
}

fn named(name: &str, length: usize) -> Option<Reading> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return Reading::code_point(code.ok()?, length);
    }
    let (_, byte) = ENTITIES.iter().find(|(known, _)| *known == name)?;
    Some(Reading::byte(*byte, length))
}

/// The entities of HTML that stand for a character of ASCII.
const ENTITIES: &[(&str, u8)] = &[
    ("amp", b'&'),
    ("lt", b'<'),
    ("gt", b'>'),
    ("quot", b'"'),
    ("apos", b'\''),
    ("nbsp", b' '),
    ("Tab", b'\t'),
    ("NewLine", b'\n'),
    ("sol", b'/'),
    ("plus", b'+'),
    ("equals", b'='),
    ("num", b'#'),
    ("percnt", b'%'),
    ("colon", b':'),
    ("comma", b','),
    ("period", b'.'),
    ("quest", b'?'),
    ("excl", b'!'),
    ("dollar", b'$'),
    ("lpar", b'('),
    ("rpar", b')'),
    ("lsqb", b'['),
    ("lbrack", b'['),
    ("rsqb", b']'),
    ("rbrack", b']'),
    ("lowbar", b'_'),
    ("commat", b'@'),
    ("ast", b'*'),
    ("midast", b'*'),
    ("semi", b';'),
    ("bsol", b'\\'),
    ("Hat", b'^'),
    ("grave", b'`'),
    ("lcub", b'{'),
    ("lbrace", b'{'),
    ("rcub", b'}'),
    ("rbrace", b'}'),
    ("verbar", b'|'),
    ("vert", b'|'),
];

/// A colour or another sequence by which a terminal is told how to paint.
fn colour(text: &Ahead<'_>) -> Option<Reading> {
    const LONGEST: usize = 24;
    if text.get(1)? != b'[' {
        return None;
    }
    let numbers = (2..LONGEST).take_while(|at| text.get(*at).is_some_and(|byte| matches!(byte, b'0'..=b'?'))).count();
    text.get(2 + numbers)?.is_ascii_alphabetic().then(|| Reading::nothing(3 + numbers))
}

/// Characters that nobody sees: soft hyphens, zero-width ones, joiners and the byte order mark.
fn invisible(text: &Ahead<'_>) -> Option<Reading> {
    let second = text.get(1);
    if text.get(0)? == 0xc2 {
        return (second? == 0xad).then(|| Reading::nothing(2));
    }
    let is_one = match (text.get(0)?, second?) {
        (0xe2, 0x80) => matches!(text.get(2)?, 0x8b..=0x8f),
        (0xe2, 0x81) => text.get(2)? == 0xa0,
        (0xef, 0xbb) => text.get(2)? == 0xbf,
        _ => false,
    };
    is_one.then(|| Reading::nothing(3))
}

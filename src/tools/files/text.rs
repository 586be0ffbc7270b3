//! Text in a file as against text from a model: line breaks, byte order marks and encodings. A model writes `\n` and
//! UTF-8; what stays of a file keeps its bytes, and what is new takes on the line breaks of its place.

use std::ops::Range;

/// What UTF-8 files of some systems begin with.
pub const MARK: &[u8] = "\u{feff}".as_bytes();

/// How far into a file a NUL makes it binary, as git and grep have it.
pub const SNIFFED: usize = 8_000;

/// How the characters of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    /// Or UTF-32, by its byte order mark.
    Utf16,
    Other,
}

impl Encoding {
    pub fn of(bytes: &[u8]) -> Self {
        if [[0xff, 0xfe], [0xfe, 0xff]].iter().any(|mark| bytes.starts_with(mark)) || bytes.starts_with(b"\0\0\xfe\xff")
        {
            return Self::Utf16;
        }
        if std::str::from_utf8(bytes).is_ok() { Self::Utf8 } else { Self::Other }
    }
}

/// The bytes behind the byte order mark, if there is one.
pub fn unmarked(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(MARK).unwrap_or(bytes)
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Lf,
    CrLf,
    /// Of old Macs; only where a file has no other.
    Cr,
}

impl Ending {
    pub fn name(self) -> &'static str {
        match self {
            Self::Lf => "LF",
            Self::CrLf => "CRLF",
            Self::Cr => "CR",
        }
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::Cr => b"\r",
        }
    }
}

/// A text with `\n` for every line break, which knows what stood there.
pub struct Lines {
    pub text: Vec<u8>,
    breaks: Vec<Break>,
}

/// A `\n` of such a text, and what it stands for.
struct Break {
    at: usize,
    ending: Ending,
    /// How many bytes the text is short of the file from here on.
    short: usize,
}

impl Lines {
    pub fn of(bytes: &[u8]) -> Self {
        let lone = if bytes.contains(&b'\n') { None } else { Some(Ending::Cr) };
        let (mut text, mut breaks) = (Vec::with_capacity(bytes.len()), Vec::new());
        let mut rest = bytes;
        while let [first, after @ ..] = rest {
            let ending = match (first, after) {
                (b'\r', [b'\n', ..]) => Some(Ending::CrLf),
                (b'\r', _) => lone,
                (b'\n', _) => Some(Ending::Lf),
                _ => None,
            };
            let short =
                breaks.last().map_or(0, |before: &Break| before.short) + usize::from(ending == Some(Ending::CrLf));
            breaks.extend(ending.map(|ending| Break { at: text.len(), ending, short }));
            text.push(if ending.is_some() { b'\n' } else { *first });
            rest = rest.get(ending.map_or(1, |ending| ending.bytes().len())..).unwrap_or_default();
        }
        Self { text, breaks }
    }

    /// The ending of all its lines; `None` where there are several, or no line ends.
    pub fn ending(&self) -> Option<Ending> {
        let first = self.breaks.first()?.ending;
        self.breaks.iter().all(|one| one.ending == first).then_some(first)
    }

    /// Whether its lines end in more than one way.
    pub fn is_mixed(&self) -> bool {
        !self.breaks.is_empty() && self.ending().is_none()
    }

    /// What a model gave, as it would stand in `text`. Where no line ends, its own line breaks are as good as any.
    pub fn like(&self, given: &str) -> Vec<u8> {
        match self.ending() {
            None if self.breaks.is_empty() => given.to_owned(),
            Some(Ending::Cr) => given.replace("\r\n", "\n").replace('\r', "\n"),
            Some(Ending::Lf | Ending::CrLf) | None => given.replace("\r\n", "\n"),
        }
        .into_bytes()
    }

    /// Breaks before a place of `text`.
    fn before(&self, at: usize) -> usize {
        self.breaks.partition_point(|one| one.at < at)
    }

    /// Where in the file a place of `text` is.
    fn origin(&self, at: usize) -> usize {
        at + self.breaks[..self.before(at)].last().map_or(0, |before| before.short)
    }

    /// `new` instead of a range of `text`: where it goes in the file, and the bytes that go there. What both have in
    /// common stays as it is; each further line break is the one whose place it takes, or like its neighbours.
    pub fn replace(&self, old: Range<usize>, new: &[u8]) -> (Range<usize>, Vec<u8>) {
        let was = &self.text[old.clone()];
        let front = was.iter().zip(new).take_while(|(a, b)| a == b).count();
        let back = was[front..].iter().rev().zip(new[front..].iter().rev()).take_while(|(a, b)| a == b).count();
        let middle = old.start + front..old.end - back;
        let (first, end) = (self.before(middle.start), self.before(middle.end));
        let neighbour = self.breaks.get(end.saturating_sub(1).max(first)).or(self.breaks.last());
        let otherwise = neighbour.map_or(Ending::Lf, |neighbour| neighbour.ending);
        let mut replaced = self.breaks[first..end].iter().map(|one| one.ending);
        let mut bytes = Vec::with_capacity(new.len());
        for byte in &new[front..new.len() - back] {
            match byte {
                b'\n' => bytes.extend_from_slice(replaced.next().unwrap_or(otherwise).bytes()),
                other => bytes.push(*other),
            }
        }
        (self.origin(middle.start)..self.origin(middle.end), bytes)
    }

    /// The text with one ending for every line.
    pub fn ended(&self, ending: Ending) -> Vec<u8> {
        self.text.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(ending.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first occurrence of `old` replaced.
    fn edited(file: &str, old: &str, new: &str) -> String {
        let lines = Lines::of(file.as_bytes());
        let text = std::str::from_utf8(&lines.text).unwrap();
        let at = text.find(old).unwrap();
        let (range, bytes) = lines.replace(at..at + old.len(), new.as_bytes());
        [&file.as_bytes()[..range.start], &bytes, &file.as_bytes()[range.end..]].concat().try_into().unwrap_or_default()
    }

    #[test]
    fn new_lines_end_like_their_neighbours() {
        assert_eq!(edited("a\r\nb\r\n", "b", "b\nc"), "a\r\nb\r\nc\r\n");
        assert_eq!(edited("a\r\nb\r\n", "a\nb", "a\nx\nb"), "a\r\nx\r\nb\r\n");
        assert_eq!(edited("a\nb\n", "b", "b\nc"), "a\nb\nc\n");
        assert_eq!(edited("a\r\nb", "b", "b\nc"), "a\r\nb\r\nc");
        assert_eq!(edited("a\rb\r", "b", "b\nc"), "a\rb\rc\r");
        assert_eq!(edited("ab", "b", "b\nc"), "ab\nc");
    }

    #[test]
    fn in_a_mixed_file_what_stays_keeps_its_ending() {
        assert_eq!(edited("a\r\nb\nc\r\nd\n", "a\nb\nc\nd\n", "a\nB\nc\nd\n"), "a\r\nB\nc\r\nd\n");
        assert_eq!(edited("a\r\nb\nc\r\n", "a\nb\nc", "a\nb\nx\nc"), "a\r\nb\nx\r\nc\r\n");
        assert_eq!(edited("a\r\nb\nc\n", "a", "a\nx"), "a\r\nx\r\nb\nc\n");
        assert_eq!(edited("a\r\nb\n", "a\n", ""), "b\n");
        assert_eq!(edited("a\rb\nc\n", "c", "C"), "a\rb\nC\n");
    }

    #[test]
    fn encodings_are_told_apart() {
        assert_eq!(Encoding::of(b"\xef\xbb\xbfa"), Encoding::Utf8);
        assert_eq!(Encoding::of(b"\xff\xfea\0"), Encoding::Utf16);
        assert_eq!(Encoding::of(b"\xfe\xff\0a"), Encoding::Utf16);
        assert_eq!(Encoding::of(b"caf\xe9"), Encoding::Other);
    }
}

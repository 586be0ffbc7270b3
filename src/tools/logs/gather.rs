//! Reads lines of logs, bounded in bytes and time, and sorts them into the window that is asked about and the time before.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use memchr::memchr;
use regex::bytes::Regex;
use tokio_util::sync::CancellationToken;

use super::stamp::{Reader, Stamp};
use super::templates::{Span, Templates};

/// Bytes that are read of all logs together: of each the end.
pub const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of a line; the rest of a longer one is passed over.
const LONGEST_LINE: usize = 16 * 1024;
const CHUNK: usize = 1024 * 1024;
const LONGEST_SEARCH: Duration = Duration::from_secs(20);

/// The time that is asked about, in seconds since 1970; the time before is as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub start: i64,
    pub end: i64,
}

impl Window {
    fn span(&self, at: i64) -> Option<Span> {
        let length = self.end - self.start;
        match at {
            at if at > self.end => None,
            at if at >= self.start => Some(Span::Window),
            at if at >= self.start - length => Some(Span::Before),
            _ => None,
        }
    }
}

/// What was read.
pub struct Gathered {
    pub templates: Templates,
    /// Lines of the window, and of the time before it, that match.
    pub lines: u64,
    pub before: u64,
    /// Lines of the window without a time of their own or of a line above.
    pub untimed: u64,
    /// Logs of which only the end was read.
    pub cut: u64,
    pub is_complete: bool,
}

/// Reads lines, one log after the other.
pub struct Gatherer<'a> {
    window: Window,
    reader: Reader,
    pattern: Option<&'a Regex>,
    cancel: &'a CancellationToken,
    started: Instant,
    left: u64,
    gathered: Gathered,
    /// The bytes of the last time, which the next line often has again.
    last: (Vec<u8>, Option<Stamp>),
}

impl<'a> Gatherer<'a> {
    pub fn new(
        window: Window,
        reader: Reader,
        pattern: Option<&'a Regex>,
        cancel: &'a CancellationToken,
    ) -> Result<Self, String> {
        let templates = Templates::new()?;
        let gathered = Gathered { templates, lines: 0, before: 0, untimed: 0, cut: 0, is_complete: true };
        let (started, last) = (Instant::now(), (Vec::new(), None));
        Ok(Self { window, reader, pattern, cancel, started, left: MOST_BYTES, gathered, last })
    }

    pub fn finish(self) -> Gathered {
        self.gathered
    }

    /// Whether there is no more time, or room, for a further log.
    pub fn is_done(&mut self) -> bool {
        let is_done = self.left == 0 || self.cancel.is_cancelled() || self.started.elapsed() > LONGEST_SEARCH;
        self.gathered.is_complete &= !is_done;
        is_done
    }

    /// The end of a file, as much as there is room for. `written` is when it was last written to.
    pub fn file(&mut self, file: &mut File, written: i64) -> std::io::Result<()> {
        let length = file.metadata()?.len();
        let mut is_begun = length > self.left;
        if is_begun {
            file.seek(SeekFrom::Start(length - self.left))?;
            self.gathered.cut += 1;
        }
        let mut timeless = (written >= self.window.start).then_some(Span::Window);
        let mut lines = Lines::default();
        let mut chunk = vec![0; CHUNK];
        while !self.is_done() {
            let most = usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK);
            let read = file.read(&mut chunk[..most])?;
            if read == 0 {
                break;
            }
            self.left -= read as u64;
            lines.take(&chunk[..read], |line| match std::mem::take(&mut is_begun) {
                true => {}
                false => self.line(line, &mut timeless),
            });
        }
        lines.end(|line| self.line(line, &mut timeless));
        Ok(())
    }

    /// Text that is there already, such as that of the journal.
    pub fn text(&mut self, text: &[u8]) {
        self.lines(text, None);
    }

    /// A log that was brought here: its end, of at most so many bytes, and when it was last written to.
    pub fn log(&mut self, text: &[u8], written: Option<i64>, most: usize) {
        let is_cut = text.len() >= most;
        let from = memchr(b'\n', text).filter(|_| is_cut).map_or(0, |end| end + 1);
        self.gathered.cut += u64::from(is_cut);
        let is_new = written.is_some_and(|written| written >= self.window.start);
        self.lines(&text[from..], is_new.then_some(Span::Window));
    }

    fn lines(&mut self, text: &[u8], mut timeless: Option<Span>) {
        let mut lines = Lines::default();
        lines.take(text, |line| self.line(line, &mut timeless));
        lines.end(|line| self.line(line, &mut timeless));
    }

    /// `above` is where the lines above are: one without a time of its own, as in a stack trace, belongs to them.
    fn line(&mut self, line: &[u8], above: &mut Option<Span>) {
        let stamp = self.stamp(line);
        if let Some(stamp) = stamp {
            *above = self.window.span(stamp.at);
        }
        let Some(span) = *above else { return };
        if line.iter().all(u8::is_ascii_whitespace) || self.pattern.is_some_and(|pattern| !pattern.is_match(line)) {
            return;
        }
        match span {
            Span::Window => self.gathered.lines += 1,
            Span::Before => self.gathered.before += 1,
        }
        self.gathered.untimed += u64::from(stamp.is_none() && span == Span::Window);
        let (ahead, message) = stamp.map_or((&line[..0], line), |stamp| (&line[..stamp.from], &line[stamp.to..]));
        let message = if ahead.is_empty() { message.to_vec() } else { [ahead, b"<time>", message].concat() };
        let message = String::from_utf8_lossy(&message);
        self.gathered.templates.add(message.trim(), span, stamp.map(|stamp| stamp.at));
    }

    fn stamp(&mut self, line: &[u8]) -> Option<Stamp> {
        if let Some(last) = self.last.1
            && line.get(last.from..last.to) == Some(self.last.0.as_slice())
            && last.from == 0
        {
            return Some(last);
        }
        let stamp = self.reader.read(line)?;
        self.last = (line[stamp.from..stamp.to].to_vec(), Some(stamp));
        Some(stamp)
    }
}

/// Puts lines together from chunks.
#[derive(Default)]
struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    fn take(&mut self, mut chunk: &[u8], mut each: impl FnMut(&[u8])) {
        while let Some(end) = memchr(b'\n', chunk) {
            match self.begun.is_empty() {
                true => each(cut(&chunk[..end])),
                false => {
                    self.begin(&chunk[..end]);
                    each(cut(&self.begun));
                    self.begun.clear();
                }
            }
            chunk = &chunk[end + 1..];
        }
        self.begin(chunk);
    }

    fn begin(&mut self, part: &[u8]) {
        let room = LONGEST_LINE.saturating_sub(self.begun.len());
        self.begun.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn end(&mut self, mut each: impl FnMut(&[u8])) {
        if !self.begun.is_empty() {
            each(cut(&self.begun));
        }
    }
}

fn cut(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    &line[..line.len().min(LONGEST_LINE)]
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use chrono::{DateTime, FixedOffset, Utc};

    use super::*;

    const NOW: &str = "2026-11-30T04:00:00Z";

    fn with<T>(pattern: Option<&str>, read: impl FnOnce(&mut Gatherer<'_>) -> T) -> Gathered {
        let now: DateTime<Utc> = NOW.parse().unwrap();
        let window = Window { start: now.timestamp() - 3600, end: now.timestamp() };
        let pattern = pattern.map(|pattern| Regex::new(pattern).unwrap());
        let cancel = CancellationToken::new();
        let reader = Reader::new(now, FixedOffset::east_opt(0).unwrap());
        let mut gatherer = Gatherer::new(window, reader, pattern.as_ref(), &cancel).unwrap();
        read(&mut gatherer);
        gatherer.finish()
    }

    #[test]
    fn lines_belong_to_the_window_to_the_time_before_or_to_neither() {
        let text = "2026-11-30T01:59:59Z too old\n2026-11-30T02:00:00Z ERROR a\n  at before\n2026-11-30T03:00:00Z ERROR a\r\n\
                    2026-11-30T03:30:00Z ERROR b\n  at b.rs\n\n2026-11-30T04:00:01Z ERROR later\n  at later";
        let all = with(None, |gatherer| gatherer.text(text.as_bytes()));
        assert_eq!((all.lines, all.before, all.untimed), (3, 2, 1));
        let errors = with(Some("ERROR"), |gatherer| gatherer.text(text.as_bytes()));
        assert_eq!((errors.lines, errors.before, errors.untimed), (2, 1, 0));
        let templates = errors.templates.into_sorted();
        assert_eq!(templates.iter().map(|one| one.text.raw()).collect::<Vec<_>>(), ["ERROR b", "ERROR a"]);
        assert_eq!(templates[1].first, templates[1].last);
    }

    #[test]
    fn a_time_within_the_line_is_left_out_of_its_form() {
        let text = "{\"at\":\"2026-11-30T03:00:00Z\",\"n\":1}\n{\"at\":\"2026-11-30T03:00:09Z\",\"n\":22}\n";
        let found = with(None, |gatherer| gatherer.text(text.as_bytes())).templates.into_sorted();
        assert_eq!(
            found.iter().map(|one| (one.text.raw(), one.count)).collect::<Vec<_>>(),
            [("{\"at\":\"<time>\",\"n\":<*>}", 2)]
        );
    }

    #[test]
    fn of_a_file_any_bytes_are_read_and_lines_without_times_count_by_its_age() {
        let mut file = tempfile::tempfile().unwrap();
        let long = [b"2026-11-30T03:10:00Z ".to_vec(), vec![b'y'; CHUNK * 2], b"\n".to_vec()].concat();
        file.write_all(b"no time at all \xff\x00\x1b[2J\n2026-11-30T03:00:00Z x\n").unwrap();
        file.write_all(&long).unwrap();
        file.write_all(b"2026-11-30T03:20:00Z last").unwrap();
        let written = NOW.parse::<DateTime<Utc>>().unwrap().timestamp();
        for (written, lines, untimed) in [(written, 4, 1), (0, 3, 0)] {
            file.rewind().unwrap();
            let read = with(None, |gatherer| gatherer.file(&mut file, written).unwrap());
            assert_eq!((read.lines, read.untimed, read.is_complete), (lines, untimed, true));
        }
    }

    #[test]
    fn of_what_is_too_large_the_end_is_read() {
        let mut file = tempfile::tempfile().unwrap();
        let line = b"2026-11-30T03:00:00Z same\n";
        file.write_all(&line.repeat(10)).unwrap();
        let read = with(None, |gatherer| {
            gatherer.left = line.len() as u64 * 3 + 5;
            file.rewind().unwrap();
            gatherer.file(&mut file, 0).unwrap();
        });
        assert_eq!((read.lines, read.cut, read.is_complete), (3, 1, false), "a line that is begun does not count");
    }
}

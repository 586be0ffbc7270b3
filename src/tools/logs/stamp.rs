//! When a line of a log was written, by the forms that are usual. Reads no clock: years and zones that are left out are
//! those of the reader.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, Utc};

/// Bytes at the beginning of a line in which a time is looked for.
const WITHIN: usize = 160;
const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// What a line does not say itself.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    now: DateTime<Utc>,
    zone: FixedOffset,
}

/// A time in a line: seconds since 1970, and the bytes that say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub at: i64,
    pub from: usize,
    pub to: usize,
}

impl Reader {
    pub fn new(now: DateTime<Utc>, zone: FixedOffset) -> Self {
        Self { now, zone }
    }

    /// The first time that a line says.
    pub fn read(&self, line: &[u8]) -> Option<Stamp> {
        let line = &line[..line.len().min(WITHIN)];
        for (from, byte) in line.iter().enumerate() {
            let begins = from == 0 || !line[from - 1].is_ascii_alphanumeric();
            if !begins {
                continue;
            }
            let found = match byte {
                b'0'..=b'9' => self
                    .iso(&line[from..])
                    .or_else(|| self.common(&line[from..]))
                    .or_else(|| epoch(&line[from..], from)),
                b'A'..=b'Z' => self.syslog(&line[from..]),
                _ => None,
            };
            if let Some((at, length)) = found {
                return Some(Stamp { at, from, to: from + length });
            }
        }
        None
    }

    /// `2026-11-30T03:14:15.123Z`, with a blank or a comma, and with or without a zone.
    fn iso(&self, text: &[u8]) -> Option<(i64, usize)> {
        let separators = (text.get(4)?, text.get(7)?, text.get(10)?, text.get(13)?, text.get(16)?);
        let ((b'-', b'-') | (b'/', b'/'), b'T' | b't' | b' ', b':', b':') =
            ((separators.0, separators.1), separators.2, separators.3, separators.4)
        else {
            return None;
        };
        let date = NaiveDate::from_ymd_opt(number(text, 0, 4)?, part(text, 5)?, part(text, 8)?)?;
        let time = date.and_hms_opt(part(text, 11)?, part(text, 14)?, part(text, 17)?)?;
        let mut end = 19;
        if matches!(text.get(end), Some(b'.' | b',')) {
            end += 1;
            while text.get(end).is_some_and(u8::is_ascii_digit) {
                end += 1;
            }
        }
        let (offset, length) = zone(&text[end..]).unwrap_or((self.zone.local_minus_utc(), 0));
        Some((time.and_utc().timestamp() - i64::from(offset), end + length))
    }

    /// `30/Nov/2026:03:14:15 +0000`, as web servers write it.
    fn common(&self, text: &[u8]) -> Option<(i64, usize)> {
        let separators = [(2, b'/'), (6, b'/'), (11, b':'), (14, b':'), (17, b':')];
        if !separators.iter().all(|(at, byte)| text.get(*at) == Some(byte)) {
            return None;
        }
        let date = NaiveDate::from_ymd_opt(number(text, 7, 4)?, month(text.get(3..6)?)?, part(text, 0)?)?;
        let time = date.and_hms_opt(part(text, 12)?, part(text, 15)?, part(text, 18)?)?;
        let blank = usize::from(text.get(20) == Some(&b' '));
        let (offset, length) = match zone(&text[(20 + blank).min(text.len())..]) {
            Some((offset, length)) => (offset, blank + length),
            None => (self.zone.local_minus_utc(), 0),
        };
        Some((time.and_utc().timestamp() - i64::from(offset), 20 + length))
    }

    /// `Nov 30 03:14:15`: of this year, or of the last one where that would be tomorrow or later.
    fn syslog(&self, text: &[u8]) -> Option<(i64, usize)> {
        let month = month(text.get(..3)?)?;
        if text.get(3) != Some(&b' ')
            || text.get(6) != Some(&b' ')
            || text.get(9) != Some(&b':')
            || text.get(12) != Some(&b':')
        {
            return None;
        }
        let day = if text.get(4) == Some(&b' ') { number(text, 5, 1)? } else { number(text, 4, 2)? };
        let (day, hour, minute, second) = (u32::try_from(day).ok()?, part(text, 7)?, part(text, 10)?, part(text, 13)?);
        let of_year = |year: i32| -> Option<NaiveDateTime> {
            NaiveDate::from_ymd_opt(year, month, day)?.and_hms_opt(hour, minute, second)
        };
        let seconds = |time: NaiveDateTime| time.and_utc().timestamp() - i64::from(self.zone.local_minus_utc());
        let year = self.now.with_timezone(&self.zone).year();
        let tomorrow = self.now.timestamp() + 86_400;
        let this_year = of_year(year).map(seconds).filter(|at| *at <= tomorrow);
        Some((this_year.or_else(|| of_year(year - 1).map(seconds))?, 15))
    }
}

/// `1796000000.123456`, as the journal and some programs write it at the beginning.
fn epoch(text: &[u8], from: usize) -> Option<(i64, usize)> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if from > 1 || digits != 10 {
        return None;
    }
    let fraction = match text.get(10) {
        Some(b'.') => 1 + text[11..].iter().take_while(|byte| byte.is_ascii_digit()).count(),
        Some(b' ' | b']' | b':') | None => 0,
        Some(_) => return None,
    };
    let at = std::str::from_utf8(&text[..10]).ok()?.parse().ok()?;
    (at >= 1_000_000_000).then_some((at, 10 + fraction))
}

fn number(text: &[u8], at: usize, digits: usize) -> Option<i32> {
    let mut value = 0;
    for byte in text.get(at..at + digits)? {
        value = value * 10 + i32::from(byte.is_ascii_digit().then(|| byte - b'0')?);
    }
    Some(value)
}

fn part(text: &[u8], at: usize) -> Option<u32> {
    u32::try_from(number(text, at, 2)?).ok()
}

fn month(name: &[u8]) -> Option<u32> {
    let at = MONTHS.chunks(3).position(|month| month == name)?;
    u32::try_from(at + 1).ok()
}

/// Seconds east of UTC, and how many bytes say so: `Z`, `+0100`, `+01:00`.
fn zone(text: &[u8]) -> Option<(i32, usize)> {
    let sign = match text.first()? {
        b'Z' | b'z' => return Some((0, 1)),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let colon = usize::from(text.get(3) == Some(&b':'));
    let (hours, minutes) = (number(text, 1, 2)?, number(text, 3 + colon, 2)?);
    Some((sign * (hours * 3600 + minutes * 60), 5 + colon))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<(String, String)> {
        let now = "2026-11-30T04:00:00Z".parse().unwrap();
        let stamp = Reader::new(now, FixedOffset::east_opt(3600).unwrap()).read(line.as_bytes())?;
        let time = DateTime::<Utc>::from_timestamp(stamp.at, 0).unwrap();
        Some((time.format("%Y-%m-%dT%H:%M:%S").to_string(), line[stamp.from..stamp.to].to_owned()))
    }

    #[test]
    fn the_usual_forms_are_read_with_their_zones() {
        for (line, time, said) in [
            ("2026-11-30T03:14:15.123Z ERROR x", "2026-11-30T03:14:15", "2026-11-30T03:14:15.123Z"),
            ("2026-11-30 03:14:15,123 ERROR x", "2026-11-30T02:14:15", "2026-11-30 03:14:15,123"),
            ("2026/11/30 03:14:15 [error] 7#7: x", "2026-11-30T02:14:15", "2026/11/30 03:14:15"),
            (
                "{\"level\":\"info\",\"time\":\"2026-11-30T03:14:15+02:00\"}",
                "2026-11-30T01:14:15",
                "2026-11-30T03:14:15+02:00",
            ),
            (
                "10.0.0.1 - - [30/Nov/2026:03:14:15 +0000] \"GET /\"",
                "2026-11-30T03:14:15",
                "30/Nov/2026:03:14:15 +0000",
            ),
            ("Nov 30 03:14:15 host sshd[7]: x", "2026-11-30T02:14:15", "Nov 30 03:14:15"),
            ("Dec  5 03:14:15 host x", "2025-12-05T02:14:15", "Dec  5 03:14:15"),
            ("<13>Nov 30 03:14:15 host x", "2026-11-30T02:14:15", "Nov 30 03:14:15"),
            ("1796008455.123456 host x", "2026-11-30T03:14:15", "1796008455.123456"),
        ] {
            assert_eq!(read(line), Some((time.to_owned(), said.to_owned())), "{line}");
        }
        for none in [
            "",
            "at java.lang.Thread",
            "2026-13-30T03:14:15Z",
            "id 1796008455",
            "Nov 31 03:14:15",
            "12345678901 x",
            "é2",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}

//! Lines of a log put together by their form, with what varies as `<*>`; and which of them are new or came more often.
//! Time is the caller's.

use std::collections::HashMap;

use logdrain::{ClusterId, Miner};

use crate::domain::Untrusted;

/// From this many times as often on, a template is told first.
pub const MORE_OFTEN: f64 = 3.0;
/// Bytes of a line that are looked at.
const LONGEST_LINE: usize = 512;
/// Bytes of a template, and of its example, that are kept.
const LONGEST_SHOWN: usize = 300;
/// Templates that are told apart; what comes after them is counted together.
const MOST_TEMPLATES: usize = 4_000;
/// Forms that are remembered with their template, so that most lines are looked up and not compared.
const MOST_FORMS: usize = 20_000;
/// Letters and digits of an id: shorter ones may be words.
const SHORTEST_ID: usize = 8;
/// Within words, values are told from names at these.
const WITHIN_WORDS: &[char] = &['/', '=', '['];
/// The share of words that lines of one template have in common.
const ALIKE: f64 = 0.5;
const ANY: &[u8] = b"<*>";

/// Whether a line belongs to the time that is asked about, or to as long before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    Window,
    Before,
}

/// Lines of one form.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub text: Untrusted,
    pub example: Untrusted,
    pub count: u64,
    /// In as long a time before.
    pub before: u64,
    pub first: Option<i64>,
    pub last: Option<i64>,
    pub change: Change,
}

/// How a template stands against the time before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    New,
    /// So many times as often.
    MoreOften(f64),
    Usual,
}

impl Change {
    fn of(count: u64, before: u64) -> Self {
        let factor = count as f64 / before as f64;
        match before {
            0 => Self::New,
            _ if factor >= MORE_OFTEN => Self::MoreOften(factor),
            _ => Self::Usual,
        }
    }
}

#[derive(Default)]
struct Counted {
    count: u64,
    before: u64,
    first: Option<i64>,
    last: Option<i64>,
    example: String,
}

/// Takes lines in, one after the other.
pub struct Templates {
    miner: Miner,
    known: HashMap<ClusterId, Counted>,
    forms: HashMap<Vec<u8>, ClusterId>,
    form: Vec<u8>,
    /// Lines of further templates: in the window, and before it.
    pub beyond: (u64, u64),
}

impl Templates {
    pub fn new() -> Result<Self, String> {
        let miner = Miner::builder().path_delimiters(WITHIN_WORDS).sim_threshold(ALIKE).build();
        let miner = miner.map_err(|error| error.to_string())?;
        let form = Vec::with_capacity(LONGEST_LINE);
        Ok(Self { miner, known: HashMap::new(), forms: HashMap::new(), form, beyond: (0, 0) })
    }

    /// `message` is the line without its time.
    pub fn add(&mut self, message: &str, span: Span, at: Option<i64>) {
        let message = &message[..message.floor_char_boundary(LONGEST_LINE)];
        write_form(message.as_bytes(), &mut self.form);
        let id = self.forms.get(self.form.as_slice()).copied().or_else(|| self.compare());
        let Some(id) = id else {
            match span {
                Span::Window => self.beyond.0 += 1,
                Span::Before => self.beyond.1 += 1,
            }
            return;
        };
        let counted = self.known.entry(id).or_default();
        match span {
            Span::Before => counted.before += 1,
            Span::Window => {
                if counted.count == 0 {
                    counted.example = message.to_owned();
                }
                counted.count += 1;
                counted.first = counted.first.into_iter().chain(at).min();
                counted.last = counted.last.into_iter().chain(at).max();
            }
        }
    }

    /// The template of a form that is not known, which may be a new one.
    fn compare(&mut self) -> Option<ClusterId> {
        let form = String::from_utf8_lossy(&self.form);
        let id = match self.known.len() < MOST_TEMPLATES {
            true => self.miner.add(&form).cluster_id,
            false => self.miner.match_only(&form).filter(|id| self.known.contains_key(id))?,
        };
        if self.forms.len() < MOST_FORMS {
            self.forms.insert(self.form.clone(), id);
        }
        Some(id)
    }

    /// Those of the window: what is new or came more often first, then by count.
    pub fn into_sorted(self) -> Vec<Template> {
        // With nothing to compare with, nothing is new.
        let compares = self.beyond.1 > 0 || self.known.values().any(|counted| counted.before > 0);
        let mut templates: Vec<_> = Vec::new();
        for (id, counted) in self.known.into_iter().filter(|(_, counted)| counted.count > 0) {
            // One that had to make room has its example.
            let text =
                self.miner.cluster(id).map_or_else(|| counted.example.clone(), |cluster| cluster.template().to_owned());
            let cut = |text: String| Untrusted::new(text).cut(LONGEST_SHOWN);
            let Counted { count, before, first, last, example } = counted;
            let change = if compares { Change::of(count, before) } else { Change::Usual };
            templates.push(Template { text: cut(text), example: cut(example), count, before, first, last, change });
        }
        let is_usual = |template: &Template| template.change == Change::Usual;
        templates.sort_by(|one, other| {
            let by_change = is_usual(one).cmp(&is_usual(other));
            by_change.then(other.count.cmp(&one.count)).then_with(|| one.text.cmp(&other.text))
        });
        templates
    }
}

/// The line with numbers and ids as `<*>`.
fn write_form(line: &[u8], form: &mut Vec<u8>) {
    form.clear();
    let mut rest = line;
    while let Some(first) = rest.first() {
        let is_word = first.is_ascii_alphanumeric();
        let end = rest.iter().position(|byte| byte.is_ascii_alphanumeric() != is_word).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        rest = behind;
        if !is_word || !run.iter().any(u8::is_ascii_digit) {
            form.extend_from_slice(run);
        } else if run.len() >= SHORTEST_ID && run.iter().all(u8::is_ascii_hexdigit) {
            form.extend_from_slice(ANY);
        } else {
            for (at, byte) in run.iter().enumerate() {
                match byte.is_ascii_digit() {
                    false => form.push(*byte),
                    true if at > 0 && run[at - 1].is_ascii_digit() => {}
                    true => form.extend_from_slice(ANY),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(lines: &[(&str, Span)]) -> Vec<(String, u64, Change)> {
        let mut templates = Templates::new().unwrap();
        for (number, (line, span)) in lines.iter().enumerate() {
            templates.add(line, *span, i64::try_from(number).ok());
        }
        templates.into_sorted().into_iter().map(|one| (one.text.raw().to_owned(), one.count, one.change)).collect()
    }

    #[test]
    fn lines_of_one_form_are_one_template_with_its_values_left_out() {
        let lines: Vec<_> = [
            "INFO sshd[812]: Accepted publickey for ana from 10.1.2.3 port 5022",
            "INFO sshd[99]: Accepted publickey for bo from 10.1.2.77 port 61022",
            "GET /api/v1/servers/409/metrics 200 12ms",
            "GET /api/v1/servers/410/metrics 503 9ms",
            "request 550e8400e29b41d4 done",
            "request 6ba7b8109dad11d1 done",
            "disk is full",
        ]
        .into_iter()
        .map(|line| (line, Span::Window))
        .collect();
        let texts: Vec<_> = sorted(&lines).into_iter().map(|(text, count, _)| format!("{count} {text}")).collect();
        assert_eq!(
            texts,
            [
                "2 GET /api/v<*>/servers/<*>/metrics <*> <*>ms",
                "2 INFO sshd[<*>]: Accepted publickey for <*> from <*>.<*>.<*>.<*> port <*>",
                "2 request <*> done",
                "1 disk is full",
            ]
        );
    }

    #[test]
    fn what_is_new_or_came_three_times_as_often_stands_first() {
        let mut lines = vec![("cache hit", Span::Before); 10];
        lines.extend([("cache hit", Span::Window); 20]);
        lines.extend([("login failed for ana", Span::Before); 2]);
        lines.extend([("login failed for ana", Span::Window); 6]);
        lines.push(("out of memory", Span::Window));
        lines.push(("no longer here at all", Span::Before));
        let expected = [
            ("login failed for ana".to_owned(), 6, Change::MoreOften(3.0)),
            ("out of memory".to_owned(), 1, Change::New),
            ("cache hit".to_owned(), 20, Change::Usual),
        ];
        assert_eq!(sorted(&lines), expected);
        let alone: Vec<_> = lines.into_iter().filter(|(_, span)| *span == Span::Window).collect();
        assert!(sorted(&alone).iter().all(|(.., change)| *change == Change::Usual), "nothing is there to compare with");
    }

    #[test]
    fn hostile_lines_take_bounded_room() {
        let mut templates = Templates::new().unwrap();
        for number in 0..6_000_u64 {
            let name: String = (0..12).map(|at| char::from(b'a' + ((number >> (at * 2)) % 26) as u8)).collect();
            templates.add(&format!("{name} \u{1b}[2J {}", "x ".repeat(1_000)), Span::Window, None);
        }
        assert!(templates.known.len() <= MOST_TEMPLATES && templates.forms.len() <= MOST_FORMS);
        let all = templates.into_sorted();
        assert!(
            all.iter().all(|one| one.text.raw().len() <= LONGEST_SHOWN && one.example.raw().len() <= LONGEST_SHOWN)
        );
    }
}

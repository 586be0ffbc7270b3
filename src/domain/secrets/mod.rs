//! Values that must not be told, ready to be found in any text, however it is encoded or wrapped.
//!
//! `pattern` holds what a value looks like raw, in hexadecimal and in base64; `reading` what an escape in a text stands
//! for; `scan` walks a text once with all of them. Whole texts and streams go through the same walk, so they agree.

mod held;
mod pattern;
mod reading;
mod scan;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

pub use held::Held;
use pattern::Patterns;
pub use scan::Part;
use scan::{Region, Scan};

/// Known secrets, each with the words that take its place.
#[derive(Default)]
pub struct Secrets {
    patterns: Patterns,
    labels: Vec<String>,
}

impl Secrets {
    /// Fewest characters of a value that is searched for: shorter ones are found in every other word.
    pub const SHORTEST: usize = 8;

    /// `secrets` are labels and values. Values that cannot be protected are left out.
    pub fn new(secrets: impl IntoIterator<Item = (String, String)>) -> Self {
        let (mut patterns, mut labels, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (label, value) in secrets {
            let value = value.trim().to_owned();
            if Self::protects(&value) && !values.contains(&value) {
                patterns.extend(pattern::of(&value, labels.len()));
                labels.push(label);
                values.push(value);
            }
        }
        let mut known = Self { patterns: Patterns::new(patterns), labels };
        // A label must not hold what it stands for, or it would be replaced within itself the next time.
        let bare: Vec<_> = known.labels.iter().map(|label| known.text(label).is_some()).collect();
        for (number, (label, _)) in known.labels.iter_mut().zip(bare).enumerate().filter(|(_, (_, bare))| *bare) {
            *label = format!("[{}]", number + 1);
        }
        known
    }

    /// Whether a value is long enough to be told apart from ordinary text.
    pub fn protects(value: &str) -> bool {
        value.trim().chars().count() >= Self::SHORTEST
    }

    pub fn is_empty(&self) -> bool {
        self.patterns.all.is_empty()
    }

    /// The bytes with every secret replaced by its label.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let regions = self.regions(bytes, Part::Whole);
        if regions.is_empty() { Cow::Borrowed(bytes) } else { Cow::Owned(self.replaced(bytes, &regions)) }
    }

    /// The text with every secret replaced; `None` where there is none in it.
    pub fn text(&self, text: &str) -> Option<String> {
        self.part(text, Part::Whole)
    }

    /// The same for a part of a text that is not at hand as a whole.
    pub fn part(&self, text: &str, part: Part) -> Option<String> {
        self.clean(text, self.regions(text.as_bytes(), part))
    }

    /// The same for a sentence of ours that quotes another's words behind its first colon. A value of letters alone may
    /// be a word we use ourselves, so it is searched for in the quotation only.
    pub fn sentence(&self, text: &str) -> Option<String> {
        let quotation = text.find(": ").unwrap_or(text.len());
        // What is quoted may have been shortened, and with it a secret.
        let (quoted, rest) = text.split_at(text.rfind('…').unwrap_or(0));
        let mut regions = self.regions(quoted.as_bytes(), Part::Head);
        regions.extend(self.regions(rest.as_bytes(), Part::Whole).into_iter().map(|region| region.after(quoted.len())));
        regions.retain(|region| region.start >= quotation || !self.is_word(region));
        self.clean(text, regions)
    }

    /// Where in `bytes` secrets stand.
    pub fn places(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        self.regions(bytes, Part::Whole).into_iter().map(|region| region.start..region.end).collect()
    }

    fn is_word(&self, region: &Region) -> bool {
        self.patterns.all[region.pattern].is_word
    }

    fn regions(&self, bytes: &[u8], part: Part) -> Vec<Region> {
        if self.is_empty() { Vec::new() } else { Scan::whole(&self.patterns, bytes, part) }
    }

    fn clean(&self, text: &str, regions: Vec<Region>) -> Option<String> {
        let clean = (!regions.is_empty()).then(|| self.replaced(text.as_bytes(), &regions))?;
        Some(String::from_utf8(clean).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    fn replaced(&self, bytes: &[u8], regions: &[Region]) -> Vec<u8> {
        let mut clean = Vec::with_capacity(bytes.len());
        let mut from = 0;
        for region in regions {
            clean.extend_from_slice(&bytes[from..region.start]);
            clean.extend_from_slice(self.label(region).as_bytes());
            from = region.end;
        }
        clean.extend_from_slice(&bytes[from..]);
        clean
    }

    fn label(&self, region: &Region) -> &str {
        &self.labels[self.patterns.all[region.pattern].label]
    }
}

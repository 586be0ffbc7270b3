//! Keeps secrets out of the log: what tools and models say is searched for them before it is told or stored.
//!
//! Found in their raw, base64, URL-encoded and hexadecimal forms, also when a stream cuts them in two. Replaced by
//! their name, so that a reader knows what stood there.

use std::borrow::Cow;

use aho_corasick::AhoCorasick;
use aho_corasick::MatchKind;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::domain::Command;
use crate::domain::EffectCard;
use crate::domain::ModelReply;
use crate::domain::Output;
use crate::domain::ToolResult;
use crate::domain::Untrusted;

/// Shorter values are words that would be found everywhere.
const SHORTEST: usize = 8;

/// The secrets this process knows, ready to be searched for.
#[derive(Default)]
pub struct Redactor {
    matcher: Option<AhoCorasick>,
    /// For each pattern what takes its place.
    labels: Vec<String>,
    /// The patterns in order, to find out quickly whether something is the beginning of one.
    sorted: Vec<Vec<u8>>,
    longest: usize,
}

impl Redactor {
    /// `secrets` are names and values; values shorter than eight bytes are left out.
    pub fn new(secrets: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut patterns = Vec::new();
        let mut labels = Vec::new();
        for (name, value) in secrets {
            let value = value.trim();
            if value.len() < SHORTEST {
                continue;
            }
            for form in forms(value) {
                labels.push(format!("[secret {name}]"));
                patterns.push(form);
            }
        }
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        // A set of patterns too large to search for is a set nobody configures; then nothing is let through.
        let matcher = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&patterns).ok();
        let matcher = matcher.filter(|_| !patterns.is_empty());
        patterns.sort();
        Self { matcher, labels, sorted: patterns, longest }
    }

    /// Where in `bytes` the first thing begins that could, with more to come, be a secret.
    fn uncertain_from(&self, bytes: &[u8]) -> usize {
        let begins_one = |tail: &[u8]| {
            let first = self.sorted.partition_point(|pattern| pattern.as_slice() < tail);
            self.sorted.get(first).is_some_and(|pattern| pattern.starts_with(tail))
        };
        let earliest = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        (earliest..bytes.len()).find(|from| begins_one(&bytes[*from..])).unwrap_or(bytes.len())
    }

    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match &self.matcher {
            Some(matcher) if matcher.is_match(bytes) => Cow::Owned(matcher.replace_all_bytes(bytes, &self.labels)),
            Some(_) | None => Cow::Borrowed(bytes),
        }
    }

    pub fn text(&self, text: &str) -> Option<String> {
        let matcher = self.matcher.as_ref().filter(|matcher| matcher.is_match(text))?;
        Some(matcher.replace_all(text, &self.labels))
    }

    fn untrusted(&self, text: &mut Untrusted) {
        if let Some(clean) = self.text(text.raw()) {
            *text = clean.into();
        }
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(clean) = self.text(text) {
                    *text = clean;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.value(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    pub(super) fn result(&self, mut result: ToolResult) -> ToolResult {
        self.untrusted(&mut result.summary);
        let Output { head, tail, .. } = &mut result.output;
        self.untrusted(head);
        self.untrusted(tail);
        result.diff.iter_mut().for_each(|diff| self.untrusted(diff));
        result.data.iter_mut().for_each(|data| self.value(data));
        result
    }

    /// The part of a card that is only read. All else is what will run, so a secret in it is the tool's to keep out.
    pub(super) fn card(&self, card: &mut EffectCard) {
        card.change.iter_mut().for_each(|change| self.untrusted(change));
    }

    pub(super) fn reply(&self, mut reply: ModelReply) -> ModelReply {
        self.untrusted(&mut reply.text);
        reply.refusal.iter_mut().for_each(|refusal| self.untrusted(refusal));
        reply.calls.iter_mut().for_each(|call| self.value(&mut call.args));
        let carried =
            reply.carried.iter_mut().flat_map(|carried| carried.calls.iter_mut().chain([&mut carried.message]));
        carried.for_each(|fields| self.value(fields));
        reply
    }

    /// What people type may hold a secret too: a goal goes to a model, a reason to an agent.
    pub(super) fn command(&self, mut command: Command) -> Command {
        match &mut command {
            Command::Start { spec, .. } => self.untrusted(&mut spec.goal),
            Command::Deny { reason, .. } => self.untrusted(reason),
            Command::Edit { args, .. } => self.value(args),
            Command::Answer { text, .. } => self.untrusted(text),
            Command::Settle { note, .. } => self.untrusted(note),
            _ => {}
        }
        command
    }
}

/// The forms a secret is found in. Base64 has three, by its place in what was encoded; their common middle is taken.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let bytes = value.as_bytes();
    let mut forms = vec![bytes.to_vec(), hex::encode(bytes).into_bytes(), hex::encode_upper(bytes).into_bytes()];
    let url: String = bytes
        .iter()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(*byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    forms.push(url.into_bytes());
    for shift in 0..3 {
        let shifted = [&[0_u8; 3][..shift], bytes].concat();
        for encoded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            // Characters that also depend on the neighbours are cut off at both ends.
            let from = (shift * 8).div_ceil(6);
            let to = shifted.len() * 8 / 6;
            forms.extend(encoded.as_bytes().get(from..to).filter(|form| form.len() >= SHORTEST).map(<[_]>::to_vec));
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

/// A stream on its way out. As much is held back as could be the beginning of a secret.
#[derive(Default)]
pub(super) struct Held {
    pending: Vec<u8>,
}

impl Held {
    /// Takes the next bytes in; returns what is certainly clean.
    pub(super) fn push(&mut self, redactor: &Redactor, bytes: &[u8]) -> Vec<u8> {
        let Some(matcher) = &redactor.matcher else { return bytes.to_vec() };
        self.pending.extend_from_slice(bytes);
        let certain = redactor.uncertain_from(&self.pending);
        let mut clean = Vec::with_capacity(certain);
        let mut from = 0;
        for found in matcher.find_iter(&self.pending).take_while(|found| found.start() < certain) {
            clean.extend_from_slice(&self.pending[from..found.start()]);
            clean.extend_from_slice(redactor.labels[found.pattern().as_usize()].as_bytes());
            from = found.end();
        }
        let to = certain.max(from);
        clean.extend_from_slice(&self.pending[from..to]);
        self.pending.drain(..to);
        clean
    }

    /// The end of the stream: all the rest.
    pub(super) fn finish(&mut self, redactor: &Redactor) -> Vec<u8> {
        let rest = std::mem::take(&mut self.pending);
        redactor.bytes(&rest).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "sk-Zx81/qq+private?";

    fn redactor() -> Redactor {
        Redactor::new([
            ("OPENAI_API_KEY".to_owned(), SECRET.to_owned()),
            ("LONGER".to_owned(), format!("{SECRET}-and-more")),
            ("TOO_SHORT".to_owned(), "abc".to_owned()),
        ])
    }

    #[test]
    fn the_longest_secret_is_named() {
        let text = format!("key={SECRET}-and-more, key={SECRET}, abc");
        assert_eq!(redactor().text(&text).unwrap(), "key=[secret LONGER], key=[secret OPENAI_API_KEY], abc");
    }

    #[test]
    fn encoded_forms_are_found_wherever_they_stand() {
        let redactor = redactor();
        let mut encoded = vec![hex::encode(SECRET), "sk-Zx81%2Fqq%2Bprivate%3F".to_owned()];
        for before in ["", "a", "ab", "abc"] {
            encoded.push(STANDARD_NO_PAD.encode(format!("{before}{SECRET} tail")));
            encoded.push(URL_SAFE_NO_PAD.encode(format!("{before}{SECRET}")));
        }
        for text in encoded {
            let clean = redactor.text(&text).unwrap_or_else(|| panic!("{text} went through"));
            assert!(clean.contains("[secret OPENAI_API_KEY]"), "{clean}");
        }
    }

    #[test]
    fn the_change_on_a_card_is_searched_and_what_will_run_is_left_alone() {
        let mut card: EffectCard = serde_json::from_value(serde_json::json!({
            "tool": "git_push", "class": "external", "repeat": "checkable", "verb": "push", "targets": [SECRET],
            "environment": "remote", "risk": "low", "reversible": "unknown",
            "payload": {"kind": "arguments", "args": {}}, "change": format!("+key={SECRET}\n"),
        }))
        .unwrap();
        redactor().card(&mut card);
        assert_eq!(card.change.unwrap().raw(), "+key=[secret OPENAI_API_KEY]\n");
        assert_eq!(card.targets[0].raw(), SECRET);
    }

    #[test]
    fn what_cannot_become_a_secret_is_not_held_back() {
        let (redactor, mut held) = (redactor(), Held::default());
        assert_eq!(held.push(&redactor, b"plain words, sk"), b"plain words, ");
        assert_eq!(held.push(&redactor, b"ating"), b"skating");
    }

    proptest! {
        #[test]
        fn a_secret_cut_anywhere_is_still_found(cuts in proptest::collection::vec(0_usize..64, 0..6)) {
            let redactor = redactor();
            let text = format!("before {SECRET} between {SECRET}-and-more after");
            let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
            cuts.sort_unstable();
            let (mut held, mut out, mut from) = (Held::default(), Vec::new(), 0);
            for cut in cuts.into_iter().chain([text.len()]) {
                out.extend(held.push(&redactor, &text.as_bytes()[from..cut]));
                from = cut;
            }
            out.extend(held.finish(&redactor));
            let whole = String::from_utf8(out).unwrap();
            prop_assert_eq!(whole, "before [secret OPENAI_API_KEY] between [secret LONGER] after");
        }
    }
}

//! Labels of a rule, and the texts that are filled in when it fires.

use crate::lint::finding::Remark;
use crate::lint::labels::{LabelSet, Presence};
use crate::lint::parsed::Subject;
use crate::lint::yaml::Text;

/// No label by which a person or a route could tell how bad it is.
pub fn missing_severity(subject: &Subject<'_>) -> Vec<Remark> {
    if subject.rule.labels.iter().any(|(name, value)| name.text == "severity" && !value.text.trim().is_empty()) {
        return Vec::new();
    }
    let message = "the rule has no label `severity`";
    vec![Remark::new(subject.rule.name.at, message, "add severity: critical, warning or info under labels")]
}

/// A name that the result has lost, or never had.
pub fn label_not_in_result(subject: &Subject<'_>) -> Vec<Remark> {
    let Some(set) = LabelSet::of(subject.expr) else { return Vec::new() };
    let mut remarks = Vec::new();
    for text in texts(subject) {
        for label in named(&text.text) {
            // `or` may lead to either of two sets.
            if set.presence(label) != Presence::Absent {
                continue;
            }
            let message = match (&set, subject.rule.labels.iter().any(|(name, _)| name.text == label)) {
                (_, true) => {
                    format!("$labels has the labels of the result, not those of the rule, so {label:?} is empty here")
                }
                (LabelSet::Exactly(labels), false) if labels.is_empty() => {
                    format!("the result has no labels at all, so {label:?} is empty here")
                }
                (LabelSet::Exactly(labels), false) => {
                    let left: Vec<_> = labels.keys().map(String::as_str).collect();
                    format!("the result has no label {label:?}, only {}", left.join(", "))
                }
                (LabelSet::Open { .. }, false) => format!("the expression takes the label {label:?} away"),
            };
            remarks.push(Remark::new(
                text.at,
                message,
                format!("keep it in the expression: by ({label}), or leave it out here"),
            ));
        }
    }
    remarks
}

/// The value changes at each evaluation, and with it the labels by which an alert is known.
pub fn value_in_label(subject: &Subject<'_>) -> Vec<Remark> {
    let holds = |text: &&Text| actions(&text.text).any(|action| action.contains("$value") || action.contains(".Value"));
    let labels = subject.rule.labels.iter().map(|(_, value)| value).filter(holds);
    let message = "each change of the value makes another alert of it, which has to wait for `for` again";
    labels.map(|text| Remark::new(text.at, message, "put the value into an annotation")).collect()
}

/// What Prometheus refuses to fill in.
pub fn broken(subject: &Subject<'_>) -> Vec<Remark> {
    let is_broken = |text: &&Text| {
        let mut rest = text.text.as_str();
        while let Some((_, after)) = rest.split_once("{{") {
            match after.split_once("}}") {
                Some((action, behind)) if !action.contains("{{") => rest = behind,
                _ => return true,
            }
        }
        false
    };
    let broken = texts(subject).filter(is_broken);
    broken.map(|text| Remark::new(text.at, "{{ is not closed by }}", "close it")).collect()
}

fn texts<'a>(subject: &'a Subject<'_>) -> impl Iterator<Item = &'a Text> {
    subject.rule.annotations.iter().chain(&subject.rule.labels).map(|(_, text)| text)
}

fn actions(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|part| part.split_once("}}")).map(|(action, _)| action)
}

/// The labels that a text names as `$labels.NAME`.
fn named(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found: Vec<&str> = Vec::new();
    for action in actions(text) {
        for (at, before) in action.match_indices("$labels.") {
            let rest = &action[at + before.len()..];
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            if end > 0 && !found.contains(&&rest[..end]) {
                found.push(&rest[..end]);
            }
        }
    }
    found
}

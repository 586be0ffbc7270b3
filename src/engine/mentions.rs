//! Which of the files that leave with a call nobody spoke of: no goal, plan, message of the agent or argument of a call
//! names them.

use serde_json::Value;

use crate::domain::{EffectCard, RunId, Untrusted, changed_files};
use crate::fold::{Snapshot, Thread, TurnStatus};

/// The files in the change of `card` that the run's history does not mention.
pub(super) fn not_mentioned(snapshot: &Snapshot, run: RunId, card: &EffectCard) -> Vec<Untrusted> {
    let (Some(change), Some(thread)) = (&card.change, snapshot.threads.get(&run)) else { return Vec::new() };
    // A procedure says nothing.
    if !thread.spec.procedure.is_empty() {
        return Vec::new();
    }
    let mut files = changed_files(change);
    each_text(thread, &mut |text| files.retain(|file| !mentions(text, file.raw())));
    files.into_iter().collect()
}

/// Everything that the person asked for and that the agent said.
fn each_text(thread: &Thread, see: &mut impl FnMut(&str)) {
    see(thread.spec.goal.raw());
    for step in thread.plan.iter().flat_map(|plan| &plan.steps) {
        [&step.action, &step.success, &step.fallback].into_iter().for_each(|text| see(text.raw()));
    }
    for turn in &thread.turns {
        if let TurnStatus::Answered(reply) = &turn.status {
            see(reply.text.raw());
        }
    }
    thread.calls.values().for_each(|entry| each_string(entry.asked(), see));
}

fn each_string(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(values) => values.iter().for_each(|value| each_string(value, see)),
        Value::Object(members) => members.values().for_each(|value| each_string(value, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether `text` holds the path or the name of the file, and not as a part of a longer name.
fn mentions(text: &str, path: &str) -> bool {
    let name = path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(path);
    let goes_on = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + name.len()..].chars().next());
        !before.is_some_and(|c| goes_on(c) || c == '.') && !after.is_some_and(goes_on)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_mentioned_by_its_path_or_its_name_and_not_by_a_part_of_another() {
        for text in ["see src/parser.rs", "`parser.rs:41` panics", "parser.rs", "a/src/parser.rs."] {
            assert!(mentions(text, "src/parser.rs"), "{text}");
        }
        for text in ["the parser", "my_parser.rs", "parser.rs2", ".parser.rs", "parser_rs", ""] {
            assert!(!mentions(text, "src/parser.rs"), "{text}");
        }
        assert!(!mentions("update the lock file with cargo", "Cargo.lock"));
    }
}

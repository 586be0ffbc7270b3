//! What `copy` copies: the text as it is, since it goes to the clipboard and not to the screen.

use super::{Request, World, toast};
use crate::console::anchor::Anchor;
use crate::console::state::{Page, Payment, State, Tone};
use crate::domain::{Ask, EffectCard, Payload};
use crate::fold::{CallStatus, TurnStatus};
use crate::kinds::Approval;

pub fn copy(state: &mut State, world: &World<'_>) -> Vec<Request> {
    match text(state, world) {
        Some(text) => vec![Request::Copy(text)],
        None => {
            toast(state, world, Tone::Note, "there is nothing here to copy", "");
            Vec::new()
        }
    }
}

fn text(state: &State, world: &World<'_>) -> Option<String> {
    let snapshot = world.snapshot;
    if let Payment::Shown(link) = &state.payment {
        return Some(link.0.clone());
    }
    if let Some(review) = state.review() {
        return snapshot.approvals.get(&review.approval).map(of_approval);
    }
    if let Some(Page::Document(open)) = state.page() {
        return open.text.as_ref()?.as_ref().ok().map(|text| text.raw().to_owned());
    }
    if let Some(stream) = state.thing() {
        return Some(stream.parts().1.to_string());
    }
    match (state.page(), state.pane().cursor?) {
        (Some(Page::Run(open)), Anchor::Call(call)) => {
            let entry = snapshot.threads.get(&open.run)?.calls.get(&call)?;
            Some(match &entry.status {
                CallStatus::Settled(result) => match &result.diff {
                    Some(diff) => diff.raw().to_owned(),
                    None => format!("{}{}", result.output.head.raw(), result.output.tail.raw()),
                },
                _ => format!("{} {}", entry.call.tool.0, entry.call.args),
            })
        }
        (Some(Page::Run(open)), Anchor::Turn(turn)) => {
            let turns = &snapshot.threads.get(&open.run)?.turns;
            match &turns.iter().find(|entry| entry.turn == turn)?.status {
                TurnStatus::Answered(reply) => Some(reply.text.raw().to_owned()),
                TurnStatus::Failed(failure) => Some(failure.message.raw().to_owned()),
                TurnStatus::Open => state.live.get(&open.run).map(|live| live.text.raw().to_owned()),
            }
        }
        (Some(Page::Run(open)), _) => snapshot.runs.get(&open.run).map(|run| run.goal.raw().to_owned()),
        (_, Anchor::Run(run)) => Some(run.to_string()),
        (_, Anchor::Approval(approval)) => snapshot.approvals.get(&approval).map(of_approval),
        (_, Anchor::Event(seq)) => {
            let event = state.log.events.iter().find(|event| event.seq == seq)?;
            serde_json::to_string(event).ok()
        }
        (_, Anchor::Plan | Anchor::Turn(_) | Anchor::Call(_) | Anchor::Entry(_) | Anchor::Thing(_)) => None,
    }
}

fn of_approval(approval: &Approval) -> String {
    match &approval.ask {
        Ask::Effect { card } | Ask::InDoubt { card, .. } => of_card(card),
        Ask::Question { text, .. } => text.raw().to_owned(),
    }
}

/// What will run: a command line that a shell reads back to the same arguments, a patch, or JSON.
fn of_card(card: &EffectCard) -> String {
    match &card.payload {
        Payload::Exec { argv, .. } => argv.iter().map(|arg| quoted(arg.raw())).collect::<Vec<_>>().join(" "),
        Payload::Patch { diff, .. } => diff.raw().to_owned(),
        Payload::Delete { paths } => paths.iter().map(|path| path.raw()).collect::<Vec<_>>().join("\n"),
        Payload::Arguments { args } => args.to_string(),
    }
}

fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:@%+,".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_so_that_a_shell_reads_the_same() {
        assert_eq!(quoted("a/b-c.rs"), "a/b-c.rs");
        assert_eq!(quoted("it's; rm"), r"'it'\''s; rm'");
        assert_eq!(quoted(""), "''");
    }
}

//! Answering an agent's question.

use super::{find_open_approval, in_approval, raise, wrong_kind};
use crate::domain::{Actor, ApprovalId, Ask, Rejection, Untrusted};
use crate::kinds::{ApprovalEvent, Decided, World};

pub(in crate::kinds::approval) fn answer(
    world: &dyn World,
    id: ApprovalId,
    text: Untrusted,
    by: &Actor,
) -> Result<Vec<Decided>, Rejection> {
    let approval = find_open_approval(world, id, by)?;
    let Ask::Question { choices, .. } = &approval.ask else {
        return Err(wrong_kind("this is not a question", "approve, deny or settle it"));
    };
    if text.raw().trim().is_empty() {
        return Err(wrong_kind("an answer needs words", "write them, or deny the question"));
    }
    if let Some(offer) = approval.ask.budget() {
        return raise::answer(world, approval, offer, &text, by);
    }
    // An agent understands other words as well; a procedure goes its way by the choice.
    let goes_by_choice = world.runs().get(&approval.run).is_some_and(|run| run.is_procedure) && !choices.is_empty();
    if !goes_by_choice {
        return Ok(vec![in_approval(id, by, ApprovalEvent::Answered { text })]);
    }
    let same = |choice: &&Untrusted| choice.raw().trim().to_lowercase() == text.raw().trim().to_lowercase();
    match choices.iter().find(same) {
        Some(choice) => Ok(vec![in_approval(id, by, ApprovalEvent::Answered { text: choice.clone() })]),
        None => {
            let choices: Vec<_> = choices.iter().map(|choice| choice.visible().into_owned()).collect();
            Err(wrong_kind("this is none of the choices", &format!("answer one of: {}", choices.join("; "))))
        }
    }
}

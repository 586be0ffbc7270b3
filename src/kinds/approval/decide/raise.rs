//! Answering what is to be done about a budget that paused a run: what is answered is done with it.

use super::{in_approval, wrong_kind};
use crate::domain::{Actor, BudgetAnswer, BudgetOffer, Rejection, Untrusted};
use crate::kinds::{
    Approval, ApprovalEvent, Decided, Stream, World, cancel_run, find_live_run, raise_budget, resume_run,
};

/// Why a run ends that is stopped.
const STOPPED: &str = "stopped because a budget is used up";

pub(super) fn answer(
    world: &dyn World,
    approval: &Approval,
    offer: &BudgetOffer,
    text: &Untrusted,
    by: &Actor,
) -> Result<Vec<Decided>, Rejection> {
    let Some(answer) = BudgetAnswer::read(text.raw()) else {
        let names = BudgetAnswer::ALL.map(BudgetAnswer::name).join(", ");
        return Err(wrong_kind("this is none of the choices", &format!("answer one of: {names}")));
    };
    let run = find_live_run(world, approval.run)?;
    let done = match answer {
        BudgetAnswer::RaiseOnce => resume_run(world, run.id, by)?,
        BudgetAnswer::RaiseForGood => {
            let raised = raise_budget(world, run.limits.budgets.of_scope(&offer.scope), offer, by);
            raised.into_iter().chain(resume_run(world, run.id, by)?).collect()
        }
        BudgetAnswer::Stop => cancel_run(world, run.id, STOPPED.to_owned(), by)?,
    };
    // The run takes back what it still asks; this was answered.
    let is_other = |decided: &Decided| decided.stream != Stream::Approval(approval.id);
    let answered = in_approval(approval.id, by, ApprovalEvent::Answered { text: answer.name().into() });
    Ok(std::iter::once(answered).chain(done.into_iter().filter(is_other)).collect())
}

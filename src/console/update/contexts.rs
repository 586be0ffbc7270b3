//! Which contexts of keys are active: what is open decides, never what was open before.

use super::World;
use crate::console::anchor::Anchor;
use crate::console::intent::Context;
use crate::console::state::{Page, Screen, Sheet, State};
use crate::domain::{ApprovalId, Ask};
use crate::kinds::Stream;

/// The contexts whose keys work now; the first that knows a chord wins.
pub fn contexts(state: &State, world: &World<'_>) -> Vec<Context> {
    if matches!(state.sheet, Some(Sheet::Help(_))) {
        return vec![Context::Move, Context::Everywhere];
    }
    let mut active = Vec::with_capacity(6);
    if world.replay.is_some() {
        active.push(Context::Replay);
    }
    match state.page() {
        Some(Page::Card(review)) => {
            active.extend(card_context(review.approval, world));
            active.push(Context::Card);
        }
        Some(Page::Things(_)) => active.extend([Context::List, Context::Home]),
        Some(Page::Thing(_)) => {
            active.extend(thing_context(state));
            active.push(Context::Home);
        }
        Some(Page::Document(open)) => active.extend(open.document.amend.map(|_| Context::Document)),
        Some(Page::Survey(_)) => active.push(Context::List),
        Some(Page::Run(_)) => active.extend([Context::RunPage, Context::Run, Context::Home]),
        None => {
            match state.screen {
                Screen::Log => active.push(Context::Log),
                Screen::Runs => active.extend([Context::Run, Context::List]),
                Screen::Approvals => active.push(Context::List),
                Screen::Overview if matches!(state.overview.pane.cursor, Some(Anchor::Run(_))) => {
                    active.push(Context::Run)
                }
                Screen::Overview => active.extend(thing_context(state)),
                Screen::Usage => active.push(Context::Usage),
                Screen::Billing => active.push(Context::Billing),
                Screen::Incidents => active.extend([Context::Incident, Context::List]),
            }
            active.push(Context::Home);
        }
    }
    active.extend([Context::Move, Context::Everywhere]);
    active
}

/// What can be asked of the thing that is open or selected by keys of its own.
fn thing_context(state: &State) -> Option<Context> {
    match state.thing()? {
        Stream::Incident(_) => Some(Context::Incident),
        Stream::Handover(_) => Some(Context::Handover),
        Stream::Run(_)
        | Stream::Approval(_)
        | Stream::Page(_)
        | Stream::Maintenance(_)
        | Stream::Budget(_)
        | Stream::Subscription(_)
        | Stream::Account(_) => None,
        #[cfg(test)]
        Stream::Toy(_) => None,
    }
}

/// Decisions are offered only while the card waits for one.
fn card_context(approval: ApprovalId, world: &World<'_>) -> Option<Context> {
    let approval = world.snapshot.approvals.get(&approval)?;
    if !approval.state.is_open() || world.status.observe.is_on() {
        return None;
    }
    Some(match approval.ask {
        Ask::Effect { .. } => Context::Effect,
        Ask::InDoubt { .. } => Context::Doubt,
        Ask::Question { .. } => Context::Question,
    })
}

/// Whether keys are text, or belong to the sheet, rather than asking for intents.
pub fn takes_text(state: &State) -> bool {
    match state.sheet {
        Some(Sheet::Palette(_) | Sheet::Prompt(_) | Sheet::Confirm(_) | Sheet::Goal(_) | Sheet::Arguments(_)) => true,
        Some(Sheet::Help(_)) | None => false,
    }
}

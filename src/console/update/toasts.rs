//! Saying something for a while, and no longer than it is so.

use super::world::World;
use crate::console::state::{Matter, State, Toast, Tone};
use crate::domain::{ApprovalId, Untrusted};
use crate::ports::ClientError;

/// Says something for a while. What is said against a decision on a card goes when the card is settled.
pub fn toast(state: &mut State, world: &World<'_>, tone: Tone, text: impl Into<String>, hint: impl Into<String>) {
    let card = state.review().map(|review| review.approval).filter(|id| is_open(world, *id));
    let about = match (tone, card) {
        (Tone::Note | Tone::Bad, Some(card)) => Matter::Card(card),
        (Tone::Good, _) | (_, None) => Matter::Itself,
    };
    toast_about(state, world, about, tone, text, hint);
}

/// Says something that is over with what it is about.
pub fn toast_about(
    state: &mut State,
    world: &World<'_>,
    about: Matter,
    tone: Tone,
    text: impl Into<String>,
    hint: impl Into<String>,
) {
    state.toast = Some(Toast { about, ..Toast::new(tone, text, hint, world.uptime) });
}

/// Says that something could not be read, until something can.
pub fn unread(state: &mut State, world: &World<'_>, error: &ClientError) {
    toast_about(state, world, Matter::Reading, Tone::Bad, shown(&error.message), shown(&error.hint));
}

/// Messages may quote what an outsider wrote.
pub fn shown(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}

/// Takes away what is said of something that is over.
pub fn take_stale_toast(state: &mut State, world: &World<'_>) {
    let is_over = match state.toast.as_ref().map(|toast| &toast.about) {
        Some(Matter::Card(card)) => !is_open(world, *card),
        Some(Matter::Unread) => !state.review().is_some_and(|review| is_open(world, review.approval)),
        Some(Matter::NothingWaits) => world.snapshot.open_approvals().next().is_some(),
        Some(Matter::Store) => state.store_down.is_none(),
        Some(Matter::Observing) => !world.status.observe.is_on(),
        Some(Matter::Itself | Matter::Reading) | None => false,
    };
    if is_over {
        state.toast = None;
    }
}

fn is_open(world: &World<'_>, card: ApprovalId) -> bool {
    world.snapshot.approvals.get(&card).is_some_and(|approval| approval.state.is_open())
}

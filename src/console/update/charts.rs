//! Asking for the chart of the incident that is looked at.

use super::Request;
use crate::console::state::{Page, State, Uptime};
use crate::fold::Snapshot;
use crate::kinds::{Incident, Stream};

/// What to ask for the incident whose page is open, or stands beside the list: not where its alerts name no query.
pub fn chart_wanted(state: &mut State, snapshot: &Snapshot, now: Uptime) -> Option<Request> {
    let is_shown = matches!(state.page(), Some(Page::Thing(_))) || state.list_width().is_some();
    let Some(Stream::Incident(id)) = state.thing().filter(|_| is_shown) else { return None };
    snapshot.incidents.get(&id).and_then(Incident::metric)?;
    state.charts.ask(id, now).then_some(Request::ReadChart(id))
}

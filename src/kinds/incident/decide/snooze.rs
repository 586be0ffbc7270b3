//! Letting an incident call nobody for a while.

use chrono::TimeDelta;

use super::{find_open, in_incident};
use crate::domain::{Actor, DURATION_FORM, IncidentId, Rejection, RejectionKind, Timestamp, parse_duration};
use crate::kinds::{Decided, IncidentEvent, World};

const LONGEST: TimeDelta = TimeDelta::days(7);

pub(in crate::kinds::incident) fn snooze(
    world: &dyn World,
    id: IncidentId,
    length: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Decided>, Rejection> {
    find_open(world, id)?;
    let invalid = |message: String| Rejection::new(RejectionKind::Invalid, message);
    let parsed = parse_duration(length.trim()).and_then(|length| TimeDelta::from_std(length).ok());
    let length = parsed
        .ok_or_else(|| invalid(format!("{length:?} is not a length of time")).hint(format!("write {DURATION_FORM}")))?;
    if length <= TimeDelta::zero() || length > LONGEST {
        return Err(invalid("an incident can be snoozed for up to 7 days".to_owned()).hint("resolve it instead"));
    }
    Ok(in_incident(id, by, [IncidentEvent::Snoozed { until: now + length }]))
}

pub(in crate::kinds::incident) fn wake(world: &dyn World, id: IncidentId, by: &Actor, now: Timestamp) -> Vec<Decided> {
    let until = world.incidents().get(&id).and_then(|incident| incident.snoozed_until);
    let is_over = until.is_some_and(|until| until <= now);
    in_incident(id, by, is_over.then_some(IncidentEvent::Woke {}))
}

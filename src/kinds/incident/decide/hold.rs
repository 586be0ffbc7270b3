//! Which incidents are held back: those in which all that fires is under maintenance, or follows from something that fires
//! in another incident.
//!
//! Asked after every decision that may change it, for the incidents that it changed, and for all where what inhibits or what
//! is under maintenance has changed. So it does not matter which of two alerts was told first.

use std::collections::{BTreeMap, BTreeSet};

use super::in_incident;
use crate::domain::{Actor, IncidentId, Timestamp};
use crate::kinds::{
    Alert, Decided, Event, Hold, Incident, IncidentEvent, Kept, Maintenance, MaintenanceEvent, Stamp, Stream, Table,
    World,
};

/// Longest chain of incidents that inhibit one another.
const LONGEST_CHAIN: usize = 64;

/// `decided`, and what follows from it: incidents that are held back from now on, and such that are no more.
pub(in crate::kinds) fn with_holds(world: &dyn World, mut decided: Vec<Decided>, now: Timestamp) -> Vec<Decided> {
    let mut after = After::of(world, &decided, now);
    let targets = after.targets();
    // Most of the time no rule is for any of them.
    let is_target = |id: &IncidentId| after.get(*id).is_some_and(is_inhibited_by_something);
    let sources = if targets.iter().any(is_target) { after.sources() } else { Sources::new() };
    for id in targets {
        let Some(incident) = after.get(id) else { continue };
        let hold = after.hold(incident, &sources);
        if hold.is_some() {
            // What opens held back does not ring.
            decided.iter_mut().filter(|decided| decided.stream == Stream::Incident(id)).for_each(hush);
        }
        if hold == incident.held {
            continue;
        }
        let is_quiet = incident.acknowledged_at.is_some() || incident.snoozed_until.is_some();
        // One that is over is held by nothing, without a word.
        let event = match hold.clone() {
            Some(why) => Some(IncidentEvent::Held { why }),
            None => incident.is_open().then_some(IncidentEvent::Released { is_quiet }),
        };
        let changed = Incident { held: hold, ..incident.clone() };
        after.changed.insert(id, changed);
        decided.extend(in_incident(id, &Actor::System, event));
    }
    decided
}

fn hush(decided: &mut Decided) {
    let Event::Incident(event) = &mut decided.event else { return };
    if let IncidentEvent::Opened { is_held, .. } | IncidentEvent::Reopened { is_held, .. } = event {
        *is_held = true;
    }
}

/// The incidents that inhibit alerts with a mark.
type Sources = BTreeMap<String, BTreeSet<IncidentId>>;

/// Everything as it is after a decision.
struct After<'a> {
    world: &'a dyn World,
    changed: BTreeMap<IncidentId, Incident>,
    windows: Vec<Maintenance>,
    /// Whether a window began or ended.
    has_other_windows: bool,
}

impl<'a> After<'a> {
    fn of(world: &'a dyn World, decided: &[Decided], now: Timestamp) -> Self {
        let (mut changed, mut windows) = (BTreeMap::new(), BTreeMap::new());
        let mut has_other_windows = false;
        for Decided { stream, by, event } in decided {
            if let (Stream::Incident(id), Event::Incident(event)) = (stream, event) {
                take(world.incidents(), &mut changed, *id, event, (by, now));
            } else if let (Stream::Maintenance(id), Event::Maintenance(event)) = (stream, event) {
                has_other_windows |= matches!(event, MaintenanceEvent::Began {} | MaintenanceEvent::Ended {});
                take(world.maintenance(), &mut windows, *id, event, (by, now));
            }
        }
        let others = world.maintenance().values().filter(|window| !windows.contains_key(&window.id));
        let active = others.chain(windows.values()).filter(|window| window.is_in_force(now)).cloned().collect();
        Self { world, changed, windows: active, has_other_windows }
    }

    fn get(&self, id: IncidentId) -> Option<&Incident> {
        self.changed.get(&id).or_else(|| self.world.incidents().get(&id))
    }

    fn open(&self) -> impl Iterator<Item = &Incident> {
        let ids: BTreeSet<_> = self.world.incidents().keys().chain(self.changed.keys()).collect();
        ids.into_iter().filter_map(|id| self.get(*id)).filter(|incident| incident.is_open())
    }

    /// The incidents to look at, in an order that is the same in every process: what changed first, so that of two that
    /// inhibit one another the one that was there goes on to call.
    fn targets(&self) -> Vec<IncidentId> {
        let before = |id: &IncidentId| self.world.incidents().get(id).map(inhibited_by).unwrap_or_default();
        let has_other_sources = self.changed.iter().any(|(id, incident)| before(id) != inhibited_by(incident));
        let mut targets: Vec<_> = self.changed.keys().copied().collect();
        if self.has_other_windows || has_other_sources {
            let others = self.open().map(|incident| incident.id).filter(|id| !self.changed.contains_key(id));
            targets.extend(others);
        }
        targets
    }

    fn sources(&self) -> Sources {
        let mut sources = Sources::new();
        for incident in self.open() {
            for mark in inhibited_by(incident) {
                sources.entry(mark.to_owned()).or_default().insert(incident.id);
            }
        }
        sources
    }

    /// Why nothing that fires in it needs anybody; `None` where something does, or nothing fires.
    fn hold(&self, incident: &Incident, sources: &Sources) -> Option<Hold> {
        if !incident.is_open() {
            return None;
        }
        let cause = |alert: &Alert| self.window(alert).or_else(|| self.inhibitor(incident.id, alert, sources));
        let causes: Option<Vec<_>> = incident.firing().map(|state| cause(&state.alert)).collect();
        causes?.into_iter().min()
    }

    fn window(&self, alert: &Alert) -> Option<Hold> {
        let windows = self.windows.iter().filter(|window| window.covers(&alert.labels));
        windows.map(|window| Hold::Maintenance { window: window.id, name: window.order.name.clone() }).min()
    }

    fn inhibitor(&self, of: IncidentId, alert: &Alert, sources: &Sources) -> Option<Hold> {
        let sources = alert.marks.inhibited_by.iter().filter_map(|mark| sources.get(mark)).flatten();
        let sources = sources.copied().filter(|source| !self.leads_to(*source, of));
        sources.min().map(|by| Hold::Inhibited { by })
    }

    /// Whether an incident is itself inhibited by `end`, or by another that is.
    fn leads_to(&self, from: IncidentId, end: IncidentId) -> bool {
        let by = |id: &IncidentId| match self.get(*id)?.held {
            Some(Hold::Inhibited { by }) => Some(by),
            Some(Hold::Maintenance { .. }) | None => None,
        };
        std::iter::successors(Some(from), by).take(LONGEST_CHAIN).any(|id| id == end)
    }
}

fn is_inhibited_by_something(incident: &Incident) -> bool {
    incident.firing().any(|state| !state.alert.marks.inhibited_by.is_empty())
}

/// The marks of what it inhibits as long as it fires.
fn inhibited_by(incident: &Incident) -> BTreeSet<&str> {
    let firing = incident.firing().filter(|_| incident.is_open());
    firing.flat_map(|state| &state.alert.marks.inhibits).map(String::as_str).collect()
}

fn take<K: Kept>(known: &Table<K>, changed: &mut Table<K>, id: K::Id, event: &K::Event, (by, at): (&Actor, Timestamp)) {
    let now = changed.remove(&id).or_else(|| known.get(&id).cloned());
    let version = now.as_ref().map_or(0, K::version) + 1;
    let stamp = Stamp { version, at, by };
    let next = match now {
        None => K::begin(id, event, &stamp),
        Some(mut kept) => {
            kept.apply(event, &stamp);
            Some(kept)
        }
    };
    changed.extend(next.map(|kept| (id, kept)));
}

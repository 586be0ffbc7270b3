//! Charts of the incidents that were looked at, and when each was asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use super::review::Uptime;
use crate::domain::IncidentId;
use crate::ports::{Chart, ClientError};

/// How long a chart is shown before it is asked for again.
const FRESH: Duration = Duration::from_secs(60);
/// Charts that are kept.
const MOST: usize = 32;

/// Charts that are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Charts {
    known: BTreeMap<IncidentId, (Uptime, Result<Option<Chart>, String>)>,
    asked: Option<IncidentId>,
    pub form: ChartForm,
}

/// What charts are drawn with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChartForm {
    #[default]
    Blocks,
    Ascii,
}

impl Charts {
    pub fn new(form: ChartForm) -> Self {
        Self { form, ..Self::default() }
    }

    /// Whether to ask for it now. One at a time: a cursor on its way asks for nothing.
    pub fn ask(&mut self, incident: IncidentId, now: Uptime) -> bool {
        let is_fresh = self.known.get(&incident).is_some_and(|(at, _)| now.saturating_sub(*at) < FRESH);
        if is_fresh || self.asked.is_some() {
            return false;
        }
        self.asked = Some(incident);
        true
    }

    pub fn read(&mut self, incident: IncidentId, chart: Result<Option<Chart>, ClientError>, now: Uptime) {
        self.asked = None;
        let oldest = self.known.iter().min_by_key(|(_, (at, _))| *at).map(|(id, _)| *id);
        if self.known.len() >= MOST && !self.known.contains_key(&incident) {
            oldest.and_then(|oldest| self.known.remove(&oldest));
        }
        self.known.insert(incident, (now, chart.map_err(|error| error.message)));
    }

    /// The chart of an incident, or why there is none; `None` where there is nothing to say.
    pub fn of(&self, incident: IncidentId) -> Option<Result<&Chart, &str>> {
        match &self.known.get(&incident)?.1 {
            Ok(chart) => chart.as_ref().map(Ok),
            Err(reason) => Some(Err(reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_asked_for_once_a_minute_and_one_at_a_time() {
        let (mut charts, at) = (Charts::default(), Duration::from_secs);
        let [first, second] = [1, 2].map(|number| IncidentId(uuid::Uuid::from_u128(number)));
        assert!(charts.ask(first, at(0)) && !charts.ask(first, at(1)) && !charts.ask(second, at(1)));
        charts.read(first, Ok(None), at(2));
        assert_eq!(charts.of(first), None);
        assert!(!charts.ask(first, at(61)) && charts.ask(second, at(61)));
        let failed = ClientError { message: "it cannot be reached".to_owned(), hint: String::new() };
        charts.read(second, Err(failed), at(62));
        assert_eq!(charts.of(second), Some(Err("it cannot be reached")));
        assert!(charts.ask(first, at(62)));
        for number in 10..100 {
            charts.read(IncidentId(uuid::Uuid::from_u128(number)), Ok(None), at(number as u64 + 100));
        }
        assert_eq!(charts.known.len(), MOST);
    }
}

//! Where alerts come from: how they are put together, and who is asked for them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::own::ThisMachine;
use super::runbooks::Runbooks;
use super::{Wire, launch};
use crate::cli::Failure;
use crate::config::{Classify, InhibitSection, MappingSection, ProbeSection, WatchSection};
use crate::domain::Matching;
use crate::feeds::{
    ALERTMANAGER, Asked, BadProbe, Grouping, Mapping, PROMETHEUS, Poller, Probe, ProbeSettings, Rules, Surroundings,
    Watch, WatchSettings, WatchedPlace,
};
use crate::kinds::{Labels, Marks, Side};
use crate::ports::{Log, Model};

/// Who handles incidents that no runbook matches, when nobody is named.
const USUAL_AGENT: &str = "ops";

/// Who says how bad an incident is, when nobody is named.
const USUAL_CLASSIFIER: &str = "classify";

impl Wire {
    /// As the configuration has it, and the runbooks as they are whenever it is asked.
    pub(super) fn alert_grouping(&self) -> Grouping {
        let runbooks = Runbooks::new(self.places.paths.procedures_dir());
        let incidents = &self.config.incidents;
        let inhibit = incidents.inhibit.clone();
        let rules = Rules::new(move |labels| runbooks.best(labels), move |labels| marks(&inhibit, labels));
        let rules = rules.with_agent(self.incident_agent().map(str::to_owned));
        let rules = rules.with_classifier(self.classifier().map(str::to_owned));
        let mappings = incidents.mapping.iter().map(mapping).collect();
        Grouping { by: incidents.group_by.clone(), rules, mappings }
    }

    /// The agent that handles incidents which no runbook matches. It needs a model.
    fn incident_agent(&self) -> Option<&str> {
        let agent = self.config.incidents.agent.as_deref().unwrap_or(USUAL_AGENT);
        (self.model.is_configured() && !agent.is_empty()).then_some(agent)
    }

    /// The agent that says how bad an incident is whose alerts do not. It needs a model.
    fn classifier(&self) -> Option<&str> {
        let agent = match &self.config.incidents.classify {
            Classify::Nobody => return None,
            Classify::Usual => USUAL_CLASSIFIER,
            Classify::Agent(name) => name,
        };
        self.model.is_configured().then_some(agent)
    }

    /// Whether the agents that the configuration names for incidents can be used.
    fn check_incident_agents(&self) -> Result<(), Failure> {
        let agent = self.incident_agent().filter(|_| self.config.incidents.agent.is_some());
        let named = [("[incidents] agent", agent), ("[incidents] classify", self.classifier())];
        let agents = self.agents();
        for (place, agent) in named.into_iter().filter_map(|(place, agent)| Some((place, agent?))) {
            let found = agents.get(agent).map_err(|error| launch::missing(error).at(place))?;
            found.check_tools(&self.tool_names())?;
        }
        Ok(())
    }

    /// What asks an Alertmanager or a Prometheus, where one is named.
    fn pollers(&self) -> Result<Vec<Poller>, Failure> {
        let incidents = &self.config.incidents;
        let alertmanager = self.options.alertmanager.as_ref().or(incidents.alertmanager.as_ref());
        let alertmanager = alertmanager.filter(|address| !address.trim().is_empty());
        // An Alertmanager has the same alerts, less what is silenced.
        let prometheus = incidents.prometheus.as_ref().filter(|_| alertmanager.is_none());
        let named = [(&ALERTMANAGER, alertmanager), (&PROMETHEUS, prometheus)];
        let named = named.into_iter().filter_map(|(asked, address)| Some((asked, address?)));
        let poller = |(asked, address): (&'static Asked, &String)| {
            let poller = Poller::new(asked, address, self.alert_grouping());
            poller.map_err(|error| Failure::usage(error.to_string()).next(error.hint))
        };
        named.map(poller).collect()
    }

    /// What is probed.
    pub(super) fn probes(&self) -> Result<&[Arc<Probe>], Failure> {
        if let Some(probes) = self.probes.get() {
            return Ok(probes);
        }
        let probe = |section: &ProbeSection| match Probe::new(probe_settings(section)) {
            Ok(probe) => Ok(Arc::new(probe)),
            Err(error) => Err(Failure::usage(error.to_string()).at("[[probe]]").next(BadProbe::HINT)),
        };
        let probes = self.config.probe.iter().map(probe).collect::<Result<Vec<_>, _>>()?;
        let mut names = BTreeSet::new();
        if let Some(twice) = probes.iter().find(|probe| !names.insert(probe.name())) {
            let message = format!("two probes are called {}", twice.name());
            return Err(Failure::usage(message).at("[[probe]]").next("give each its own name"));
        }
        Ok(self.probes.get_or_init(|| probes))
    }

    fn watches(&self) -> Result<Vec<Watch>, Failure> {
        let watch = |section: &WatchSection| {
            let failed = |message: String, hint: &str| Failure::usage(message).at("[[watch]]").next(hint);
            let settings = watch_settings(section, self.places.paths.config_dir());
            let neither = || format!("watch {} names no place, or two", section.name);
            let settings = settings.ok_or_else(|| failed(neither(), "write either file = \"…\" or unit = \"…\""))?;
            Watch::new(settings)
                .map_err(|error| failed(error.to_string(), "write a regular expression in single quotes"))
        };
        self.config.watch.iter().map(watch).collect()
    }

    /// Everything that looks for alerts while this process works.
    pub(super) fn lookouts(&self) -> Result<Lookouts, Failure> {
        self.check_incident_agents()?;
        Ok(Lookouts { pollers: self.pollers()?, probes: self.probes()?.to_vec(), watches: self.watches()? })
    }
}

/// What looks for alerts, made and not started.
pub(super) struct Lookouts {
    pollers: Vec<Poller>,
    probes: Vec<Arc<Probe>>,
    watches: Vec<Watch>,
}

impl Lookouts {
    /// Has all of them look until the session ends.
    pub(super) fn start(self, wire: &Wire, surroundings: &Surroundings, log: Arc<dyn Log>) {
        let machine = ThisMachine::new(wire.own.clone(), log);
        wire.keep_maintenance(surroundings.clone());
        let own = Poller::of_own_troubles(Arc::new(machine), wire.alert_grouping());
        for poller in self.pollers.into_iter().chain([own]) {
            let Surroundings { client, clock, stopping, .. } = surroundings.clone();
            tokio::spawn(poller.run(client, clock, stopping));
        }
        for probe in self.probes {
            tokio::spawn(probe.run(wire.probe_board.clone(), surroundings.clone()));
        }
        for watch in self.watches {
            tokio::spawn(watch.run(surroundings.clone()));
        }
    }
}

fn probe_settings(section: &ProbeSection) -> ProbeSettings {
    let ProbeSection { name, url, every, timeout, misses, status, text, severity } = section.clone();
    let (every, timeout) = (Duration::from_secs(every), Duration::from_secs(timeout));
    ProbeSettings { name, url, every, timeout, misses, status, text, severity }
}

/// `None` where it names no place, or two. A relative path begins where the configuration is.
fn watch_settings(section: &WatchSection, base: &Path) -> Option<WatchSettings> {
    let WatchSection { name, file, unit, pattern, count, within, quiet, severity } = section.clone();
    let place = match (file, unit) {
        (Some(file), None) => WatchedPlace::File(base.join(file)),
        (None, Some(unit)) => WatchedPlace::Unit(unit),
        _ => return None,
    };
    let (within, quiet) = (Duration::from_secs(within), Duration::from_secs(quiet));
    Some(WatchSettings { name, place, pattern, count, within, quiet, severity })
}

fn mapping(section: &MappingSection) -> Mapping {
    let MappingSection { name, alerts, alertname, started, ended, state, resolved, severity, labels, id, summary, url } =
        section.clone();
    Mapping { name, alerts, alertname, id, started, ended, state, resolved, severity, labels, summary, url }
}

/// Which alerts one with these labels keeps quiet, and which keep it quiet. As Alertmanager has it, a label that neither side
/// has is equal, and what is on both sides of a rule is not inhibited by its like.
fn marks(rules: &[InhibitSection], labels: &Labels) -> Marks {
    let mut marks = Marks::default();
    for InhibitSection { source, target, equal } in rules {
        let fits = |matching: &Matching| matching.fits(|label| labels.get(label)).is_some();
        let side = match (fits(source), fits(target)) {
            (true, true) => Side::Both,
            (true, false) => Side::Source,
            (false, true) => Side::Target,
            (false, false) => continue,
        };
        let (source, target) = (source.line(), target.line());
        let shared = equal.iter().flat_map(|name| [name.as_str(), labels.get(name).unwrap_or_default()]);
        marks.add([source.as_str(), target.as_str()].into_iter().chain(shared), side);
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_inhibition_marks_both_of_its_sides_by_what_they_share() {
        let rule = |equal: &[&str]| InhibitSection {
            source: Matching::read("alertname=NodeDown").unwrap(),
            target: Matching::read("severity=warning severity=info").unwrap(),
            equal: equal.iter().map(|name| (*name).to_owned()).collect(),
        };
        let labels = |text: &str| {
            let pair = |word: &str| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
            Labels::bounded(text.split(' ').filter_map(pair))
        };
        let inhibits = |equal: &[&str], source: &str, target: &str| {
            let (source, target) = (marks(&[rule(equal)], &labels(source)), marks(&[rule(equal)], &labels(target)));
            source.inhibits.intersection(&target.inhibited_by).next().is_some()
        };
        let down = "alertname=NodeDown severity=critical instance=a";
        assert!(inhibits(&["instance"], down, "alertname=HighErr severity=warning instance=a"));
        assert!(!inhibits(&["instance"], down, "alertname=HighErr severity=warning instance=b"));
        assert!(!inhibits(&["instance"], down, "alertname=HighErr severity=warning"));
        assert!(!inhibits(&["instance"], down, "alertname=HighErr severity=critical instance=a"));
        assert!(inhibits(&["zone"], down, "alertname=HighErr severity=info"), "neither has the label");
        assert!(inhibits(&[], down, "alertname=HighErr severity=info"));
        let mild = "alertname=NodeDown severity=warning";
        assert!(!inhibits(&[], mild, mild), "what is on both sides is not inhibited by its like");
        assert!(inhibits(&[], mild, "alertname=HighErr severity=info"));
    }
}

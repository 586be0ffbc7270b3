//! Where alerts come from: how they are put together, and who is asked for them.

use super::Wire;
use crate::cli::Failure;
use crate::config::{MappingSection, Matching};
use crate::feeds::{BadAddress, Grouping, Mapping, Poller, Runbooks};
use crate::kinds::Labels;

impl Wire {
    /// As the configuration has it, and the runbooks as they are now.
    pub(super) fn alert_grouping(&self) -> Grouping {
        let procedures = self.procedures();
        let runbooks = procedures.iter().filter(|(_, procedure)| !procedure.matching.is_empty());
        let runbooks: Vec<_> =
            runbooks.map(|(name, procedure)| (name.to_owned(), procedure.matching.clone())).collect();
        let runbooks = Runbooks::new(move |labels| best(&runbooks, labels));
        let incidents = &self.config.incidents;
        let mappings = incidents.mapping.iter().map(mapping).collect();
        Grouping { by: incidents.group_by.clone(), runbooks, mappings }
    }

    /// Who asks an Alertmanager, where one is named.
    pub(super) fn poller(&self) -> Result<Option<Poller>, Failure> {
        let named = self.options.alertmanager.as_ref().or(self.config.incidents.alertmanager.as_ref());
        let Some(address) = named.filter(|address| !address.trim().is_empty()) else { return Ok(None) };
        let poller = Poller::new(address, self.alert_grouping());
        poller.map(Some).map_err(|error| Failure::usage(error.to_string()).next(BadAddress::HINT))
    }
}

fn mapping(section: &MappingSection) -> Mapping {
    let MappingSection { name, alerts, alertname, started, ended, state, resolved, severity, labels, id, summary, url } =
        section.clone();
    Mapping { name, alerts, alertname, id, started, ended, state, resolved, severity, labels, summary, url }
}

/// Of the runbooks that fit, the one that asks for most labels; of several such, the first by name.
fn best(runbooks: &[(String, Matching)], labels: &Labels) -> Option<String> {
    let fitting =
        runbooks.iter().filter_map(|(name, matching)| Some((matching.fits(|label| labels.get(label))?, name)));
    fitting.max_by_key(|(count, name)| (*count, std::cmp::Reverse(*name))).map(|(_, name)| name.clone())
}

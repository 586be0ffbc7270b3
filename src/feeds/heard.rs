//! What a delivery says.

use crate::kinds::Command;
#[cfg(test)]
use crate::kinds::{IncidentReport, IncidentVerb};

/// A delivery that was read.
#[derive(Debug)]
pub enum Heard {
    /// One command for each incident that it is about.
    Alerts(Vec<Command>),
    /// It is what the source sends and says nothing about incidents; why not.
    Ignored(String),
}

#[cfg(test)]
impl Heard {
    /// What it reports.
    pub(super) fn reports(self) -> Vec<IncidentReport> {
        let report = |command| {
            let Command::Incident { verb: IncidentVerb::Report { report }, .. } = command else {
                panic!("{command:?}")
            };
            *report
        };
        match self {
            Self::Alerts(commands) => commands.into_iter().map(report).collect(),
            Self::Ignored(why) => panic!("{why}"),
        }
    }

    pub(super) fn is_ignored(&self) -> bool {
        matches!(self, Self::Ignored(_))
    }
}

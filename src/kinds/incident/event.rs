//! What can have happened in an incident.

use serde::{Deserialize, Serialize};

use super::alert::Alert;
use super::group::GroupKey;
use super::labels::Labels;
use crate::domain::{Actor, RunId, RunState, Timestamp, Untrusted};
use crate::kinds::{KindEvent, Look};

/// What happened in an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum IncidentEvent {
    #[serde(rename = "incident.opened")]
    Opened {
        group: GroupKey,
        title: Untrusted,
        /// What all of its alerts share.
        labels: Labels,
        /// The runbook that matched its labels then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        runbook: Option<String>,
    },
    #[serde(rename = "incident.alert_fired")]
    AlertFired { alert: Box<Alert> },
    #[serde(rename = "incident.alert_cleared")]
    AlertCleared { fingerprint: String, ended_at: Timestamp, name: Untrusted },
    /// Alerts of the group that are not kept one by one: the source left them out, or they are too many.
    #[serde(rename = "incident.alerts_left_out")]
    AlertsLeftOut { count: u32 },
    #[serde(rename = "incident.acknowledged")]
    Acknowledged {},
    #[serde(rename = "incident.assigned")]
    Assigned { to: Actor },
    #[serde(rename = "incident.noted")]
    Noted { text: Untrusted },
    /// Somebody wants this runbook to run; the run's id follows from this event.
    #[serde(rename = "incident.runbook_started")]
    RunbookStarted { runbook: String },
    #[serde(rename = "incident.linked")]
    Linked { run: RunId },
    /// A run that was started for it, or linked to it, came to its end.
    #[serde(rename = "incident.run_ended")]
    RunEnded { run: RunId, state: RunState, summary: Untrusted },
    #[serde(rename = "incident.resolved")]
    Resolved {},
    #[serde(rename = "incident.reopened")]
    Reopened {},
}

impl KindEvent for IncidentEvent {
    const AUDITED: Option<&'static str> = Some("incident.");

    fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "incident.opened",
            Self::AlertFired { .. } => "incident.alert_fired",
            Self::AlertCleared { .. } => "incident.alert_cleared",
            Self::AlertsLeftOut { .. } => "incident.alerts_left_out",
            Self::Acknowledged {} => "incident.acknowledged",
            Self::Assigned { .. } => "incident.assigned",
            Self::Noted { .. } => "incident.noted",
            Self::RunbookStarted { .. } => "incident.runbook_started",
            Self::Linked { .. } => "incident.linked",
            Self::RunEnded { .. } => "incident.run_ended",
            Self::Resolved {} => "incident.resolved",
            Self::Reopened {} => "incident.reopened",
        }
    }

    fn remark(&self) -> Untrusted {
        match self {
            Self::Opened { title, .. } => title.clone(),
            Self::AlertFired { alert } => alert.line(&Labels::default()),
            Self::AlertCleared { name, .. } => name.clone(),
            Self::AlertsLeftOut { count } => format!("{count} more fire and are not listed").into(),
            Self::Assigned { to } => format!("to {}", to.name()).into(),
            Self::Noted { text } => text.clone(),
            Self::RunbookStarted { runbook } => runbook.as_str().into(),
            Self::Linked { run } => format!("run {}", run.short()).into(),
            Self::RunEnded { run, state, summary } => format!("run {} {state}: {}", run.short(), summary.raw()).into(),
            Self::Acknowledged {} | Self::Resolved {} | Self::Reopened {} => Untrusted::default(),
        }
    }

    fn said(&self) -> Untrusted {
        match self {
            Self::Acknowledged {} => "incident acknowledged".into(),
            Self::Assigned { to } => format!("incident assigned to {}", to.name()).into(),
            Self::Noted { .. } => "note added".into(),
            Self::RunbookStarted { runbook } => format!("runbook {runbook} started").into(),
            Self::Linked { run } => format!("run {} linked", run.short()).into(),
            Self::Resolved {} => "incident resolved".into(),
            Self::Reopened {} => "incident reopened".into(),
            Self::Opened { .. }
            | Self::AlertFired { .. }
            | Self::AlertCleared { .. }
            | Self::AlertsLeftOut { .. }
            | Self::RunEnded { .. } => self.remark(),
        }
    }

    fn look(&self) -> Look {
        match self {
            Self::Opened { .. } | Self::Reopened {} => Look::Waiting,
            Self::AlertFired { .. } | Self::AlertsLeftOut { .. } => Look::Bad,
            Self::AlertCleared { .. } | Self::Resolved {} => Look::Good,
            Self::Acknowledged {} | Self::Assigned { .. } | Self::Noted { .. } => Look::Plain,
            Self::RunbookStarted { .. } | Self::Linked { .. } => Look::Notable,
            Self::RunEnded { state: RunState::Succeeded, .. } => Look::Good,
            Self::RunEnded { .. } => Look::Bad,
        }
    }

    /// What people did; what alerts do is no deed.
    fn is_audited(&self) -> bool {
        match self {
            Self::Acknowledged {}
            | Self::Assigned { .. }
            | Self::Noted { .. }
            | Self::RunbookStarted { .. }
            | Self::Linked { .. }
            | Self::Resolved {}
            | Self::Reopened {} => true,
            Self::Opened { .. }
            | Self::AlertFired { .. }
            | Self::AlertCleared { .. }
            | Self::AlertsLeftOut { .. }
            | Self::RunEnded { .. } => false,
        }
    }

    fn rings(&self) -> bool {
        matches!(self, Self::Opened { .. } | Self::Reopened {})
    }

    fn wakes(&self) -> bool {
        matches!(self, Self::RunbookStarted { .. })
    }
}

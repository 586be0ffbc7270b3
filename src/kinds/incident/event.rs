//! What can have happened in an incident.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::alert::Alert;
use super::group::{Claim, GroupKey};
use super::hold::Hold;
use super::judged::said;
use super::labels::Labels;
use super::proposal::Proposal;
use super::severity::Severity;
use crate::domain::{Actor, IncidentId, RunId, RunState, Timestamp, Untrusted};
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
        /// The agent that handles it where no runbook matched.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
        /// The agent that says how bad it is, where its alerts do not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        classifier: Option<String>,
        /// The only alerts of the group that it is about, by their fingerprints, where it was split off.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        part: BTreeSet<String>,
        /// It is held back from the beginning, and does not ring.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_held: bool,
    },
    #[serde(rename = "incident.alert_fired")]
    AlertFired {
        alert: Box<Alert>,
        /// The alert's group, where it is not the incident's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<GroupKey>,
    },
    #[serde(rename = "incident.alert_cleared")]
    AlertCleared { fingerprint: String, ended_at: Timestamp, name: Untrusted },
    /// Alerts of the group that are not kept one by one: the source left them out, or they are too many.
    #[serde(rename = "incident.alerts_left_out")]
    AlertsLeftOut {
        count: u32,
        /// Their group, where it is not the incident's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<GroupKey>,
    },
    #[serde(rename = "incident.acknowledged")]
    Acknowledged {},
    #[serde(rename = "incident.assigned")]
    Assigned { to: Actor },
    /// A model said how bad it is, or said nothing that can be used.
    #[serde(rename = "incident.severity_judged")]
    SeverityJudged {
        run: RunId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        severity: Option<Severity>,
        reason: Untrusted,
    },
    /// A person said how bad it is.
    #[serde(rename = "incident.severity_set")]
    SeveritySet { severity: Severity },
    #[serde(rename = "incident.noted")]
    Noted { text: Untrusted },
    /// Somebody wants this runbook, or the agent of this name, to run; the run's id follows from this event.
    #[serde(rename = "incident.runbook_started")]
    RunbookStarted { runbook: String },
    #[serde(rename = "incident.linked")]
    Linked { run: RunId },
    /// A run that was started for it, or linked to it, came to its end.
    #[serde(rename = "incident.run_ended")]
    RunEnded {
        run: RunId,
        state: RunState,
        summary: Untrusted,
        /// Its runbook failed by itself: it calls somebody anew.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        escalates: bool,
        /// Changes to runbooks that it proposed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        proposed: Vec<Proposal>,
        /// It helped, which the alerts said before it ended: a change is proposed by which its runbook matches them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        helped: bool,
    },
    /// A runbook that did not match helped: a change is proposed by which it does.
    #[serde(rename = "incident.runbook_change_wanted")]
    RunbookChangeWanted { runbook: String },
    /// Another incident became a part of this one: from now on its alerts are told here.
    #[serde(rename = "incident.absorbed")]
    Absorbed { incident: IncidentId, claims: Vec<Claim> },
    /// It became a part of another incident, and is closed.
    #[serde(rename = "incident.merged")]
    Merged { into: IncidentId },
    /// Some of its alerts became an incident of their own.
    #[serde(rename = "incident.split")]
    Split {
        incident: IncidentId,
        /// As this incident knew them.
        alerts: BTreeSet<String>,
    },
    /// A person wants its alerts silenced, for so long or until it is resolved; the run's id follows from this event.
    #[serde(rename = "incident.silence_wanted")]
    SilenceWanted {
        length: String,
        /// It was wanted before, lifted when the incident was resolved, and is wanted again since that came back.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_renewed: bool,
    },
    /// A person edited its postmortem: the whole text.
    #[serde(rename = "incident.postmortem_amended")]
    Amended { text: Untrusted },
    /// It calls nobody until then, unless it gets worse.
    #[serde(rename = "incident.snoozed")]
    Snoozed { until: Timestamp },
    /// The time for which it was snoozed is over.
    #[serde(rename = "incident.woke")]
    Woke {},
    #[serde(rename = "incident.resolved")]
    Resolved {},
    #[serde(rename = "incident.reopened")]
    Reopened {
        /// It has come back so often lately that it does not ring again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_flapping: bool,
        /// It is held back, and does not ring.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_held: bool,
    },
    /// All that fires in it is expected, or follows from something else that fires: it calls nobody.
    #[serde(rename = "incident.held")]
    Held { why: Hold },
    /// It is not held back any more.
    #[serde(rename = "incident.released")]
    Released {
        /// Somebody is on it, or wanted quiet.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_quiet: bool,
    },
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
            Self::SeverityJudged { .. } => "incident.severity_judged",
            Self::SeveritySet { .. } => "incident.severity_set",
            Self::Noted { .. } => "incident.noted",
            Self::RunbookStarted { .. } => "incident.runbook_started",
            Self::Linked { .. } => "incident.linked",
            Self::RunEnded { .. } => "incident.run_ended",
            Self::RunbookChangeWanted { .. } => "incident.runbook_change_wanted",
            Self::Absorbed { .. } => "incident.absorbed",
            Self::Merged { .. } => "incident.merged",
            Self::Split { .. } => "incident.split",
            Self::SilenceWanted { .. } => "incident.silence_wanted",
            Self::Amended { .. } => "incident.postmortem_amended",
            Self::Snoozed { .. } => "incident.snoozed",
            Self::Woke {} => "incident.woke",
            Self::Resolved {} => "incident.resolved",
            Self::Reopened { .. } => "incident.reopened",
            Self::Held { .. } => "incident.held",
            Self::Released { .. } => "incident.released",
        }
    }

    fn remark(&self) -> Untrusted {
        match self {
            Self::Opened { title, .. } => title.clone(),
            Self::AlertFired { alert, .. } => alert.line(&Labels::default()),
            Self::AlertCleared { name, .. } => name.clone(),
            Self::AlertsLeftOut { count, .. } => format!("{count} more fire and are not listed").into(),
            Self::Assigned { to } => format!("to {}", to.name()).into(),
            Self::SeverityJudged { severity, reason, .. } => said(*severity, reason),
            Self::SeveritySet { severity } => severity.name().into(),
            Self::Noted { text } => text.clone(),
            Self::RunbookStarted { runbook } => runbook.as_str().into(),
            Self::RunbookChangeWanted { runbook } => format!("{runbook} helped, and did not match").into(),
            Self::Linked { run } => format!("run {}", run.short()).into(),
            Self::RunEnded { run, state, summary, proposed, .. } => {
                let proposed = proposed.iter().map(|one| format!("; proposed {}", one.said())).collect::<String>();
                format!("run {} {state}: {}{proposed}", run.short(), summary.raw()).into()
            }
            Self::Absorbed { incident, .. } => format!("incident {}", incident.short()).into(),
            Self::Merged { into } => format!("into {}", into.short()).into(),
            Self::Split { incident, alerts } if alerts.len() == 1 => {
                format!("1 alert into {}", incident.short()).into()
            }
            Self::Split { incident, alerts } => format!("{} alerts into {}", alerts.len(), incident.short()).into(),
            Self::Snoozed { until } => format!("until {}", until.format("%Y-%m-%d %H:%M UTC")).into(),
            Self::SilenceWanted { length, is_renewed: false } => {
                format!("for {length}, or until it is resolved").into()
            }
            Self::SilenceWanted { length, is_renewed: true } => {
                format!("again, for {length}, since it came back").into()
            }
            Self::Amended { text } => format!("{} words", text.raw().split_whitespace().count()).into(),
            Self::Reopened { is_flapping: true, .. } => "flapping: it does not ring".into(),
            Self::Held { why } => why.said().into(),
            Self::Released { is_quiet: true } => "it does not ring: somebody is on it, or it is snoozed".into(),
            Self::Acknowledged {}
            | Self::Woke {}
            | Self::Resolved {}
            | Self::Released { is_quiet: false }
            | Self::Reopened { is_flapping: false, .. } => Untrusted::default(),
        }
    }

    fn said(&self) -> Untrusted {
        match self {
            Self::Acknowledged {} => "incident acknowledged".into(),
            Self::Assigned { to } => format!("incident assigned to {}", to.name()).into(),
            Self::SeveritySet { severity } => format!("severity set to {}", severity.name()).into(),
            Self::Noted { .. } => "note added".into(),
            Self::RunbookStarted { runbook } => format!("runbook {runbook} started").into(),
            Self::Linked { run } => format!("run {} linked", run.short()).into(),
            Self::Resolved {} => "incident resolved".into(),
            Self::Reopened { .. } => "incident reopened".into(),
            Self::Merged { into } => format!("merged into incident {}", into.short()).into(),
            Self::Split { incident, .. } => format!("split off as incident {}", incident.short()).into(),
            Self::Snoozed { until } => format!("snoozed until {}", until.format("%H:%M UTC on %Y-%m-%d")).into(),
            Self::SilenceWanted { length, .. } => format!("silence asked for, for {length} at most").into(),
            Self::Amended { .. } => "postmortem saved".into(),
            Self::Opened { .. }
            | Self::AlertFired { .. }
            | Self::AlertCleared { .. }
            | Self::AlertsLeftOut { .. }
            | Self::Absorbed { .. }
            | Self::Woke {}
            | Self::Held { .. }
            | Self::Released { .. }
            | Self::SeverityJudged { .. }
            | Self::RunbookChangeWanted { .. }
            | Self::RunEnded { .. } => self.remark(),
        }
    }

    fn look(&self) -> Look {
        match self {
            Self::Opened { .. } | Self::Reopened { .. } | Self::Woke {} | Self::Released { .. } => Look::Waiting,
            Self::Held { .. } => Look::Dim,
            Self::AlertFired { .. } | Self::AlertsLeftOut { .. } => Look::Bad,
            Self::AlertCleared { .. } | Self::Resolved {} => Look::Good,
            Self::Acknowledged {}
            | Self::Assigned { .. }
            | Self::Noted { .. }
            | Self::SeveritySet { .. }
            | Self::SeverityJudged { severity: None, .. }
            | Self::RunbookChangeWanted { .. }
            | Self::Snoozed { .. }
            | Self::Amended { .. } => Look::Plain,
            Self::SeverityJudged { .. } => Look::Notable,
            Self::RunbookStarted { .. }
            | Self::Linked { .. }
            | Self::Absorbed { .. }
            | Self::Merged { .. }
            | Self::Split { .. }
            | Self::SilenceWanted { .. } => Look::Notable,
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
            | Self::SeveritySet { .. }
            | Self::RunbookStarted { .. }
            | Self::Linked { .. }
            | Self::Absorbed { .. }
            | Self::Merged { .. }
            | Self::Split { .. }
            | Self::Snoozed { .. }
            | Self::Amended { .. }
            | Self::SilenceWanted { .. }
            | Self::Resolved {}
            | Self::Reopened { .. } => true,
            Self::Opened { .. }
            | Self::AlertFired { .. }
            | Self::AlertCleared { .. }
            | Self::AlertsLeftOut { .. }
            | Self::Woke {}
            | Self::Held { .. }
            | Self::Released { .. }
            | Self::SeverityJudged { .. }
            | Self::RunbookChangeWanted { .. }
            | Self::RunEnded { .. } => false,
        }
    }

    fn rings(&self) -> bool {
        match self {
            // Of one that was split off, the person who did so knows.
            Self::Opened { part, is_held, .. } => part.is_empty() && !is_held,
            Self::Reopened { is_flapping, is_held } => !is_flapping && !is_held,
            Self::Released { is_quiet } => !is_quiet,
            Self::RunEnded { escalates, .. } => *escalates,
            Self::Woke {} => true,
            // It rang when it opened; that it is this bad is news.
            Self::SeverityJudged { severity, .. } => *severity == Some(Severity::Critical),
            Self::AlertFired { .. }
            | Self::AlertCleared { .. }
            | Self::AlertsLeftOut { .. }
            | Self::Acknowledged {}
            | Self::Assigned { .. }
            | Self::Noted { .. }
            | Self::SeveritySet { .. }
            | Self::RunbookChangeWanted { .. }
            | Self::RunbookStarted { .. }
            | Self::Linked { .. }
            | Self::Absorbed { .. }
            | Self::Merged { .. }
            | Self::Split { .. }
            | Self::Snoozed { .. }
            | Self::Amended { .. }
            | Self::SilenceWanted { .. }
            | Self::Held { .. }
            | Self::Resolved {} => false,
        }
    }

    fn wakes(&self) -> bool {
        matches!(
            self,
            Self::Opened { classifier: Some(_), .. }
                | Self::RunbookStarted { .. }
                | Self::RunbookChangeWanted { .. }
                | Self::RunEnded { helped: true, .. }
                | Self::SilenceWanted { .. }
                | Self::Resolved {}
                | Self::Merged { .. }
        )
    }
}

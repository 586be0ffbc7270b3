//! Which action each command and each query needs. A verb says its own; what approving takes depends on the card.

use crate::domain::{Action, EffectCard, Environment, Risk};
use crate::kinds::{ApprovalVerb, Command};
use crate::ports::Query;

/// What somebody must be allowed to do to submit `command`. `card` is that of the request it decides on; an approval
/// whose card is not known counts as critical.
pub fn of_command(command: &Command, card: Option<&EffectCard>) -> Action {
    if let Command::Approval { verb: ApprovalVerb::Approve { .. }, .. } = command
        && let Some(card) = card
    {
        return of_approval(card);
    }
    command.action()
}

/// What approving this card takes.
pub fn of_approval(card: &EffectCard) -> Action {
    match (card.environment, card.risk) {
        (Environment::Production, _) | (_, Risk::Critical) => Action::ApproveCritical,
        (_, Risk::High) => Action::ApproveHigh,
        (_, Risk::Medium | Risk::Low) => Action::ApproveLow,
    }
}

pub fn of_query(query: &Query) -> Action {
    match query {
        Query::Stream { .. } | Query::LogBefore { .. } | Query::Search { .. } => Action::ReadLog,
        Query::Blob { .. } => Action::ReadRuns,
        Query::Rows(rows) => rows.kind.reading(),
        Query::Chart { .. } => Action::ReadIncidents,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::permission::allows;
    use crate::domain::{ApprovalId, EffectClass, Payload, Repeat, Reversibility, Role, RunId, ToolName};
    use crate::kinds::Report;
    use uuid::Uuid;

    fn card(risk: Risk, environment: Environment) -> EffectCard {
        EffectCard {
            tool: ToolName("push_branch".to_owned()),
            class: EffectClass::External,
            repeat: Repeat::Once,
            verb: "push".to_owned(),
            targets: Vec::new(),
            environment,
            risk,
            reversible: Reversibility::Irreversible,
            payload: Payload::Arguments { args: serde_json::Value::Null },
            facts: serde_json::Map::new(),
            confinement: String::new(),
            change: None,
        }
    }

    #[test]
    fn what_lands_in_production_or_is_critical_takes_an_admin() {
        let approve = ApprovalVerb::Approve { digest: String::new() }.on(ApprovalId(Uuid::nil()));
        for risk in [Risk::Low, Risk::Medium, Risk::High, Risk::Critical] {
            let action = of_command(&approve, Some(&card(risk, Environment::Production)));
            assert!(!allows(Role::Operator, action) && allows(Role::Admin, action), "{risk:?}");
        }
        for environment in [Environment::Workspace, Environment::Host, Environment::Remote, Environment::Staging] {
            assert_eq!(of_approval(&card(Risk::Low, environment)), Action::ApproveLow);
            assert_eq!(of_approval(&card(Risk::Medium, environment)), Action::ApproveLow);
            assert_eq!(of_approval(&card(Risk::High, environment)), Action::ApproveHigh);
            assert_eq!(of_approval(&card(Risk::Critical, environment)), Action::ApproveCritical);
        }
        assert_eq!(of_command(&approve, None), Action::ApproveCritical);
    }

    #[test]
    fn nobody_may_report_an_outcome_that_did_not_happen() {
        let run = RunId(Uuid::nil());
        for command in [
            Command::Report(Report::Recover { run, left: Default::default() }),
            Command::Report(Report::Proceed { run, prepared: Vec::new() }),
        ] {
            assert_eq!(of_command(&command, None), Action::Orchestrate);
        }
    }
}

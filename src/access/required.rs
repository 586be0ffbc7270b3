//! Which action each command and each query needs. Exhaustive on purpose: what is new must be given one.

use crate::domain::Action;
use crate::domain::Command;
use crate::domain::EffectCard;
use crate::domain::Environment;
use crate::domain::Query;
use crate::domain::Risk;

/// What somebody must be allowed to do to submit `command`. `card` is that of the request it decides on; an approval
/// whose card is not known counts as critical.
pub fn of_command(command: &Command, card: Option<&EffectCard>) -> Action {
    match command {
        Command::Start { .. } => Action::StartRuns,
        Command::Approve { .. } => card.map_or(Action::ApproveCritical, of_approval),
        Command::Deny { .. } => Action::Deny,
        // Nothing runs by it: what it becomes is approved by somebody who may, as it then stands.
        Command::Edit { .. } => Action::Edit,
        Command::Answer { .. } => Action::Answer,
        Command::Settle { .. } => Action::Settle,
        Command::Pause { .. } | Command::Resume { .. } | Command::Cancel { .. } => Action::SteerRuns,
        Command::Proceed { .. }
        | Command::TurnFinished { .. }
        | Command::EffectFinished { .. }
        | Command::Drifted { .. }
        | Command::Doubt { .. }
        | Command::SetAside { .. }
        | Command::Recover { .. }
        | Command::Expire { .. } => Action::Orchestrate,
    }
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
        Query::Blob { .. } | Query::Runs { .. } => Action::ReadRuns,
        Query::Approvals { .. } => Action::ReadApprovals,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::permission::allows;
    use crate::domain::ApprovalId;
    use crate::domain::EffectClass;
    use crate::domain::Payload;
    use crate::domain::Repeat;
    use crate::domain::Reversibility;
    use crate::domain::Role;
    use crate::domain::RunId;
    use crate::domain::ToolName;
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
        let approve = Command::Approve { approval: ApprovalId(Uuid::nil()), digest: String::new() };
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
        for command in
            [Command::Recover { run, left: Default::default() }, Command::Proceed { run, prepared: Vec::new() }]
        {
            assert_eq!(of_command(&command, None), Action::Orchestrate);
        }
    }
}

//! Which action each command and each query needs. A verb says its own; what approving takes depends on the card.

use crate::domain::{Action, Ask, BudgetAnswer, EffectCard, Environment, Risk, Untrusted};
use crate::kinds::{ApprovalVerb, Command};
use crate::ports::Query;

/// What somebody must be allowed to do to submit `command`. `ask` is the request it decides on; an approval whose card is
/// not known counts as critical.
pub fn of_command(command: &Command, ask: Option<&Ask>) -> Action {
    let Command::Approval { verb, .. } = command else { return command.action() };
    match verb {
        ApprovalVerb::Approve { .. } => ask.and_then(Ask::card).map_or(command.action(), of_approval),
        ApprovalVerb::Answer { text } if ask.and_then(Ask::budget).is_some() => of_answer(text, command),
        ApprovalVerb::Answer { .. }
        | ApprovalVerb::Deny { .. }
        | ApprovalVerb::Edit { .. }
        | ApprovalVerb::Settle { .. }
        | ApprovalVerb::Expire => command.action(),
    }
}

/// An answer about a budget does what it says.
fn of_answer(text: &Untrusted, command: &Command) -> Action {
    match BudgetAnswer::read(text.raw()) {
        Some(BudgetAnswer::RaiseForGood) => Action::ManageBudgets,
        Some(BudgetAnswer::RaiseOnce | BudgetAnswer::Stop) => Action::SteerRuns,
        None => command.action(),
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
        Query::Blob { .. } => Action::ReadRuns,
        Query::Rows(rows) => rows.kind.reading(),
        Query::Chart { .. } => Action::ReadIncidents,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::permission::allows;
    use crate::domain::{
        ApprovalId, BudgetOffer, BudgetPeriod, BudgetScope, EffectClass, Payload, Repeat, Reversibility, Role, RunId,
        ToolName, Usd,
    };
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
            let ask = Ask::Effect { card: card(risk, Environment::Production) };
            let action = of_command(&approve, Some(&ask));
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
    fn an_answer_about_a_budget_takes_the_right_to_do_what_it_says() {
        let offer = BudgetOffer { scope: BudgetScope::All, period: BudgetPeriod::Day, raised: Usd(1) };
        let ask = Ask::Question { text: "?".into(), choices: Vec::new(), budget: Some(Box::new(offer)) };
        let plain = Ask::Question { text: "?".into(), choices: Vec::new(), budget: None };
        for (text, action) in [
            ("raise for good", Action::ManageBudgets),
            (" 2 ", Action::ManageBudgets),
            ("raise once", Action::SteerRuns),
            ("STOP", Action::SteerRuns),
            ("perhaps", Action::Answer),
        ] {
            let answer = ApprovalVerb::Answer { text: text.into() }.on(ApprovalId(Uuid::nil()));
            assert_eq!(of_command(&answer, Some(&ask)), action, "{text}");
            assert_eq!(of_command(&answer, Some(&plain)), Action::Answer, "{text}");
        }
        assert!(!allows(Role::Operator, Action::ManageBudgets) && allows(Role::Operator, Action::SteerRuns));
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

//! The one permission table: for each action the lowest role that may do it. A role may do all that those below may.

use crate::domain::{Action, Role};

/// The lowest role that may do it; `None`: nobody, at any time. Adding an action does not compile without a row here.
const fn lowest(action: Action) -> Option<Role> {
    match action {
        Action::ReadRuns | Action::ReadApprovals | Action::ReadIncidents | Action::ReadLog | Action::ManageSelf => {
            Some(Role::Viewer)
        }
        Action::ReadAccess | Action::Export | Action::Verify => Some(Role::Analyst),
        Action::StartRuns
        | Action::SteerRuns
        | Action::HandleIncidents
        | Action::Answer
        | Action::Deny
        | Action::Edit
        | Action::ApproveLow
        | Action::ApproveHigh
        | Action::Settle => Some(Role::Operator),
        Action::ApproveCritical
        | Action::ManagePolicies
        | Action::ManageBudgets
        | Action::ManageAccounts
        | Action::Inspect => Some(Role::Admin),
        // A backup of a file holds every tenant in it.
        Action::Backup | Action::Restore | Action::Prune | Action::Erase | Action::ManageOwners => Some(Role::Owner),
        Action::Orchestrate => None,
    }
}

pub fn allows(role: Role, action: Action) -> bool {
    lowest(action).is_some_and(|lowest| role >= lowest)
}

/// All that a role may do, in the order of the table.
pub fn actions_of(role: Role) -> impl Iterator<Item = Action> {
    Action::ALL.iter().copied().filter(move |action| allows(role, *action))
}

/// The table as Markdown, for documents: one line an action.
pub fn table() -> String {
    let mut text = "| action | allows to |".to_owned();
    let mut rule = "|---|---|".to_owned();
    for role in Role::ALL {
        text.push_str(&format!(" {role} |"));
        rule.push_str(":-:|");
    }
    text = format!("{text}\n{rule}\n");
    for action in Action::ALL {
        text.push_str(&format!("| `{action}` | {} |", action.about()));
        for role in Role::ALL {
            text.push_str(if allows(role, *action) { " ● |" } else { "   |" });
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        insta::assert_snapshot!(table());
    }

    #[test]
    fn each_role_may_do_all_that_the_one_below_may_and_more() {
        for pair in Role::ALL.windows(2) {
            let below: Vec<_> = actions_of(pair[0]).collect();
            let above: Vec<_> = actions_of(pair[1]).collect();
            assert!(below.iter().all(|action| above.contains(action)), "{pair:?}");
            assert!(above.len() > below.len(), "{} adds nothing to {}", pair[1], pair[0]);
        }
    }

    #[test]
    fn who_only_looks_decides_nothing_and_takes_nothing_away() {
        let looking =
            [Action::ReadRuns, Action::ReadApprovals, Action::ReadIncidents, Action::ReadLog, Action::ManageSelf];
        assert_eq!(actions_of(Role::Viewer).collect::<Vec<_>>(), looking);
        for decides in
            [Action::ApproveLow, Action::Deny, Action::Edit, Action::Answer, Action::Settle, Action::StartRuns]
        {
            assert!(!allows(Role::Analyst, decides), "{decides}");
        }
    }

    #[test]
    fn nobody_is_the_program_itself() {
        assert!(Role::ALL.iter().all(|role| !allows(*role, Action::Orchestrate)));
        assert_eq!(actions_of(Role::Owner).count(), Action::ALL.len() - 1);
    }
}

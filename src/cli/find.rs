//! From what a person typed to the run or the approval it names: an id, a unique prefix of it, or its last 8 digits.

use super::failure::Failure;
use crate::domain::ApprovalId;
use crate::domain::Query;
use crate::domain::RunId;
use crate::fold::Approval;
use crate::fold::Run;
use crate::fold::Snapshot;
use crate::ports::Answer;
use crate::ports::Client;

/// Rows looked through at once.
const PAGE: u32 = 500;
/// Candidates shown when several fit.
const SHOWN: usize = 8;
/// Digits of the short form, see `RunId::short`.
const TAIL: usize = 8;

/// The run that `given` names, live or long ended.
pub async fn run(client: &dyn Client, snapshot: &Snapshot, given: &str) -> Result<Run, Failure> {
    if let Ok(id) = given.parse::<RunId>()
        && let Some(run) = snapshot.runs.get(&id)
    {
        return Ok(run.clone());
    }
    let mut found: Vec<Run> = snapshot.runs.values().filter(|run| names(given, run.id.0)).cloned().collect();
    for offset in (0..).step_by(PAGE as usize) {
        let Answer::Runs(page) = client.query(Query::Runs { offset, limit: PAGE }).await? else { break };
        for run in page.rows.into_iter().filter(|run| names(given, run.id.0)) {
            if found.iter().all(|known| known.id != run.id) {
                found.push(run);
            }
        }
        if !page.more {
            break;
        }
    }
    let label = |run: &Run| format!("{}  {} {}", run.id, run.state, run.goal.visible());
    only_one("run", "morningai runs", given, found, label)
}

/// The approval that `given` names. An open one is preferred, since only those can be decided.
pub async fn approval(client: &dyn Client, snapshot: &Snapshot, given: &str) -> Result<Approval, Failure> {
    if let Ok(id) = given.parse::<ApprovalId>()
        && let Some(approval) = snapshot.approvals.get(&id)
    {
        return Ok(approval.clone());
    }
    let label = |approval: &Approval| format!("{}  {} {}", approval.id, approval.state, approval.tool);
    let open: Vec<_> = snapshot.open_approvals().filter(|approval| names(given, approval.id.0)).cloned().collect();
    if !open.is_empty() {
        return only_one("approval", "morningai approvals", given, open, label);
    }
    let mut found: Vec<Approval> =
        snapshot.approvals.values().filter(|approval| names(given, approval.id.0)).cloned().collect();
    for offset in (0..).step_by(PAGE as usize) {
        let Answer::Approvals(page) = client.query(Query::Approvals { offset, limit: PAGE }).await? else { break };
        for approval in page.rows.into_iter().filter(|approval| names(given, approval.id.0)) {
            if found.iter().all(|known| known.id != approval.id) {
                found.push(approval);
            }
        }
        if !page.more {
            break;
        }
    }
    only_one("approval", "morningai approvals --all", given, found, label)
}

/// Whether `given` is the id, the beginning of it, or its short form. Dashes do not matter.
fn names(given: &str, id: uuid::Uuid) -> bool {
    let given = given.trim().replace('-', "").to_ascii_lowercase();
    let id = id.simple().to_string();
    !given.is_empty() && (id.starts_with(&given) || (given.len() == TAIL && id.ends_with(&given)))
}

fn only_one<T>(
    what: &str,
    listing: &str,
    given: &str,
    mut found: Vec<T>,
    label: impl Fn(&T) -> String,
) -> Result<T, Failure> {
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::usage(format!("no {what} is called {given}")).next(format!("`{listing}` lists them"))),
        many => {
            let shown: Vec<_> = found.iter().take(SHOWN).map(label).collect();
            let rest = if many > SHOWN { format!("\nand {} more", many - SHOWN) } else { String::new() };
            let message = format!("{many} {what}s are called {given}:\n{}{rest}", shown.join("\n"));
            Err(Failure::usage(message).next("give more of the id"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_named_by_its_beginning_or_its_short_form() {
        let id: uuid::Uuid = "0193a5c2-7b10-7def-8123-4567abcdef01".parse().unwrap();
        let fits = ["0193", "0193A5C2-7b10", "abcdef01", "0193a5c2-7b10-7def-8123-4567abcdef01"];
        assert!(fits.iter().all(|given| names(given, id)));
        let others = ["", "a5c2", "cdef01", "0193a5c3", "0193a5c27b107def81234567abcdef012"];
        assert!(others.iter().all(|given| !names(given, id)));
    }

    #[test]
    fn several_candidates_are_listed() {
        let failure = only_one("run", "morningai runs", "01", vec!["a", "b"], |name| name.to_string()).unwrap_err();
        let text = failure.rendered();
        assert!(text.contains("2 runs are called 01:\n       a\n       b\n next: give more of the id"), "{text}");
        let nothing = only_one("run", "morningai runs", "zz", Vec::<&str>::new(), |name| name.to_string());
        assert!(nothing.unwrap_err().rendered().contains("`morningai runs` lists them"));
    }
}

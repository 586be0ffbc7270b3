//! From what somebody wrote to the run or the approval it names: an id, a unique prefix of it, or its last 8 digits.

use crate::domain::ApprovalId;
use crate::domain::Query;
use crate::domain::RunId;
use crate::fold::Approval;
use crate::fold::Run;
use crate::fold::Snapshot;
use crate::ports::Answer;
use crate::ports::Client;
use crate::ports::ClientError;

/// Rows looked through at once.
const PAGE: u32 = 500;
/// Digits of the short form, see `RunId::short`.
const TAIL: usize = 8;

/// Why there is not exactly one.
#[derive(Clone, Debug, PartialEq)]
pub enum NotOne<T> {
    Nothing,
    /// Two or more.
    Several(Vec<T>),
    /// It could not be looked up.
    Unread(ClientError),
}

/// The run that `given` names, live or long ended.
pub async fn run(client: &dyn Client, snapshot: &Snapshot, given: &str) -> Result<Run, NotOne<Run>> {
    if let Ok(id) = given.parse::<RunId>()
        && let Some(run) = snapshot.runs.get(&id)
    {
        return Ok(run.clone());
    }
    let mut found: Vec<Run> = snapshot.runs.values().filter(|run| names(given, run.id.0)).cloned().collect();
    for offset in (0..).step_by(PAGE as usize) {
        let query = Query::Runs { offset, limit: PAGE };
        let Answer::Runs(page) = client.query(query).await.map_err(NotOne::Unread)? else { break };
        for run in page.rows.into_iter().filter(|run| names(given, run.id.0)) {
            if found.iter().all(|known| known.id != run.id) {
                found.push(run);
            }
        }
        if !page.more {
            break;
        }
    }
    only_one(found)
}

/// The approval that `given` names. An open one is preferred, since only those can be decided.
pub async fn approval(client: &dyn Client, snapshot: &Snapshot, given: &str) -> Result<Approval, NotOne<Approval>> {
    if let Ok(id) = given.parse::<ApprovalId>()
        && let Some(approval) = snapshot.approvals.get(&id)
    {
        return Ok(approval.clone());
    }
    let open: Vec<_> = snapshot.open_approvals().filter(|approval| names(given, approval.id.0)).cloned().collect();
    if !open.is_empty() {
        return only_one(open);
    }
    let mut found: Vec<Approval> =
        snapshot.approvals.values().filter(|approval| names(given, approval.id.0)).cloned().collect();
    for offset in (0..).step_by(PAGE as usize) {
        let query = Query::Approvals { offset, limit: PAGE };
        let Answer::Approvals(page) = client.query(query).await.map_err(NotOne::Unread)? else { break };
        for approval in page.rows.into_iter().filter(|approval| names(given, approval.id.0)) {
            if found.iter().all(|known| known.id != approval.id) {
                found.push(approval);
            }
        }
        if !page.more {
            break;
        }
    }
    only_one(found)
}

/// Whether `given` is the id, the beginning of it, or its short form. Dashes do not matter.
fn names(given: &str, id: uuid::Uuid) -> bool {
    let given = given.trim().replace('-', "").to_ascii_lowercase();
    let id = id.simple().to_string();
    !given.is_empty() && (id.starts_with(&given) || (given.len() == TAIL && id.ends_with(&given)))
}

fn only_one<T>(mut found: Vec<T>) -> Result<T, NotOne<T>> {
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(NotOne::Nothing),
        _ => Err(NotOne::Several(found)),
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
}

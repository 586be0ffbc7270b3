//! The run or the approval that a person named, or a failure that lists what they may have meant.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::failure::Failure;
use crate::fold::Snapshot;
use crate::kinds::{Approval, Field, Run, Surface, Thing};
use crate::ports::Client;
use crate::shape;
use crate::shape::{NotOne, Prefer};

/// Candidates shown when several fit.
const SHOWN: usize = 8;

/// The run that `given` names, live or long ended.
pub async fn run(client: &dyn Client, snapshot: &Snapshot, given: &str) -> Result<Run, Failure> {
    let label = |run: &Run| format!("{}  {} {}", run.id, run.state, run.goal.visible());
    let found = shape::find(client, &snapshot.runs, given, Prefer::None).await;
    found.map_err(|not_one| failure("run", "morningai runs", given, not_one, label))
}

/// The approval that `given` names. An open one is preferred, since only those can be decided.
pub async fn approval(client: &dyn Client, snapshot: &Snapshot, given: &str) -> Result<Approval, Failure> {
    let label = |approval: &Approval| format!("{}  {} {}", approval.id, approval.state, approval.tool);
    let found = shape::find(client, &snapshot.approvals, given, Prefer::Open).await;
    found.map_err(|not_one| failure("approval", "morningai approvals --all", given, not_one, label))
}

/// The thing of a kind that `given` names. An open one is preferred.
pub async fn thing(client: &dyn Client, surface: &Surface, given: &str) -> Result<Thing, Failure> {
    let label = |thing: &Thing| format!("{}  {}", thing.id, thing.state);
    let found = shape::find_thing(client, surface, given).await;
    found.map_err(|not_one| failure(surface.name(), &format!("morningai {}", surface.plural), given, not_one, label))
}

/// Puts whole ids in the place of what names other things by a part of their ids.
pub async fn whole_ids(client: &dyn Client, fields: &[Field], given: &mut Map<String, Value>) -> Result<(), Failure> {
    let unnamed = shape::whole_ids(client, fields, given).await;
    unnamed.map_err(|(kind, word, not_one)| {
        let name = kind.name();
        failure(name, &format!("morningai {name}s"), &word, not_one, Uuid::to_string)
    })
}

fn failure<T>(what: &str, listing: &str, given: &str, not_one: NotOne<T>, label: impl Fn(&T) -> String) -> Failure {
    match not_one {
        NotOne::Unread(error) => error.into(),
        NotOne::Nothing => {
            Failure::usage(format!("no {what} is called {given}")).next(format!("`{listing}` lists them"))
        }
        NotOne::Several(found) => {
            let many = found.len();
            // A single one is named rather than counted.
            let named = if many == SHOWN + 1 { many } else { many.min(SHOWN) };
            let shown: Vec<_> = found.iter().take(named).map(label).collect();
            let rest = if many > named { format!("\nand {} more", many - named) } else { String::new() };
            let message = format!("{many} {what}s are called {given}:\n{}{rest}", shown.join("\n"));
            Failure::usage(message).next("give more of the id")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_candidates_are_listed() {
        let several = NotOne::Several(vec!["a", "b"]);
        let text = failure("run", "morningai runs", "01", several, |name| name.to_string()).rendered();
        assert!(text.contains("2 runs are called 01:\n       a\n       b\n next: give more of the id"), "{text}");
        let nothing = failure("run", "morningai runs", "zz", NotOne::<&str>::Nothing, |name| name.to_string());
        assert!(nothing.rendered().contains("`morningai runs` lists them"));
    }
}

//! Editing a call before it may run: what can be found out about the new arguments before anything is written.

use super::core::Core;
use super::prepare;
use crate::domain::{Actor, ApprovalId, Rejection, RejectionKind, RunId, ToolCall};
use crate::kinds::{Approval, ApprovalVerb, CallPreparation, Command, PreparedCall};

/// What to do about arguments that will not do.
const MEND: &str = "nothing was changed; mend the arguments and try again";

/// Refuses arguments that no call of the tool can have. Asks the schema alone, so every process can.
pub(super) fn check(core: &Core, command: &Command) -> Result<(), Rejection> {
    let Command::Approval { id: approval, verb: ApprovalVerb::Edit { args, .. } } = command else { return Ok(()) };
    let name = open_request(core, *approval).map(|approval| approval.tool);
    let Some(tool) = name.and_then(|name| core.tools.get(&name)) else { return Ok(()) };
    let spec = tool.spec();
    match spec.misfit(args) {
        Some(problem) => Err(Rejection::new(RejectionKind::Invalid, format!("{}: {problem}", spec.name))
            .hint(format!("{} takes {}; {MEND}", spec.name, spec.signature()))),
        None => Ok(()),
    }
}

/// The edit among what is to be decided: its request and its arguments.
pub(super) fn among(commands: &[(Command, Actor)]) -> Option<&Command> {
    commands
        .iter()
        .map(|(command, _)| command)
        .find(|command| matches!(command, Command::Approval { verb: ApprovalVerb::Edit { .. }, .. }))
}

/// The call as it would be after the edit, prepared where its run works. `None` where there is nothing to prepare: then
/// the decision itself says why. What cannot be prepared is told to the person, who can mend it, and not to the agent.
pub(super) async fn dry_run(core: &Core, run: RunId, edit: &Command) -> Result<Option<PreparedCall>, Rejection> {
    let Command::Approval { id: approval, verb: ApprovalVerb::Edit { args, .. } } = edit else { return Ok(None) };
    let Some(number) = open_request(core, *approval).map(|approval| approval.call) else { return Ok(None) };
    let call = {
        let staging = core.staging();
        let entry = staging.threads.get(&run).and_then(|thread| thread.calls.get(&number));
        entry.map(|entry| ToolCall { args: args.clone(), ..entry.call.clone() })
    };
    let Some(call) = call else { return Ok(None) };
    match prepare::prepare(core, run, &call).await {
        CallPreparation::Invalid { result } => {
            Err(Rejection::new(RejectionKind::Invalid, result.summary.raw()).hint(MEND))
        }
        preparation @ (CallPreparation::Judged { .. }
        | CallPreparation::Question { .. }
        | CallPreparation::Delegate { .. }
        | CallPreparation::Finish { .. }
        | CallPreparation::Mark { .. }) => {
            let approval = ApprovalId(uuid::Uuid::now_v7());
            Ok(Some(PreparedCall { call: call.call, approval, preparation }))
        }
    }
}

fn open_request(core: &Core, approval: ApprovalId) -> Option<Approval> {
    core.staging().approvals.get(&approval).filter(|approval| approval.state.is_open()).cloned()
}

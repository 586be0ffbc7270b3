//! What a follower says when a run stops, and the exit code that goes with it.

use super::{PausedBy, Progress, Stop};
use crate::cli::card;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::domain::{Ask, FailureKind, RunState};
use crate::kinds::{Approval, Run};

/// Says how it stopped. `program` begins the commands that are proposed.
pub fn conclude(stop: &Stop, program: &str, progress: &mut Progress<'_>) -> Result<Exit, Failure> {
    let (Stop::Ended(run) | Stop::Waiting(run, _) | Stop::Paused(run, ..) | Stop::Left(run)) = stop;
    let exit = match stop {
        Stop::Ended(run) => ended(run, progress)?,
        Stop::Waiting(_, approvals) => {
            for approval in approvals {
                progress.card(approval)?;
            }
            tell_who_waits(approvals, program, progress);
            Exit::Waiting
        }
        Stop::Paused(_, why, by) => {
            progress.say("")?;
            let resume = format!("the run is kept; `{program} resume {} --follow` continues it", run.id);
            match by {
                PausedBy::Person => {
                    progress.output().diagnose(&format!("paused: {}\n next: {resume}", why.visible()));
                    Exit::Waiting
                }
                PausedBy::Itself => {
                    let failure = Failure::failed(format!("the run paused: {}", why.raw())).next(resume);
                    progress.output().diagnose_part(&failure.rendered());
                    Exit::Waiting
                }
            }
        }
        Stop::Left(_) => {
            let next = format!("`{program} resume {} --follow` continues it", run.id);
            let failure = Failure::failed("left before the run ended").next(next);
            progress.say("")?;
            progress.output().diagnose_part(&failure.rendered());
            Exit::Failed
        }
    };
    progress.run_object(run)?;
    Ok(exit)
}

/// Who is waited for, and the commands that decide; on standard error.
pub fn tell_who_waits(approvals: &[Approval], program: &str, progress: &mut Progress<'_>) {
    for approval in approvals {
        let id = approval.id;
        let mut lines = vec![format!("waiting for a person: {}", card::headline(approval))];
        lines.push(format!("   look: {program} approvals show {id}"));
        lines.extend(match &approval.ask {
            Ask::Effect { .. } => vec![
                format!("approve: {program} approve {id} --digest DIGEST (printed at the end of the card)"),
                format!("   deny: {program} deny {id} --reason TEXT"),
            ],
            Ask::Question { .. } => {
                vec![format!(" answer: {program} answer {id} TEXT"), format!("decline: {program} deny {id}")]
            }
            Ask::InDoubt { .. } => vec![format!(" settle: {program} settle {id} happened|retry|give-up")],
        });
        progress.output().diagnose(&lines.join("\n"));
    }
}

fn ended(run: &Run, progress: &mut Progress<'_>) -> Result<Exit, Failure> {
    let cost = if run.unpriced_turns > 0 { "cost not known".to_owned() } else { run.cost.display() };
    let words = run.note.visible_lines().collect::<Vec<_>>().join("\n");
    progress.say(&format!("{}: {words}", run.state))?;
    progress.say(&format!("{} turns, {} calls, {cost}", run.turns, run.calls))?;
    if !run.hint.is_empty() {
        progress.output().diagnose(&format!(" next: {}", run.hint));
    }
    Ok(match (run.state, progress.last_failure()) {
        (RunState::Succeeded, _) => Exit::Done,
        (_, Some(FailureKind::Denied | FailureKind::Refused)) => Exit::Refused,
        _ => Exit::Failed,
    })
}

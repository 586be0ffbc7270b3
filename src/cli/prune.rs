//! `morningai db prune`: runs that ended long ago are removed, and the chain can still be verified.

use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::host::{Pruned, Trial};
use crate::domain::Timestamp;
use crate::ports::{Clock, SystemClock};
use crate::shape::{NotPast, ago, past};

pub async fn prune(mut context: Context<'_>, before: Option<&str>, trial: Trial) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    let ended_before = match before {
        Some(text) => past(text, now).map_err(not_past)?,
        None => configured(&context, now)?,
    };
    let pruned = context.host.prune(ended_before, trial).await?;
    tell(&mut context, &pruned)?;
    Ok(Exit::Done)
}

/// Nothing is ever removed because nobody said for how long to keep it.
fn configured(context: &Context<'_>, now: Timestamp) -> Result<Timestamp, Failure> {
    let keep = context.host.keep_ended_runs().ok_or_else(|| {
        Failure::usage("no retention period is set")
            .at("[retention] ended_runs")
            .next("give --before AGE or DATE, or set `ended_runs = \"365d\"` below [retention] in the configuration")
    })?;
    ago(keep, now).ok_or_else(|| Failure::usage("this is too long ago"))
}

fn not_past(error: NotPast) -> Failure {
    Failure::usage(error.to_string()).at("--before").next(error.hint())
}

fn tell(context: &mut Context<'_>, pruned: &Pruned) -> Result<(), Failure> {
    let Pruned { store, ended_before, runs, events, outputs, outputs_left, trial } = pruned;
    match context.form {
        Form::Json => context.output.json(pruned)?,
        Form::Text => {
            let done = if *trial { "would prune" } else { "pruned" };
            let before = ended_before.format("%Y-%m-%dT%H:%M:%SZ");
            context.output.line(&format!(
                "{done}: {runs} runs that ended before {before}, {events} events, {outputs} outputs, {store}"
            ))?;
        }
    }
    if *outputs_left {
        context.output.diagnose("a run is active, so outputs were kept; the next `db prune` removes them");
    }
    Ok(())
}

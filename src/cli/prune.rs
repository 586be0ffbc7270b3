//! `morningai db prune`: runs that ended long ago are removed, and the chain can still be verified.

use std::time::Duration;

use serde::Serialize;

use super::Context;
use super::Form;
use super::exit::Exit;
use super::failure::Failure;
use super::host::Pruned;
use super::host::Trial;
use crate::domain::DURATION_FORM;
use crate::domain::Timestamp;
use crate::domain::parse_duration;
use crate::ports::Clock;
use crate::ports::SystemClock;

#[derive(Serialize)]
struct PruneDone<'a> {
    store: &'a str,
    ended_before: Timestamp,
    runs: u64,
    events: u64,
    outputs: u64,
    /// Whether it only looked.
    trial: bool,
}

pub async fn prune(mut context: Context<'_>, before: Option<&str>, trial: Trial) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    let ended_before = match before {
        Some(text) => moment(text, now)?,
        None => configured(&context, now)?,
    };
    let pruned = context.host.prune(ended_before, trial).await?;
    tell(&mut context, &pruned, trial)?;
    Ok(Exit::Done)
}

/// Nothing is ever removed because nobody said for how long to keep it.
fn configured(context: &Context<'_>, now: Timestamp) -> Result<Timestamp, Failure> {
    let keep = context.host.keep_ended_runs().ok_or_else(|| {
        Failure::usage("nothing says how long runs are kept after they ended")
            .at("[retention] ended_runs")
            .next("give --before AGE or DATE, or set `ended_runs = \"365d\"` below [retention] in the configuration")
    })?;
    ago(keep, now).ok_or_else(|| Failure::usage("this is longer ago than time goes back"))
}

/// An age, or a date: at its beginning, UTC; or a full RFC 3339 time.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let text = text.trim();
    let age = parse_duration(text).and_then(|age| ago(age, now));
    let date =
        || text.parse::<chrono::NaiveDate>().ok().and_then(|day| day.and_hms_opt(0, 0, 0)).map(|at| at.and_utc());
    let time = || chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    let moment = age.or_else(date).or_else(time).ok_or_else(|| {
        Failure::usage("this is neither an age nor a date")
            .at("--before")
            .next(format!("write an age ({DURATION_FORM}), a date (2026-01-31), or a time (2026-01-31T00:00:00Z)"))
    })?;
    if moment > now {
        return Err(Failure::usage("this is in the future").at("--before").next("name a time that is past"));
    }
    Ok(moment)
}

fn ago(age: Duration, now: Timestamp) -> Option<Timestamp> {
    now.checked_sub_signed(chrono::TimeDelta::from_std(age).ok()?)
}

fn tell(context: &mut Context<'_>, pruned: &Pruned, trial: Trial) -> Result<(), Failure> {
    let Pruned { store, ended_before, runs, events, outputs, outputs_left } = pruned;
    match context.form {
        Form::Json => {
            let done = PruneDone {
                store,
                ended_before: *ended_before,
                runs: *runs,
                events: *events,
                outputs: *outputs,
                trial: trial == Trial::Yes,
            };
            context.output.json(&done)?;
        }
        Form::Text => {
            let done = if trial == Trial::Yes { "would prune" } else { "pruned" };
            let before = ended_before.format("%Y-%m-%dT%H:%M:%SZ");
            context.output.line(&format!(
                "{done}: {runs} runs that ended before {before}, {events} events, {outputs} outputs, {store}"
            ))?;
        }
    }
    if *outputs_left {
        context.output.diagnose("somebody is working on a run, so outputs stayed; the next pruning removes them");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_an_age_or_a_date_in_the_past() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("1d", "2026-02-28T12:00:00Z"),
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31T01:00:00+01:00", "2026-01-31T00:00:00Z"),
        ] {
            assert_eq!(moment(text, now).unwrap(), expected.parse::<Timestamp>().unwrap(), "{text}");
        }
        for text in ["", "1y", "yesterday", "2026-02-30", "2026-03-02", "99999999999999d"] {
            let failure = moment(text, now).unwrap_err();
            assert_eq!((failure.exit, failure.hint().is_empty()), (Exit::Usage, false), "{text}");
        }
    }
}

//! `morningai runbooks`: which alerts each is for, what is wrong with them, and which alerts have none.

use std::collections::BTreeMap;

use serde::Serialize;

use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::host::{Offer, Part};
use super::runbooks_args::{RunbooksAction, RunbooksOptions};
use super::table::table;
use super::time;
use crate::domain::{Faults, Untrusted};
use crate::feeds::{Covered, coverage};
use crate::shape;

pub async fn runbooks(context: Context<'_>, options: RunbooksOptions) -> Result<Exit, Failure> {
    match options.action {
        None => list(context).await,
        Some(RunbooksAction::Lint { files }) => lint(context, &files).await,
        Some(RunbooksAction::Coverage { since }) => cover(context, &since).await,
    }
}

async fn list(context: Context<'_>) -> Result<Exit, Failure> {
    let (offers, broken) = context.host.offers().await?;
    let runbooks: Vec<_> = offers.iter().filter(|offer| !offer.matches.is_empty()).collect();
    match context.form {
        Form::Json => runbooks.iter().try_for_each(|offer| context.output.json(offer))?,
        Form::Text => {
            let row = |offer: &&Offer| vec![visible(&offer.name), matches(&offer.matches), visible(&offer.description)];
            let rows: Vec<_> = runbooks.iter().map(row).collect();
            context.output.line(&table(&["NAME", "FOR ALERTS WITH", "DESCRIPTION"], &rows))?;
        }
    }
    for faults in broken {
        context.output.diagnose(&faults.rendered());
    }
    Ok(Exit::Done)
}

/// `alertname: DiskFilling, NodeFilesystem*`
fn matches(labels: &BTreeMap<String, Vec<String>>) -> String {
    let label = |(name, values): (&String, &Vec<String>)| format!("{name}: {}", visible(&values.join(", ")));
    labels.iter().map(label).collect::<Vec<_>>().join("; ")
}

/// One thing that is wrong with a runbook, as scripts get it.
#[derive(Serialize)]
struct FaultLine<'a> {
    runbook: &'a str,
    /// `FILE:LINE:COLUMN: message`
    fault: String,
}

async fn lint(context: Context<'_>, files: &[String]) -> Result<Exit, Failure> {
    let linted = context.host.lint_runbooks(files).await?;
    let faulty: Vec<_> = linted.iter().filter_map(|linted| Some((&linted.name, linted.faults.as_ref()?))).collect();
    match context.form {
        Form::Json => {
            for (runbook, fault) in
                faulty.iter().flat_map(|(name, faults)| faults.iter().map(move |fault| (*name, fault)))
            {
                context.output.json(&FaultLine { runbook, fault: fault.to_string() })?;
            }
        }
        Form::Text => {
            for (_, faults) in &faulty {
                context.output.write(&Faults::rendered(faults))?;
            }
            let (all, bad) = (linted.len(), faulty.len());
            let said = if bad == 0 {
                "nothing wrong".to_owned()
            } else {
                format!("{bad} {}", if bad == 1 { "has problems" } else { "have problems" })
            };
            context.output.line(&format!("{all} {}, {said}", if all == 1 { "procedure" } else { "procedures" }))?;
        }
    }
    Ok(if faulty.is_empty() { Exit::Done } else { Exit::Failed })
}

async fn cover(context: Context<'_>, since: &str) -> Result<Exit, Failure> {
    let since = shape::past(since, chrono::Utc::now())
        .map_err(|error| Failure::usage(format!("--since {since:?}: {error}")).next(error.hint()))?;
    let session = context.host.session(Part::Reader).await?;
    let found = coverage(session.client(), &context.host.grouping().rules, since).await;
    session.close().await;
    let found = found?;
    match context.form {
        Form::Json => found.iter().try_for_each(|covered| context.output.json(covered))?,
        Form::Text if found.is_empty() => context.output.line("no alerts since then")?,
        Form::Text => {
            let row = |covered: &Covered| {
                vec![
                    covered.alert.visible().into_owned(),
                    covered.incidents.to_string(),
                    time::shown(covered.last),
                    covered.runbook.as_deref().map_or_else(|| "NONE".to_owned(), visible),
                    format!("{} of {}", covered.succeeded, covered.started),
                ]
            };
            let rows: Vec<_> = found.iter().map(row).collect();
            context.output.line(&table(&["ALERT", "INCIDENTS", "LAST", "RUNBOOK", "SUCCEEDED"], &rows))?;
            let without = found.iter().filter(|covered| covered.runbook.is_none()).count();
            context.output.line(&format!("\n{without} of {} alerts have no runbook", found.len()))?;
        }
    }
    Ok(Exit::Done)
}

fn visible(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}

//! `morningai db`: upkeep of the store.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::host::{Access, Copied, Rehearsed, StoreKeeper, Trial};
use super::prune;
use super::store_args::DbAction;
use crate::domain::Untrusted;

#[derive(Serialize)]
struct Done<'a> {
    store: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<String>,
}

/// What was copied, as scripts see it: how many of each kind stands beside the rest.
#[derive(Serialize)]
struct CopyDone<'a> {
    store: &'a str,
    from: &'a str,
    head: &'a str,
    #[serde(flatten)]
    records: BTreeMap<&'a str, u64>,
}

pub async fn db(mut context: Context<'_>, action: DbAction) -> Result<Exit, Failure> {
    match action {
        DbAction::Migrate { grant } => {
            // Opening it for writing is what migrates it.
            let store = context.host.store(Access::Write).await?;
            let done = migrated(&mut context, store.as_ref(), grant.as_deref()).await;
            closed(store, done).await
        }
        DbAction::Rebuild => {
            let store = context.host.store(Access::Write).await?;
            let done = rebuild(&mut context, store.as_ref()).await;
            closed(store, done).await
        }
        DbAction::Backup { file } => {
            let store = context.host.store(Access::Read).await?;
            let done = back_up(&mut context, store.as_ref(), &file).await;
            closed(store, done).await
        }
        DbAction::Copy { to } => {
            let copied = context.host.copy_store(&to).await?;
            told(&mut context, "copied", &copied)
        }
        DbAction::Restore { file, verify: false } => {
            let copied = context.host.restore(&file).await?;
            told(&mut context, "restored", &copied)
        }
        DbAction::Restore { file, verify: true } => rehearse(&mut context, &file).await,
        DbAction::Prune { before, dry_run } => {
            let trial = if dry_run { Trial::Yes } else { Trial::No };
            prune::prune(context, before.as_deref(), trial).await
        }
    }
}

async fn closed(store: Box<dyn StoreKeeper>, done: Result<(), Failure>) -> Result<Exit, Failure> {
    let closed = store.close().await;
    done?;
    closed.map(|()| Exit::Done)
}

async fn migrated(context: &mut Context<'_>, store: &dyn StoreKeeper, grant: Option<&str>) -> Result<(), Failure> {
    if let Some(role) = grant {
        store.grant(role).await?;
    }
    let events = store.log().head().await?.seq;
    let place = store.place();
    match context.form {
        Form::Json => context.output.json(&Done { store: &place, events: Some(events), rows: None, backup: None }),
        Form::Text => context.output.line(&format!("up to date: {place}, {events} events")),
    }
}

async fn rebuild(context: &mut Context<'_>, store: &dyn StoreKeeper) -> Result<(), Failure> {
    let report = store.rebuild().await?;
    let place = store.place();
    match context.form {
        Form::Json => {
            let (events, rows) = (Some(report.events), Some(report.rows));
            context.output.json(&Done { store: &place, events, rows, backup: None })
        }
        Form::Text => {
            context.output.line(&format!("rebuilt: {} rows from {} events, {place}", report.rows, report.events))
        }
    }
}

async fn back_up(context: &mut Context<'_>, store: &dyn StoreKeeper, file: &Path) -> Result<(), Failure> {
    store.back_up(file).await?;
    let (place, backup) = (store.place(), file.display().to_string());
    match context.form {
        Form::Json => context.output.json(&Done { store: &place, events: None, rows: None, backup: Some(backup) }),
        Form::Text => context.output.line(&format!("backed up: {place} to {backup}")),
    }
}

fn told(context: &mut Context<'_>, done: &str, copied: &Copied) -> Result<Exit, Failure> {
    let Copied { from, to, head, checked, records, others } = copied;
    match context.form {
        Form::Json => {
            let records = records.iter().map(|(name, count)| (name.as_str(), *count)).collect();
            context.output.json(&CopyDone { store: to, from, head: &head.hash, records })?;
        }
        Form::Text => {
            let counts: Vec<_> = records.iter().map(|(name, count)| format!("{count} {name}")).collect();
            let line = format!(
                "{done}: {} from {from} to {to}; head {}, checked against {checked} saved",
                counts.join(", "),
                shown(&head.hash)
            );
            context.output.line(&line)?;
        }
    }
    if !others.is_empty() {
        let names: Vec<_> = others.iter().map(|name| Untrusted::from(name.as_str()).visible().into_owned()).collect();
        let more = format!("also in it: tenant {}; use --tenant NAME for each", names.join(", "));
        context.output.diagnose(&more);
    }
    Ok(Exit::Done)
}

async fn rehearse(context: &mut Context<'_>, file: &Path) -> Result<Exit, Failure> {
    let found = context.host.rehearse_restore(file).await?;
    if found.is_empty() {
        return Err(Failure::failed("the backup is of an empty store")
            .at(file.display().to_string())
            .next("check that it is the right store; `morningai doctor` names the one in use"));
    }
    let mut problems = Vec::new();
    for rehearsed in &found {
        let tenant = Untrusted::from(rehearsed.tenant.as_str()).visible().into_owned();
        problems.extend(rehearsed.problems.iter().map(|problem| format!("tenant {tenant}: {problem}")));
        match context.form {
            Form::Json => context.output.json(rehearsed)?,
            Form::Text if rehearsed.problems.is_empty() => context.output.line(&sound(&tenant, rehearsed))?,
            Form::Text => {}
        }
    }
    if problems.is_empty() {
        return Ok(Exit::Done);
    }
    Err(Failure::failed(format!("the backup was changed after it was written:\n{}", problems.join("\n")))
        .at(file.display().to_string())
        .next("make another one, and find out who else can write to this file"))
}

fn sound(tenant: &str, rehearsed: &Rehearsed) -> String {
    let Rehearsed { events, outputs, head, .. } = rehearsed;
    format!("sound: tenant {tenant}, {events} events, {outputs} outputs, head {}", shown(&head.hash))
}

fn shown(hash: &str) -> &str {
    if hash.is_empty() { "none" } else { hash }
}

//! `morningai db`: upkeep of the store.

use std::path::Path;

use serde::Serialize;

use super::Context;
use super::Form;
use super::args::DbAction;
use super::exit::Exit;
use super::failure::Failure;
use super::host::Access;
use super::host::StoreKeeper;

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

pub async fn db(mut context: Context<'_>, action: DbAction) -> Result<Exit, Failure> {
    let access = match action {
        DbAction::Migrate { .. } | DbAction::Rebuild => Access::Write,
        DbAction::Backup { .. } => Access::Read,
    };
    // Opening it for writing is what migrates it.
    let store = context.host.store(access).await?;
    let done = match action {
        DbAction::Migrate { grant } => migrated(&mut context, store.as_ref(), grant.as_deref()).await,
        DbAction::Rebuild => rebuild(&mut context, store.as_ref()).await,
        DbAction::Backup { file } => back_up(&mut context, store.as_ref(), &file).await,
    };
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

//! `morningai oncall`: who is on call, and whether a notifier reaches anybody.

use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::oncall_args::{OnCallAction, OnCallOptions};
use super::table::table;
use super::time;
use crate::domain::Timestamp;
use crate::shape;

pub async fn oncall(context: Context<'_>, options: OnCallOptions) -> Result<Exit, Failure> {
    match options.action {
        Some(OnCallAction::Test { notifier }) => test(context, &notifier).await,
        None => {
            let at = options.at.as_deref().map(read).transpose()?.unwrap_or_else(chrono::Utc::now);
            list(context, at)
        }
    }
}

fn read(text: &str) -> Result<Timestamp, Failure> {
    shape::moment(text).ok_or_else(|| {
        Failure::usage(format!("{text:?} is neither a date nor a time"))
            .next("write 2026-12-24 or 2026-12-24T18:00:00Z")
    })
}

fn list(context: Context<'_>, at: Timestamp) -> Result<Exit, Failure> {
    let on_call = context.host.on_call(at);
    match context.form {
        Form::Json => on_call.iter().try_for_each(|on_call| context.output.json(on_call))?,
        Form::Text if on_call.is_empty() => {
            context.output.line("no schedules; [oncall.schedules] in the configuration has them")?;
        }
        Form::Text => {
            let row = |on_call: &shape::OnCallShape| {
                let until = on_call.until.map(time::shown).unwrap_or_default();
                vec![on_call.schedule.clone(), on_call.person.clone().unwrap_or_else(|| "NOBODY".to_owned()), until]
            };
            context
                .output
                .line(&table(&["SCHEDULE", "ON CALL", "UNTIL"], &on_call.iter().map(row).collect::<Vec<_>>()))?;
        }
    }
    let has_gap = on_call.iter().any(|on_call| on_call.person.is_none());
    Ok(if has_gap { Exit::Failed } else { Exit::Done })
}

async fn test(context: Context<'_>, notifier: &str) -> Result<Exit, Failure> {
    let about = context.host.test_notifier(notifier).await?;
    match context.form {
        Form::Json => context.output.json(&serde_json::json!({ "notifier": notifier, "sent": true }))?,
        Form::Text => context.output.line(&format!("sent by {notifier} ({about}); look whether it arrived"))?,
    }
    Ok(Exit::Done)
}

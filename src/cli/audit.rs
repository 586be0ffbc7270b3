//! `morningai audit`: who tried to get in, what changed about accounts, and who decided what; from the log itself.

use super::access_args::{AuditAction, AuditOptions};
use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::host::Access;
use super::tail;
use crate::ports::Log;
use crate::shape;
use crate::shape::Audited;

pub async fn audit(mut context: Context<'_>, options: AuditOptions) -> Result<Exit, Failure> {
    let store = context.host.store(Access::Read).await?;
    let done = match &options.action {
        Some(AuditAction::Show { seq }) => show(&mut context, store.log(), *seq).await,
        None => list(&mut context, store.log(), &options).await,
    };
    let closed = store.close().await;
    done?;
    closed.map(|()| Exit::Done)
}

async fn list(context: &mut Context<'_>, log: &dyn Log, options: &AuditOptions) -> Result<(), Failure> {
    let wanted = Audited { who: options.who.as_deref(), before: u64::MAX, limit: options.limit };
    let found = shape::audit(log, wanted).await?.rows;
    match context.form {
        Form::Json => found.iter().try_for_each(|envelope| context.output.json(envelope)),
        Form::Text if found.is_empty() => context.output.line("no sign-ins, account changes or decisions yet"),
        Form::Text => found.iter().try_for_each(|envelope| context.output.line(&tail::line(envelope))),
    }
}

async fn show(context: &mut Context<'_>, log: &dyn Log, seq: u64) -> Result<(), Failure> {
    let found = log.read(seq.saturating_sub(1), 1).await?;
    let Some(envelope) = found.first().filter(|envelope| envelope.seq == seq) else {
        return Err(Failure::usage(format!("the log has no event {seq}")).next("`morningai audit` lists numbers"));
    };
    match context.form {
        Form::Json => context.output.json(envelope),
        Form::Text => {
            let pretty = serde_json::to_string_pretty(envelope)
                .map_err(|error| Failure::failed(format!("cannot be written as JSON: {error}")))?;
            let shown: Vec<_> =
                crate::domain::Untrusted::new(pretty).visible_lines().map(|line| line.into_owned()).collect();
            context.output.line(&format!("{}\n\n{}", tail::line(envelope), shown.join("\n")))
        }
    }
}

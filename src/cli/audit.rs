//! `morningai audit`: who tried to get in, what changed about accounts, and who decided what; from the log itself.

use super::Context;
use super::Form;
use super::access_args::AuditAction;
use super::access_args::AuditOptions;
use super::exit::Exit;
use super::failure::Failure;
use super::host::Access;
use super::tail;
use crate::domain::ApprovalEvent;
use crate::domain::Envelope;
use crate::domain::Event;
use crate::ports::Log;

/// Events read at once.
const PAGE: u32 = 500;
/// How events of these families begin as they are stored; the store finds them by it.
const FAMILIES: [&str; 2] = ["\"type\":\"access.", "\"type\":\"approval."];

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
    let mut found = Vec::new();
    for family in FAMILIES {
        found.extend(newest(log, family, options).await?);
    }
    found.sort_by_key(|envelope| std::cmp::Reverse(envelope.seq));
    found.truncate(options.limit as usize);
    match context.form {
        Form::Json => found.iter().try_for_each(|envelope| context.output.json(envelope)),
        Form::Text if found.is_empty() => context.output.line("nobody tried, changed or decided anything"),
        Form::Text => found.iter().try_for_each(|envelope| context.output.line(&tail::line(envelope))),
    }
}

/// The newest of one family, as many as are wanted.
async fn newest(log: &dyn Log, family: &str, options: &AuditOptions) -> Result<Vec<Envelope>, Failure> {
    let by_them = |envelope: &Envelope| {
        options.who.as_deref().is_none_or(|who| envelope.by.name().eq_ignore_ascii_case(who.trim()))
    };
    let mut found = Vec::new();
    let mut before = u64::MAX;
    while found.len() < options.limit as usize {
        let page = log.read_back(before, PAGE, Some(family)).await?;
        let Some(last) = page.rows.last() else { break };
        before = last.seq;
        found.extend(page.rows.into_iter().filter(|envelope| is_audited(&envelope.event) && by_them(envelope)));
        if !page.more {
            break;
        }
    }
    Ok(found)
}

/// What somebody did or tried. A request is not yet a decision.
fn is_audited(event: &Event) -> bool {
    match event {
        Event::Access(_) => true,
        Event::Approval(ApprovalEvent::Requested { .. }) | Event::Run(_) | Event::Erased(_) => false,
        Event::Approval(_) => true,
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
                .map_err(|error| Failure::failed(format!("this cannot be written as JSON: {error}")))?;
            let shown: Vec<_> =
                crate::domain::Untrusted::new(pretty).visible_lines().map(|line| line.into_owned()).collect();
            context.output.line(&format!("{}\n\n{}", tail::line(envelope), shown.join("\n")))
        }
    }
}

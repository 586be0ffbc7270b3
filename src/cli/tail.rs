//! `morningai log`: the events themselves, and whether they are all there.

use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::host::{Access, StoreKeeper};
use super::log_args::LogAction;
use super::output::Reader;
use super::time;
use crate::kinds::{Envelope, Event, RunEvent};
use crate::ports::Log;
use crate::shape::Verification;

/// Events read at once.
const PAGE: u32 = 1000;

pub async fn log(mut context: Context<'_>, action: LogAction) -> Result<Exit, Failure> {
    let store = context.host.store(Access::Read).await?;
    let done = match action {
        LogAction::Verify => verify(&mut context, store.as_ref()).await,
        LogAction::Export => export(&mut context, store.log()).await.map(|()| Exit::Done),
        LogAction::Tail { follow, lines } => tail(&mut context, store.log(), follow, lines).await.map(|()| Exit::Done),
    };
    let closed = store.close().await;
    let exit = done?;
    closed.map(|()| exit)
}

async fn verify(context: &mut Context<'_>, store: &dyn StoreKeeper) -> Result<Exit, Failure> {
    let report = store.log().verify(&[]).await?;
    // Of a log that was changed, rows that agree with it prove nothing, and computing them again would do harm.
    let (rows, outputs) = match report.problems.is_empty() {
        true => (store.compare_rows().await?, store.check_outputs().await?),
        false => Default::default(),
    };
    let intact = report.problems.is_empty() && rows.is_empty() && outputs.problems.is_empty();
    match context.form {
        Form::Json => context.output.json(&Verification::of(&report, &rows, &outputs.problems))?,
        Form::Text if intact => {
            let head = if report.head.hash.is_empty() { "nothing" } else { report.head.hash.as_str() };
            let heads = counted(report.checked.len() as u64, "saved head");
            let pruned = if report.pruned > 0 { format!(" ({} pruned)", report.pruned) } else { String::new() };
            let events = format!("{} events{pruned} and {}", report.events, counted(outputs.sound, "output"));
            context.output.line(&format!("intact: {events}, head {head}, checked against {heads}"))?;
        }
        Form::Text => {}
    }
    if intact {
        return Ok(Exit::Done);
    }
    let failure = if !report.problems.is_empty() {
        Failure::failed(format!("the log was changed after it was written:\n{}", report.problems.join("\n")))
            .next("keep the file, compare it with a backup, and find out who else can write to it")
    } else if !outputs.problems.is_empty() {
        let all = [outputs.problems, rows].concat().join("\n");
        Failure::failed(format!("the log is intact, but stored outputs are not:\n{all}"))
            .next("restore the outputs from a backup; find out who else can write to the store, or whether the disk is failing")
    } else {
        Failure::failed(format!("the log is intact, but tables computed from it differ:\n{}", rows.join("\n")))
            .next("`morningai db rebuild` recomputes them from the log; find out who else can write to the file")
    };
    Err(failure.at(store.place()))
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

async fn export(context: &mut Context<'_>, log: &dyn Log) -> Result<(), Failure> {
    let mut after = 0;
    loop {
        let page = log.read(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.seq;
        for envelope in &page {
            context.output.json(envelope)?;
        }
        if context.output.reader() == Reader::Gone {
            return Ok(());
        }
    }
}

async fn tail(context: &mut Context<'_>, log: &dyn Log, follow: bool, lines: u32) -> Result<(), Failure> {
    let mut head = log.watch_head();
    let mut last = log.read_back(u64::MAX, lines.max(1), None).await?.rows;
    let mut seen = last.first().map_or(0, |envelope| envelope.seq);
    if lines == 0 {
        last.clear();
    }
    for envelope in last.iter().rev() {
        write(context, envelope)?;
    }
    while follow && context.output.reader() == Reader::There {
        for envelope in log.read(seen, PAGE).await? {
            seen = envelope.seq;
            write(context, &envelope)?;
        }
        let current = *head.borrow_and_update();
        if current <= seen && head.changed().await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn write(context: &mut Context<'_>, envelope: &Envelope) -> Result<(), Failure> {
    match context.form {
        Form::Json => context.output.json(envelope),
        Form::Text => context.output.line(&line(envelope)),
    }
}

/// Number, time, who, where, what; and what tells it from others of its kind.
pub(super) fn line(envelope: &Envelope) -> String {
    let Envelope { seq, stream, at, by, event, .. } = envelope;
    let by = crate::domain::Untrusted::new(by.to_string());
    let line =
        format!("{seq:>6}  {}  {stream}  {:<22} {}  {}", time::shown(*at), event.kind(), by.visible(), remark(event));
    line.trim_end().to_owned()
}

fn remark(event: &Event) -> String {
    let Event::Run(event) = event else { return event.remark().visible().into_owned() };
    match event {
        RunEvent::Started { spec } => spec.goal.visible().into_owned(),
        RunEvent::EffectStarted { call, card, .. } => format!("{call} {}", super::card::action(card)),
        RunEvent::CallSettled { call, result, .. } => format!("{call} {}", result.summary.visible()),
        RunEvent::CallDelegated { call, agent, .. } => {
            format!("{call} agent {}", crate::domain::Untrusted::from(agent.as_str()).visible())
        }
        RunEvent::DelegateEnded { call, run, state, .. } => format!("{call} run {} {state}", run.short()),
        RunEvent::TurnFailed { failure, .. } => failure.message.visible().into_owned(),
        RunEvent::Succeeded { summary } => summary.visible().into_owned(),
        RunEvent::Failed { reason, .. } => reason.visible().into_owned(),
        RunEvent::PlanAdopted { .. }
        | RunEvent::StepMarked { .. }
        | RunEvent::TurnStarted { .. }
        | RunEvent::TurnFinished { .. }
        | RunEvent::CallsRequested { .. }
        | RunEvent::CallParked { .. }
        | RunEvent::CallEdited { .. }
        | RunEvent::EffectInDoubt { .. }
        | RunEvent::LimitReached { .. }
        | RunEvent::Paused { .. }
        | RunEvent::Resumed {}
        | RunEvent::Recovered { .. }
        | RunEvent::SetAside {}
        | RunEvent::CancelRequested { .. }
        | RunEvent::Cancelled { .. } => String::new(),
    }
}

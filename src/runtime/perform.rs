//! Does what committed events ask for, and reports the outcome.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::boundary::Going;
use super::core::Core;
use super::feed::Gatherer;
use super::tenure::Right;
use super::{boundary, prepare};
use crate::domain::{
    ApprovalId, CallNo, EffectCard, FailureKind, ModelFailure, ModelFailureKind, OutputShape, Patience, PurposeOfTurn,
    Repeat, RunId, ToolCall, ToolResult, Untrusted,
};
use crate::engine;
use crate::engine::{Effect, Freshness};
use crate::kinds::{CallPreparation, Command, PreparedCall, Report};
use crate::ports::{Checked, Invocation, ModelRequest, Tool};

/// A look that tells nothing by then tells nothing: a person is asked.
const LONGEST_CHECK: Duration = Duration::from_secs(30);

/// What came of an effect.
#[derive(Default)]
pub(super) struct Outcome {
    /// To be recorded; `None` when there is nothing to record yet.
    pub(super) command: Option<Command>,
    /// To be performed after all, found out at recovery.
    pub(super) again: Option<Effect>,
    pub(super) was_unrepeatable: bool,
}

/// How what is under way is told to end.
#[derive(Clone)]
pub(super) struct Ends {
    /// At once.
    pub(super) cancel: CancellationToken,
    /// At the next boundary.
    pub(super) going: watch::Receiver<Going>,
}

pub(super) async fn perform(core: Arc<Core>, right: Arc<Right>, effect: Effect, ends: Ends) -> Outcome {
    match effect {
        Effect::CallModel { run, turn, attempt, purpose } => {
            if !right.is_ours().await {
                return Outcome::default();
            }
            let outcome = Box::new(call_model(&core, run, turn, purpose, ends).await);
            let command = Command::Report(Report::TurnFinished { run, turn, attempt, outcome });
            Outcome { command: Some(command), ..Outcome::default() }
        }
        Effect::Perform { run, call, attempt, card, freshness } => {
            let was_unrepeatable = card.repeat != Repeat::Repeatable;
            let begun = Begun { run, call, attempt, card: &card, freshness };
            let command = perform_call(&core, &right, begun, ends.cancel).await;
            Outcome { command, again: None, was_unrepeatable }
        }
    }
}

async fn call_model(
    core: &Arc<Core>,
    run: RunId,
    turn: u32,
    purpose: PurposeOfTurn,
    ends: Ends,
) -> Result<crate::domain::ModelReply, ModelFailure> {
    let request = {
        let staging = core.staging();
        let Some(thread) = staging.threads.get(&run) else {
            return Err(ModelFailure {
                kind: ModelFailureKind::Cancelled,
                message: "the run is no longer being worked on".into(),
                hint: String::new(),
            });
        };
        let tools = thread.spec.tools.iter().filter_map(|name| core.tools.get(name)).map(|tool| tool.spec().clone());
        let (tools, shape) = match purpose {
            PurposeOfTurn::Plan => {
                (Vec::new(), OutputShape::Json { name: "plan".to_owned(), schema: engine::plan_schema() })
            }
            PurposeOfTurn::Act => (tools.collect(), OutputShape::Free),
        };
        let messages = engine::conversation(thread, purpose);
        let mut request = ModelRequest { class: thread.spec.class, messages, tools, shape, max_output_tokens: None };
        core.redactor.request(&mut request);
        request
    };
    let deltas = Gatherer::of_turn(core.clone(), run, turn);
    let answer = boundary::complete(core.model.as_ref(), request, deltas.as_ref(), ends.cancel, ends.going);
    // What a server sends is read in there, and nothing it sends may take the run's worker with it.
    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| Err(unreadable()))
}

fn unreadable() -> ModelFailure {
    ModelFailure {
        kind: ModelFailureKind::Nonsense,
        message: "what the model answered could not be read".into(),
        hint: "this is a defect of morningai, which its log describes; use another model until it is mended".to_owned(),
    }
}

/// An effect whose intent is on disk.
struct Begun<'a> {
    run: RunId,
    call: CallNo,
    attempt: u32,
    card: &'a EffectCard,
    freshness: Freshness,
}

/// `None` when there is nothing to say: the effect stays open in the log, for the next worker of the run.
async fn perform_call(core: &Arc<Core>, right: &Right, begun: Begun<'_>, cancel: CancellationToken) -> Option<Command> {
    let Begun { run, call, attempt, card, freshness } = begun;
    let finished = |result| Some(Command::Report(Report::EffectFinished { run, call, attempt, result }));
    let Some((request, tool)) = find(core, run, call) else {
        return finished(ToolResult::failure(FailureKind::Failed, "the tool or the call is gone"));
    };
    let Some(context) = prepare::context(core, run) else {
        return finished(ToolResult::failure(FailureKind::Failed, "the run is gone"));
    };
    if freshness == Freshness::Stale
        && let Some(preparation) = drifted(core, run, &request, card).await
    {
        let approval = ApprovalId(uuid::Uuid::now_v7());
        let prepared = Box::new(PreparedCall { call, approval, preparation });
        return Some(Command::Report(Report::Drifted { run, call, attempt, prepared }));
    }
    // The last thing before the effect: time may have passed since its intent was committed.
    if !right.is_ours().await {
        return None;
    }
    if cancel.is_cancelled() {
        return finished(ToolResult::failure(FailureKind::Cancelled, "the run was cancelled; it was not run"));
    }
    let output = Gatherer::of_call(core.clone(), run, call);
    let invocation = || {
        let (args, cancel) = (&request.args, cancel.clone());
        Invocation { context: &context, call, args, card, output: output.as_ref(), cancel }
    };
    let patience = engine::patience(&core.staging(), run, call).filter(|_| card.repeat == Repeat::Repeatable);
    let mut trying = Trying::begin(patience);
    loop {
        match AssertUnwindSafe(tool.perform(invocation())).catch_unwind().await {
            Ok(result) if result.failure == Some(FailureKind::InDoubt) => {
                return Some(doubtful(run, call, attempt, result.summary));
            }
            Ok(result) => match trying.goes_on(&result) {
                None => return finished(trying.told(result)),
                Some(pause) => tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = cancel.cancelled() => return finished(trying.told(result)),
                },
            },
            // Repeating it would fail the same way, again and again.
            Err(_) if card.repeat == Repeat::Repeatable => {
                let summary = "the tool ended unexpectedly; this is a defect of it";
                return finished(ToolResult::failure(FailureKind::Failed, summary));
            }
            Err(_) => {
                tracing::error!(%run, tool = %request.tool, "a tool ended unexpectedly; its outcome is unknown");
                return None;
            }
        }
        if !right.is_ours().await {
            return None;
        }
    }
}

/// A check that is tried until it succeeds or its time is over.
struct Trying {
    patience: Option<Patience>,
    since: tokio::time::Instant,
    tries: u32,
}

impl Trying {
    fn begin(patience: Option<Patience>) -> Self {
        Self { patience, since: tokio::time::Instant::now(), tries: 0 }
    }

    /// How long to wait before the next try; `None` when this result stands.
    fn goes_on(&mut self, result: &ToolResult) -> Option<Duration> {
        self.tries += 1;
        let patience = self.patience?;
        let may_change =
            matches!(result.failure, Some(FailureKind::Failed | FailureKind::Limit | FailureKind::Unreachable));
        let pause = Duration::from_secs(patience.every);
        let in_time = self.since.elapsed() + pause <= Duration::from_secs(patience.within);
        (may_change && in_time).then_some(pause)
    }

    fn told(&self, mut result: ToolResult) -> ToolResult {
        if self.tries > 1 {
            let (tries, seconds) = (self.tries, self.since.elapsed().as_secs());
            result.summary = format!("{} (try {tries}, after {seconds} s)", result.summary.raw()).into();
        }
        result
    }
}

/// What would run now, if that is not what was judged.
async fn drifted(core: &Core, run: RunId, request: &ToolCall, card: &EffectCard) -> Option<CallPreparation> {
    let now = prepare::prepare(core, run, request).await;
    let is_same = matches!(&now, CallPreparation::Judged { card: now, .. } if now.digest() == card.digest());
    (!is_same).then_some(now)
}

fn find(core: &Core, run: RunId, call: CallNo) -> Option<(ToolCall, Arc<dyn Tool>)> {
    let request = core.staging().threads.get(&run)?.calls.get(&call)?.call.clone();
    let tool = core.tools.get(&request.tool)?.clone();
    Some((request, tool))
}

/// An effect that somebody began who is gone: looked for. When looking does not tell, in doubt.
pub(super) async fn find_out(core: Arc<Core>, effect: Effect) -> Outcome {
    let Effect::Perform { run, call, attempt, card, .. } = &effect else {
        return Outcome { again: Some(effect), ..Outcome::default() };
    };
    let (run, call, attempt) = (*run, *call, *attempt);
    let checked = match (find(&core, run, call), prepare::context(&core, run)) {
        (Some((_, tool)), Some(context)) => {
            let looking = AssertUnwindSafe(tool.check(&context, card)).catch_unwind();
            tokio::time::timeout(LONGEST_CHECK, looking).await.ok().and_then(Result::ok).unwrap_or(Checked::Unknown)
        }
        _ => Checked::Unknown,
    };
    match checked {
        Checked::Happened(result) => {
            let command = Some(Command::Report(Report::EffectFinished { run, call, attempt, result: *result }));
            Outcome { command, ..Outcome::default() }
        }
        Checked::DidNotHappen => Outcome { again: Some(effect), ..Outcome::default() },
        Checked::Unknown => doubt(&effect),
    }
}

/// Has set aside what programs left in a run's workspace, and says what that was.
pub(super) async fn clear_up(core: &Core, run: RunId) -> Untrusted {
    let mut told = Vec::new();
    if let Some(context) = prepare::context(core, run) {
        for tool in core.tools.values() {
            told.extend(tool.clear_up(&context).await.map(Untrusted::into_raw));
        }
    }
    let told = Untrusted::new(told.join("\n"));
    if !told.is_empty() {
        tracing::warn!(%run, told = %told.visible(), "the workspace holds files that control other programs");
    }
    told
}

/// An effect whose outcome a person must tell.
pub(super) fn doubt(effect: &Effect) -> Outcome {
    let Effect::Perform { run, call, attempt, .. } = *effect else { return Outcome::default() };
    Outcome { command: Some(doubtful(run, call, attempt, Untrusted::default())), ..Outcome::default() }
}

fn doubtful(run: RunId, call: CallNo, attempt: u32, why: Untrusted) -> Command {
    Command::Report(Report::Doubt { run, call, attempt, approval: ApprovalId(uuid::Uuid::now_v7()), why })
}

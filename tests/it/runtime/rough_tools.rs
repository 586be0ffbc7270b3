//! Tools that panic: each ends in words or in a question, and never takes the run or the process with it.

use std::sync::Arc;

use async_trait::async_trait;
use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::*;
use morningai::runtime::{Parts, Role, Runtime};
use serde_json::Value;

use super::desk::*;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    DryRun,
    Effect,
}

struct Panics {
    spec: ToolSpec,
    at: Where,
    card: Counter,
}

impl Panics {
    fn new(at: Where, repeat: Repeat) -> Self {
        let card = Counter::new("check", EffectClass::Workspace, repeat);
        Self { spec: card.spec().clone(), at, card }
    }
}

#[async_trait]
impl Tool for Panics {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        assert!(self.at != Where::DryRun, "a panic that the test wants");
        self.card.prepare(context, args).await
    }

    async fn perform(&self, _invocation: Invocation<'_>) -> ToolResult {
        panic!("a panic that the test wants")
    }
}

/// A procedure of one step with that tool.
async fn run_with(tool: Panics) -> (Desk, RunId, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let parts = Parts {
        log: log.clone(),
        model: Arc::new(ListModel::default()),
        tools: [(tool.spec.name.clone(), Arc::new(tool) as Arc<dyn Tool>)].into(),
        judge: Arc::new(SimpleJudge { expires_after: 3600 }),
        clock: Arc::new(SystemClock),
        role: Role::Worker,
        starter: None,
        redactor: Default::default(),
    };
    let desk = Desk { runtime: Arc::new(Runtime::start(parts).await.unwrap()), log };
    let run = desk.begin_with(procedure(&["check"])).await;
    (desk, run, dir)
}

#[tokio::test]
async fn a_panic_in_a_dry_run_is_a_bad_call() {
    let (desk, run, _dir) = run_with(Panics::new(Where::DryRun, Repeat::Once)).await;
    let ended = desk.until_state(run, RunState::Failed).await;
    assert!(ended.note.raw().contains("ended unexpectedly in its dry run"), "{:?}", ended.note);
}

#[tokio::test]
async fn a_panic_in_a_repeatable_effect_is_a_failure_and_no_endless_repetition() {
    let (desk, run, _dir) = run_with(Panics::new(Where::Effect, Repeat::Repeatable)).await;
    let ended = desk.until_state(run, RunState::Failed).await;
    assert!(ended.note.raw().contains("ended unexpectedly"), "{:?}", ended.note);
}

#[tokio::test]
async fn a_panic_in_an_effect_that_must_not_be_repeated_is_a_question() {
    let (desk, run, _dir) = run_with(Panics::new(Where::Effect, Repeat::Once)).await;
    desk.until_state(run, RunState::InDoubt).await;
    let approval = desk.open_approval().await;
    let settle = ApprovalVerb::Settle { settlement: Settlement::GiveUp, note: "".into() }.on(approval.id);
    desk.runtime.submit(settle, ana()).await.unwrap();
    desk.until_state(run, RunState::Failed).await;
}

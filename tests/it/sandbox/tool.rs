//! The shell tool, from a call through its card to its result.

use std::sync::Arc;

use morningai::domain::{CallNo, EffectCard, FailureKind, Payload, RunId, ToolResult};
use morningai::ports::{Caller, Invocation, Prepared, Tool, ToolContext};
use morningai::tools::remote::Hosts;
use morningai::tools::shell::Shell;
use serde_json::{Value, json};

use super::bench::{Bench, Sink, rungs};
use morningai::domain::RungChoice;

async fn prepare(bench: &Bench, args: Value) -> Result<EffectCard, ToolResult> {
    let context = context(bench);
    match Shell::new(Arc::clone(&bench.sandbox), Hosts::default()).prepare(&context, &args).await? {
        Prepared::Effect(card) => Ok(*card),
        other => panic!("{other:?}"),
    }
}

fn context(bench: &Bench) -> ToolContext {
    ToolContext {
        run: RunId(uuid::Uuid::nil()),
        agent: "dev".to_owned(),
        caller: Caller::Agent,
        workspace: Some(bench.workspace()),
        inputs: Default::default(),
    }
}

async fn perform(bench: &Bench, card: &EffectCard, args: &Value) -> ToolResult {
    let (context, sink) = (context(bench), Sink::default());
    let invocation =
        Invocation { context: &context, call: CallNo(1), args, card, output: &sink, cancel: bench.cancel.clone() };
    Shell::new(Arc::clone(&bench.sandbox), Hosts::default()).perform(invocation).await
}

#[tokio::test]
async fn a_call_is_what_its_card_says() {
    for rung in rungs() {
        let bench = Bench::new(rung);
        std::fs::create_dir(bench.root().join("src")).unwrap();
        let args = json!({"argv": ["pwd"], "cwd": "src"});
        let card = prepare(&bench, args.clone()).await.unwrap();
        assert_eq!(card, prepare(&bench, args.clone()).await.unwrap(), "{rung:?}: the same call has the same card");
        assert_eq!(card.confinement, bench.sandbox.rung().await.name());
        let Payload::Exec { argv, cwd, env } = &card.payload else { panic!("{card:?}") };
        assert_eq!((argv[0].raw(), argv.len(), env.len()), ("pwd", 1, 0));
        assert_eq!(cwd.raw(), bench.root().join("src").display().to_string());
        let result = perform(&bench, &card, &args).await;
        assert_eq!(result.output.head.raw().trim(), cwd.raw(), "{rung:?}");
        assert!(result.succeeded() && result.summary.raw().starts_with("exit 0"), "{rung:?}: {result:?}");
    }
}

#[tokio::test]
async fn a_failing_program_is_a_failure_with_its_output() {
    let bench = Bench::new(rungs()[0]);
    let args = json!({"argv": ["sh", "-c", "echo why; exit 9"]});
    let card = prepare(&bench, args.clone()).await.unwrap();
    assert_eq!(card.facts["uninspectable"], true);
    let result = perform(&bench, &card, &args).await;
    assert_eq!(result.failure, Some(FailureKind::Failed));
    assert!(result.summary.raw().starts_with("exit 9") && result.output.head.raw() == "why\n");
}

#[tokio::test]
async fn calls_that_make_no_sense_are_answered_before_anybody_is_asked() {
    let bench = Bench::new(rungs()[0]);
    for args in [
        json!({}),
        json!({"argv": []}),
        json!({"argv": [""]}),
        json!({"argv": "ls -l"}),
        json!({"argv": ["ls", "\0"]}),
        json!({"argv": ["ls"], "cwd": ".."}),
        json!({"argv": ["ls"], "cwd": "/etc"}),
        json!({"argv": ["ls"], "cwd": "missing"}),
    ] {
        let refused = prepare(&bench, args.clone()).await.unwrap_err();
        assert_eq!(refused.failure, Some(FailureKind::BadCall), "{args}");
    }
}

#[tokio::test]
async fn without_a_rung_there_is_no_card_and_an_old_card_does_not_run() {
    let refusing = Bench::new(RungChoice::Refuse);
    let args = json!({"argv": ["touch", "ran"]});
    let refused = prepare(&refusing, args.clone()).await.unwrap_err();
    assert_eq!(refused.failure, Some(FailureKind::Unconfined));
    let card = prepare(&Bench::new(rungs()[0]), args.clone()).await.unwrap();
    let result = perform(&refusing, &card, &args).await;
    assert_eq!(result.failure, Some(FailureKind::Unconfined));
    assert!(!refusing.root().join("ran").exists());
}

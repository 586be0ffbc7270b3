//! The story that demos are recorded from, played through with made-up tool results: the script keeps to what
//! tools and people answer, by native calls and by forced ones.

use std::process::Command;

use morningai::domain::{Message, OutputShape, RequestedCall, ToolSpec};
use morningai::models::CallStyle;
use morningai::ports::{Model, ModelRequest};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::models::{Seen, request, router, settings, tool};
use crate::support::scripted_model::{ScriptedModel, story};

const TOOLS: [&str; 9] = [
    "list_files",
    "read_file",
    "edit_file",
    "write_file",
    "run_tests",
    "git_commit",
    "git_push",
    "mark_step",
    "finish",
];

/// Plays to `finish` and gives back the calls, progress marks aside.
async fn play(style: CallStyle, result: impl Fn(&str, usize) -> &'static str) -> Vec<RequestedCall> {
    let server = ScriptedModel::start(story::fix_the_failing_test());
    let mut settings = settings(&server);
    settings.models.get_mut("default").unwrap().calls = style;
    let router = router(settings);
    let tools: Vec<ToolSpec> = TOOLS.iter().map(|name| tool(name, json!({ "type": "object" }))).collect();
    let mut messages = vec![Message::User("make the failing test pass".to_owned())];
    let mut played: Vec<RequestedCall> = Vec::new();
    while played.last().is_none_or(|call| call.tool != "finish") {
        assert!(played.len() < 20, "the story does not end: {played:?}");
        let request = ModelRequest { messages: messages.clone(), tools: tools.clone(), ..request() };
        let reply = router.complete(request, &Seen::default(), CancellationToken::new()).await.unwrap();
        let (text, calls, carried) = (reply.text.raw().to_owned(), reply.calls.clone(), reply.carried.clone());
        messages.push(Message::Assistant { text, calls, carried });
        for call in reply.calls {
            let times = played.iter().filter(|earlier| earlier.tool == call.tool).count();
            let text = result(&call.tool, times).to_owned();
            messages.push(Message::Tool { provider_id: call.provider_id.clone(), tool: call.tool.clone(), text });
            if call.tool != "mark_step" {
                played.push(call);
            }
        }
    }
    played
}

fn names(calls: &[RequestedCall]) -> Vec<&str> {
    calls.iter().map(|call| call.tool.as_str()).collect()
}

#[tokio::test]
async fn it_ends_with_a_push_by_native_and_by_forced_calls() {
    for style in [CallStyle::Native, CallStyle::Schema] {
        let calls =
            play(style, |tool, times| if (tool, times) == ("run_tests", 0) { "failed: 1 failed" } else { "ok: done" })
                .await;
        let expected =
            ["list_files", "read_file", "run_tests", "edit_file", "run_tests", "git_commit", "git_push", "finish"];
        assert_eq!(names(&calls), expected);
        assert_eq!(calls.last().unwrap().args["outcome"], json!("succeeded"));
    }
}

#[tokio::test]
async fn a_denied_push_leads_another_way() {
    let calls = play(CallStyle::Native, |tool, times| match (tool, times) {
        ("run_tests", 0) => "failed: 1 failed",
        ("git_push", _) => "denied: not on a Friday",
        _ => "ok: done",
    })
    .await;
    assert_eq!(names(&calls)[6..], ["git_push", "write_file", "git_commit", "finish"]);
    assert_eq!(calls.last().unwrap().args["outcome"], json!("succeeded"));
}

#[tokio::test]
async fn a_step_that_cannot_be_done_ends_it_as_failed() {
    let calls =
        play(CallStyle::Native, |tool, _| if tool == "edit_file" { "failed: no such text" } else { "ok: done" }).await;
    assert_eq!(
        calls.last().unwrap().args,
        json!({ "summary": "Stopped: edit_file did not work.", "outcome": "failed" })
    );
}

#[tokio::test]
async fn the_plan_follows_the_schema_it_is_asked_by() {
    let server = ScriptedModel::start(story::fix_the_failing_test());
    let shape = OutputShape::Json { name: "plan".to_owned(), schema: morningai::engine::plan_schema() };
    let request = ModelRequest { shape, tools: Vec::new(), ..request() };
    let reply = router(settings(&server)).complete(request, &Seen::default(), CancellationToken::new()).await.unwrap();
    let plan: Value = serde_json::from_str(reply.text.raw()).unwrap();
    assert_eq!(plan["steps"].as_array().unwrap().len(), 3);
    assert_eq!(plan["steps"][2]["after"], json!([2]));
}

#[test]
fn the_repository_is_clean_pushed_and_wrong_in_one_place() {
    let directory = tempfile::tempdir().unwrap();
    let work = story::repository(directory.path()).unwrap();
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(&work).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(git(&["status", "--porcelain"]), "");
    assert_eq!(git(&["rev-parse", "HEAD"]), git(&["rev-parse", "origin/main"]));
    let source = std::fs::read_to_string(work.join("src/lib.rs")).unwrap();
    assert_eq!(source.matches("/ 1_000;").count(), 1);
}

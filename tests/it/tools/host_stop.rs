//! Stopping a process of this machine: a real one that runs away, and none that the machine depends on.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use morningai::ports::Checked;
use serde_json::json;

use super::Bench;

/// A copy of a shell under a name of its own, that runs `script`.
fn runaway(bench: &Bench, name: &str, script: &str) -> Child {
    let program = bench.outer.path().join(name);
    std::fs::copy("/bin/sh", &program).unwrap();
    let child = Command::new(program).args(["-c", script]).stdout(Stdio::null()).spawn().unwrap();
    // Until its trap is set.
    std::thread::sleep(Duration::from_millis(200));
    child
}

fn wait(mut child: Child) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.signal();
        }
        assert!(Instant::now() < end, "it still runs");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_runs_away_is_named_on_the_card_and_gone_after_it() {
    let bench = Bench::plain();
    let args = json!({ "which": "busiest", "name": "runaway-busy" });
    let none = bench.prepare("stop_process", args.clone()).await.unwrap_err();
    assert!(none.succeeded() && none.summary.raw().contains("no process"), "{none:?}");

    let child = runaway(&bench, "runaway-busy", "while :; do :; done");
    let card = bench.prepare("stop_process", args.clone()).await.unwrap();
    assert_eq!(card.targets[0].raw(), format!("runaway-busy ({})", child.id()));
    let notices = card.facts["notices"].to_string();
    assert!(notices.contains("/runaway-busy") && !notices.contains("while"), "arguments may hold secrets: {notices}");
    assert_eq!(bench.check("stop_process", &card).await, Checked::DidNotHappen);
    bench.done("stop_process", args.clone()).await;
    assert_eq!(wait(child), Some(15));
    assert!(matches!(bench.check("stop_process", &card).await, Checked::Happened(_)));
    let result = bench.perform("stop_process", args, &card).await;
    assert!(result.summary.raw().contains("had already ended"), "another process may have its id now: {result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_does_not_end_when_asked_is_killed() {
    let bench = Bench::plain();
    let child = runaway(&bench, "runaway-deaf", "trap '' TERM; while :; do sleep 0.1; done");
    let result = bench.done("stop_process", json!({ "which": "largest", "name": "runaway-deaf" })).await;
    assert!(result.summary.raw().contains("was killed"), "{result:?}");
    assert_eq!(wait(child), Some(9));
}

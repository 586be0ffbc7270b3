//! The run_tests tool on real projects with the real runners, on every rung.

use std::fs;
use std::sync::Arc;

use morningai::domain::{CallNo, FailureKind, RunId, ToolResult};
use morningai::ports::{Caller, Invocation, Prepared, Tool, ToolContext};
use morningai::tools::run_tests::RunTests;
use serde_json::{Value, json};

use super::bench::{Bench, Sink, rungs};

async fn run_tests(bench: &Bench, args: Value) -> ToolResult {
    let tool = RunTests::new(Arc::clone(&bench.sandbox));
    let workspace = Some(bench.workspace());
    let context = ToolContext {
        run: RunId(uuid::Uuid::nil()),
        agent: "dev".to_owned(),
        caller: Caller::Agent,
        workspace,
        inputs: Default::default(),
    };
    let card = match tool.prepare(&context, &args).await {
        Ok(Prepared::Effect(card)) => card,
        Ok(other) => panic!("{other:?}"),
        Err(result) => return result,
    };
    let (sink, cancel) = (Sink::default(), bench.cancel.clone());
    let invocation = Invocation { context: &context, call: CallNo(1), args: &args, card: &card, output: &sink, cancel };
    tool.perform(invocation).await
}

fn write(bench: &Bench, name: &str, content: &str) {
    let path = bench.root().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

const LIBRARY: &str = "#[cfg(test)]
mod tests {
    #[test]
    fn adds() { assert_eq!(1 + 1, 2); }
    #[test]
    fn is_wrong() { assert_eq!(1 + 1, SUM); }
}
";

#[tokio::test]
async fn a_cargo_project_is_tested_fixed_and_broken() {
    for rung in rungs() {
        let bench = Bench::new(rung);
        write(
            &bench,
            "Cargo.toml",
            "[package]\nname = \"toy\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
        );
        write(&bench, "src/lib.rs", &LIBRARY.replace("SUM", "3"));
        let failing = run_tests(&bench, json!({})).await;
        assert_eq!(failing.failure, Some(FailureKind::Failed), "{rung:?}");
        assert_eq!(failing.summary.raw(), "1 passed, 1 failed", "{rung:?}: {failing:?}");
        let failure = &failing.data.unwrap()["failures"][0];
        assert_eq!((&failure["name"], &failure["location"]), (&json!("tests::is_wrong"), &json!("src/lib.rs:6")));
        let filtered = run_tests(&bench, json!({"filter": "adds"})).await;
        assert_eq!((filtered.failure, filtered.summary.raw()), (None, "1 passed, 0 failed"), "{rung:?}");
        let none = run_tests(&bench, json!({"filter": "nothing_is_called_this"})).await;
        assert_eq!((none.failure, none.summary.raw()), (Some(FailureKind::Failed), "no tests found"), "{rung:?}");
        write(&bench, "src/lib.rs", &LIBRARY.replace("SUM", "nonsense"));
        let broken = run_tests(&bench, json!({})).await;
        assert_eq!(broken.summary.raw(), "does not build, 1 error", "{rung:?}: {broken:?}");
        write(&bench, "src/lib.rs", &LIBRARY.replace("SUM", "2"));
        let fixed = run_tests(&bench, json!({})).await;
        assert_eq!((fixed.failure, fixed.summary.raw()), (None, "2 passed, 0 failed"), "{rung:?}");
    }
}

#[tokio::test]
async fn a_python_project_is_tested() {
    let content = "import unittest
class Sums(unittest.TestCase):
    def test_good(self): self.assertEqual(1, 1)
    def test_bad(self): self.assertEqual(1, 2)
";
    for rung in rungs() {
        let bench = Bench::new(rung);
        write(&bench, "tests/test_sums.py", content);
        let failing = run_tests(&bench, json!({})).await;
        assert_eq!(failing.summary.raw(), "1 passed, 1 failed", "{rung:?}: {failing:?}");
        let failure = &failing.data.unwrap()["failures"][0];
        assert_eq!(failure["location"], "tests/test_sums.py:4", "{rung:?}: {failure}");
        let good = run_tests(&bench, json!({"filter": "test_good", "path": "tests/test_sums.py"})).await;
        assert_eq!((good.failure, good.summary.raw()), (None, "1 passed, 0 failed"), "{rung:?}: {good:?}");
    }
}

#[tokio::test]
async fn a_node_project_is_tested() {
    let content = "const { test } = require('node:test');
const assert = require('node:assert');
test('good', () => assert.equal(1, 1));
test('bad', () => { assert.equal(1, 2); });
";
    for rung in rungs() {
        let bench = Bench::new(rung);
        write(&bench, "package.json", r#"{"name": "toy", "scripts": {"test": "node --test"}}"#);
        write(&bench, "sums.test.js", content);
        let failing = run_tests(&bench, json!({})).await;
        assert_eq!(failing.summary.raw(), "1 passed, 1 failed", "{rung:?}: {failing:?}");
        let failure = &failing.data.unwrap()["failures"][0];
        assert_eq!((&failure["name"], &failure["location"]), (&json!("bad"), &json!("sums.test.js:4")), "{rung:?}");
    }
}

#[tokio::test]
async fn a_workspace_without_tests_says_so_before_anything_runs() {
    let bench = Bench::new(rungs()[0]);
    let none = run_tests(&bench, json!({})).await;
    assert_eq!(none.failure, Some(FailureKind::Failed));
    assert!(none.summary.raw().contains("no tests found"), "{none:?}");
    let option = run_tests(&bench, json!({"filter": "--manifest-path=/etc"})).await;
    assert_eq!(option.failure, Some(FailureKind::BadCall));
    let outside = run_tests(&bench, json!({"path": "../.."})).await;
    assert_eq!(outside.failure, Some(FailureKind::BadCall));
}

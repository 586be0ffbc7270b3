//! The parsers on what the runners really print, kept in `golden/`, and what a run comes to from that.

use std::time::Duration;

use super::report::{Parser, TestReport};
use super::*;
use crate::domain::Output;

fn read(runner: Runner, text: &str) -> TestReport {
    let mut parser: Box<dyn Parser> = runner.parser();
    text.lines().for_each(|line| parser.line(line));
    parser.finish()
}

/// Counts, and each failure as `name | place | message`, on lines.
fn told(runner: Runner, text: &str) -> String {
    let report = read(runner, text);
    let mut told = format!("{} passed, {} failed, {} skipped\n", report.passed, report.failed, report.skipped);
    if let Some(problem) = &report.problem {
        told.push_str(&format!("problem: {problem}\n"));
    }
    for failure in &report.failures {
        let place = failure.location.as_deref().unwrap_or("-");
        told.push_str(&format!("{} | {place} | {}\n", failure.name, failure.message.replace('\n', " / ")));
    }
    told
}

#[test]
fn cargo() {
    insta::assert_snapshot!(told(Runner::Cargo, include_str!("golden/cargo_failing.txt")));
    insta::assert_snapshot!(told(Runner::Cargo, include_str!("golden/cargo_broken.txt")));
    insta::assert_snapshot!(told(Runner::Cargo, include_str!("golden/cargo_abort.txt")));
}

#[test]
fn python() {
    insta::assert_snapshot!(told(Runner::Pytest, include_str!("golden/pytest_failing.txt")));
    insta::assert_snapshot!(told(Runner::Pytest, include_str!("golden/pytest_broken.txt")));
    insta::assert_snapshot!(told(Runner::Unittest, include_str!("golden/unittest_failing.txt")));
}

#[test]
fn npm() {
    insta::assert_snapshot!(told(Runner::Npm, include_str!("golden/jest_failing.txt")));
    insta::assert_snapshot!(told(Runner::Npm, include_str!("golden/vitest_failing.txt")));
    insta::assert_snapshot!(told(Runner::Npm, include_str!("golden/mocha_failing.txt")));
    insta::assert_snapshot!(told(Runner::Npm, include_str!("golden/node_tap_failing.txt")));
    insta::assert_snapshot!(told(Runner::Npm, include_str!("golden/node_spec_failing.txt")));
}

#[test]
fn go() {
    insta::assert_snapshot!(told(Runner::Go, include_str!("golden/go_failing.txt")));
}

fn summary(ending: Ending, report: &TestReport) -> (Option<FailureKind>, String) {
    let finished = Finished { ending, output: Output::default(), took: Duration::ZERO, left: None };
    let result = result(Runner::Cargo, finished, report);
    (result.failure, result.summary.raw().to_owned())
}

#[test]
fn a_run_without_tests_is_no_success() {
    let (failure, summary) =
        summary(Ending::Exited(0), &read(Runner::Cargo, "running 0 tests\ntest result: ok. 0 passed; 0 failed"));
    assert_eq!((failure, summary.as_str()), (Some(FailureKind::Failed), "no tests found"));
}

#[test]
fn the_summary_is_the_count() {
    let report = TestReport { passed: 14, failed: 1, ..TestReport::default() };
    assert_eq!(summary(Ending::Exited(101), &report), (Some(FailureKind::Failed), "14 passed, 1 failed".to_owned()));
    let fine = TestReport { passed: 3, skipped: 2, ..TestReport::default() };
    assert_eq!(summary(Ending::Exited(0), &fine), (None, "3 passed, 0 failed, 2 skipped".to_owned()));
}

#[test]
fn a_bad_exit_is_believed_over_good_counts() {
    let fine = TestReport { passed: 3, ..TestReport::default() };
    let (failure, summary) = summary(Ending::Exited(1), &fine);
    assert_eq!((failure, summary.as_str()), (Some(FailureKind::Failed), "exit 1, after 3 passed, 0 failed"));
}

#[test]
fn rubbish_is_read_without_harm() {
    for runner in [Runner::Cargo, Runner::Go, Runner::Npm, Runner::Pytest, Runner::Unittest] {
        let report = read(
            runner,
            "----  stdout ----\n\u{0}\nerror[\n{\"Action\":3}\nFAILED (failures=x)\n  ● \n  1) \n(\n)\n: \n::",
        );
        assert_eq!(report.total(), 0, "{runner:?}");
    }
}

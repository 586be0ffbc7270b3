//! Reads `cargo test`: what libtest prints, and what keeps it from being reached.

use super::report::{Parser, TestFailure, TestReport, count_before, file_and_line};

/// Most lines of one failing test's output that are looked at.
const LONGEST_BLOCK: usize = 400;
/// Most lines of a panic's message.
const LONGEST_PANIC: usize = 10;

#[derive(Default)]
pub(super) struct Cargo {
    report: TestReport,
    /// Tests of the program that is running, in case it never gets to its own count.
    running: Option<TestReport>,
    /// The failing test whose output is being read.
    block: Option<(String, Vec<String>)>,
    /// Errors of the compiler or of cargo itself.
    errors: Vec<TestFailure>,
    could_not_compile: bool,
    /// The program that just ended early; the reason follows.
    ended_early: bool,
}

impl Parser for Cargo {
    fn line(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            self.end_block();
            self.block = Some((name.to_owned(), Vec::new()));
        } else if line.starts_with("test result: ") {
            self.end_program(line);
        } else if line == "failures:" {
            self.end_block();
        } else if let Some((_, lines)) = &mut self.block {
            if lines.len() < LONGEST_BLOCK {
                lines.push(line.to_owned());
            }
        } else {
            self.outside_block(line);
        }
    }

    fn finish(&mut self) -> TestReport {
        self.end_block();
        let mut report = std::mem::take(&mut self.report);
        let count = self.errors.len();
        if self.could_not_compile {
            report.problem = Some(format!("does not build, {count} error{}", if count == 1 { "" } else { "s" }));
        } else if let Some(first) = self.errors.first() {
            report.problem = Some(first.message.clone());
        }
        for error in std::mem::take(&mut self.errors) {
            report.push(error);
        }
        report
    }
}

impl Cargo {
    fn outside_block(&mut self, line: &str) {
        if line.starts_with("running ") && count_before(line, "test").or(count_before(line, "tests")).is_some() {
            self.running = Some(TestReport::default());
        } else if let (Some(running), Some((_, outcome))) =
            (&mut self.running, line.strip_prefix("test ").and_then(|test| test.rsplit_once(" ... ")))
        {
            match outcome.split(',').next() {
                Some("ok") => running.passed += 1,
                Some("FAILED") => running.failed += 1,
                Some("ignored") => running.skipped += 1,
                _ => {}
            }
        } else if let Some(rest) = line.strip_prefix("error: test failed, to rerun pass ") {
            self.end_early(rest.trim_matches('`'));
        } else if self.ended_early && line.contains("process didn't exit successfully") {
            let reason = line.rsplit_once('(').map_or(line, |(_, reason)| reason.trim_end_matches(')'));
            if let Some(failure) = self.report.failures.last_mut() {
                failure.message = format!("the test program ended early: {reason}");
            }
            self.ended_early = false;
        } else {
            self.build_line(line);
        }
    }

    fn build_line(&mut self, line: &str) {
        const ABOUT_OTHERS: [&str; 3] = ["error: aborting due to", "error: test failed", "error: doctest failed"];
        if line.starts_with("error: could not compile") {
            self.could_not_compile = true;
        } else if line.starts_with("error: ") && line.trim_end().ends_with("failed:") {
            // The list of programs with failing tests, which are known already.
        } else if ABOUT_OTHERS.iter().any(|about| line.starts_with(about)) {
        } else if line.starts_with("error: ") || line.starts_with("error[") {
            let message = line.strip_prefix("error: ").unwrap_or(line).to_owned();
            self.errors.push(TestFailure { name: "build".to_owned(), message, location: None });
        } else if let (Some(place), Some(error)) = (line.trim_start().strip_prefix("--> "), self.errors.last_mut()) {
            error.location = error.location.take().or_else(|| file_and_line(place));
        }
    }

    fn end_program(&mut self, result: &str) {
        self.end_block();
        self.running = None;
        self.report.passed += count_before(result, "passed").unwrap_or(0);
        self.report.failed += count_before(result, "failed").unwrap_or(0);
        self.report.skipped += count_before(result, "ignored").unwrap_or(0);
    }

    /// A program that was started and never counted: it crashed, and counts as one failure.
    fn end_early(&mut self, target: &str) {
        let Some(running) = self.running.take() else { return };
        self.report.passed += running.passed;
        self.report.failed += running.failed + 1;
        self.report.skipped += running.skipped;
        let message = "the test program ended early".to_owned();
        self.report.push(TestFailure { name: target.to_owned(), message, location: None });
        self.ended_early = true;
    }

    fn end_block(&mut self) {
        let Some((name, lines)) = self.block.take() else { return };
        let panicked = lines.iter().position(|line| line.contains("panicked at "));
        let (message, location) = match panicked {
            Some(at) => panic(&lines[at..]),
            None => (first_words(&lines), lines.iter().find_map(|line| file_and_line(line.rsplit_once(" at ")?.1))),
        };
        self.report.push(TestFailure { name, message, location });
    }
}

/// The message stands on the lines after `thread 'x' panicked at file:line:column:`.
fn panic(lines: &[String]) -> (String, Option<String>) {
    let location = lines[0].split_once("panicked at ").and_then(|(_, place)| file_and_line(place));
    let ends = |line: &&String| !line.starts_with("note: ") && !line.starts_with("stack backtrace:");
    let message: Vec<_> = lines[1..].iter().take_while(ends).take(LONGEST_PANIC).map(String::as_str).collect();
    (message.join("\n"), location)
}

/// What a test without a panic says: the error it returned, or the compiler's for a documentation test.
fn first_words(lines: &[String]) -> String {
    let telling = lines.iter().find(|line| line.starts_with("error") || line.starts_with("Error"));
    telling.or_else(|| lines.iter().find(|line| !line.trim().is_empty())).cloned().unwrap_or_default()
}

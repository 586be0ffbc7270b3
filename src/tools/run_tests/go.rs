//! Reads `go test -json`: one event a line, and plain lines from the compiler of older versions.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::report::{Parser, TestFailure, TestReport, file_and_line};

#[derive(Default)]
pub(super) struct Go {
    report: TestReport,
    /// Output of tests that have not ended, by package and name.
    output: HashMap<(String, String), Vec<String>>,
    /// Tests that have subtests; only the innermost count.
    parents: HashSet<(String, String)>,
    /// Errors of the compiler.
    errors: Vec<TestFailure>,
}

/// As `go doc test2json` describes it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Event {
    action: String,
    package: String,
    test: String,
    output: String,
}

/// Most lines of output remembered for one test.
const LONGEST_OUTPUT: usize = 200;

impl Parser for Go {
    fn line(&mut self, line: &str) {
        let Ok(event) = serde_json::from_str::<Event>(line) else { return self.compiler_line(line) };
        let key = (event.package, event.test);
        match event.action.as_str() {
            "build-output" => self.compiler_line(event.output.trim_end()),
            "output" if !key.1.is_empty() => {
                let lines = self.output.entry(key).or_default();
                if lines.len() < LONGEST_OUTPUT {
                    lines.push(event.output.trim_end().to_owned());
                }
            }
            "pass" | "fail" | "skip" if !key.1.is_empty() => self.end_test(&event.action, key),
            _ => {}
        }
    }

    fn finish(&mut self) -> TestReport {
        let mut report = std::mem::take(&mut self.report);
        let count = self.errors.len();
        if count > 0 {
            report.problem = Some(format!("does not build, {count} error{}", if count == 1 { "" } else { "s" }));
        }
        for error in std::mem::take(&mut self.errors) {
            report.push(error);
        }
        report
    }
}

impl Go {
    /// `./sum.go:5:2: undefined: nope`
    fn compiler_line(&mut self, line: &str) {
        let Some((place, message)) = line.split_once(": ") else { return };
        if let Some(location) = file_and_line(place).filter(|place| place.contains(".go:")) {
            let failure =
                TestFailure { name: "build".to_owned(), message: message.to_owned(), location: Some(location) };
            self.errors.push(failure);
        }
    }

    fn end_test(&mut self, action: &str, key: (String, String)) {
        let lines = self.output.remove(&key).unwrap_or_default();
        if self.parents.remove(&key) {
            return;
        }
        let (package, name) = key;
        if let Some((parent, _)) = name.rsplit_once('/') {
            self.parents.insert((package.clone(), parent.to_owned()));
        }
        match action {
            "pass" => self.report.passed += 1,
            "skip" => self.report.skipped += 1,
            _ => {
                self.report.failed += 1;
                // Frames of the runner itself begin with signs; what the test says is indented.
                let said =
                    lines.iter().filter(|line| line.starts_with("    ") && !line.trim_start().starts_with("---"));
                let said: Vec<_> = said.map(|line| line.trim()).collect();
                let split = said.first().and_then(|line| line.split_once(": "));
                let location = split.and_then(|(place, _)| file_and_line(place));
                let mut message = said.join("\n");
                if let (Some(_), Some((_, rest))) = (&location, message.split_once(": ")) {
                    message = rest.to_owned();
                }
                self.report.push(TestFailure { name: format!("{package}.{name}"), message, location });
            }
        }
    }
}

//! Reads pytest, run with `--tb=short -rfE`: the short summary names the failures, the sections before it say where.

use std::collections::HashMap;

use super::report::{Parser, TestFailure, TestReport, count_before};

#[derive(Default)]
pub(super) struct Pytest {
    report: TestReport,
    /// What the sections of failures said, by their headings.
    sections: HashMap<String, Section>,
    heading: String,
    in_summary: bool,
}

#[derive(Default)]
struct Section {
    location: Option<String>,
    errors: Vec<String>,
}

/// Most sections remembered, and most error lines of each: more are not named anyway.
const MOST_SECTIONS: usize = 200;
const MOST_ERRORS: usize = 6;

impl Parser for Pytest {
    fn line(&mut self, line: &str) {
        let bare = line.trim_matches(|c| c == '=' || c == ' ');
        if line.starts_with('=') && bare == "short test summary info" {
            self.in_summary = true;
        } else if is_final(line, bare) {
            self.report.passed =
                ["passed", "xfailed", "xpassed"].iter().filter_map(|word| count_before(bare, word)).sum();
            self.report.failed = ["failed", "error", "errors"].iter().filter_map(|word| count_before(bare, word)).sum();
            self.report.skipped = count_before(bare, "skipped").unwrap_or(0);
        } else if self.in_summary {
            self.summary_line(line);
        } else if let Some(heading) = heading(line) {
            self.heading = heading.to_owned();
        } else if line.ends_with("No module named pytest") {
            self.report.problem = Some("pytest is not installed for this Python".to_owned());
        } else {
            self.section_line(line);
        }
    }

    fn finish(&mut self) -> TestReport {
        std::mem::take(&mut self.report)
    }
}

impl Pytest {
    fn section_line(&mut self, line: &str) {
        if self.heading.is_empty() || self.sections.len() >= MOST_SECTIONS {
            return;
        }
        let section = self.sections.entry(self.heading.clone()).or_default();
        if let Some(error) = line.strip_prefix("E  ") {
            if section.errors.len() < MOST_ERRORS {
                section.errors.push(error.trim().to_owned());
            }
        } else if let Some(place) = place(line) {
            // The innermost frame comes last; library code has absolute paths and is not where to look.
            section.location = Some(place);
        }
    }

    fn summary_line(&mut self, line: &str) {
        let rest = ["FAILED ", "ERROR "].iter().find_map(|word| line.strip_prefix(word));
        let Some(rest) = rest else { return };
        let (name, message) = rest.split_once(" - ").unwrap_or((rest, ""));
        // `tests/test_a.py::TestX::test_b` has the heading `TestX.test_b`; a file that cannot be read, its path.
        let heading = name.split_once("::").map_or(name.to_owned(), |(_, inner)| inner.replace("::", "."));
        let section = self.sections.get(&heading);
        let told = section.map(|section| section.errors.join("\n")).filter(|told| !told.is_empty());
        let location = section.and_then(|section| section.location.clone());
        let message = told.unwrap_or_else(|| message.to_owned());
        self.report.push(TestFailure { name: name.to_owned(), message, location });
    }
}

/// `=== 3 failed, 2 passed in 0.19s ===`, with or without the signs around.
fn is_final(line: &str, bare: &str) -> bool {
    let begins = bare.starts_with(|c: char| c.is_ascii_digit()) || bare.starts_with("no tests ran");
    let seconds = bare.rsplit_once(" in ").is_some_and(|(_, time)| time.starts_with(|c: char| c.is_ascii_digit()));
    begins && seconds && (line.starts_with('=') || line == bare)
}

/// The test of `____ TestCart.test_total ____`, also in `ERROR at setup of …` and `ERROR collecting …`.
fn heading(line: &str) -> Option<&str> {
    let bare = line.strip_prefix("___")?.strip_suffix("___")?.trim_matches('_').trim();
    let kinds = ["ERROR at setup of ", "ERROR at teardown of ", "ERROR collecting "];
    let name = kinds.iter().find_map(|kind| bare.strip_prefix(kind)).unwrap_or(bare);
    (!name.is_empty()).then_some(name)
}

/// `tests/test_a.py:5` of `tests/test_a.py:5: in test_b`.
fn place(line: &str) -> Option<String> {
    let (place, _) = line.split_once(": in ")?;
    let (file, number) = place.rsplit_once(':')?;
    let relative = !file.starts_with(['/', ' ']) && number.bytes().all(|byte| byte.is_ascii_digit());
    relative.then(|| place.to_owned())
}

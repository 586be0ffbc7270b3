//! Reads Node's own runner in both of its forms: TAP, and the `spec` of a terminal.

use super::stack::frame;
use crate::tools::run_tests::report::{Parser, TestFailure, TestReport, file_and_line};

#[derive(Default)]
pub(super) struct Node {
    report: TestReport,
    failure: Option<TestFailure>,
    form: Form,
    /// The place of the failure whose name is on the next line of the list.
    place: Option<String>,
}

/// Where in which form of output the line is.
#[derive(Default, PartialEq, Eq)]
enum Form {
    #[default]
    Elsewhere,
    /// In the details of a TAP line.
    Details,
    /// In details whose message begins on the next line.
    Message,
    /// In the list of failures at the end.
    List,
}

impl Parser for Node {
    fn line(&mut self, line: &str) {
        let text = line.trim();
        if let Some(count) = text.strip_prefix("# ").or_else(|| text.strip_prefix("ℹ ")) {
            self.count(count);
        } else if let Some(test) = text.strip_prefix("not ok ") {
            self.end_failure();
            let name = test.split_once(" - ").map_or(test, |(_, name)| name).to_owned();
            self.failure = Some(TestFailure { name, ..TestFailure::default() });
            self.form = Form::Details;
        } else if text == "✖ failing tests:" {
            self.end_failure();
            self.form = Form::List;
        } else {
            match self.form {
                Form::Elsewhere => {}
                Form::Details | Form::Message => self.detail(text),
                Form::List => self.list_line(line, text),
            }
        }
    }

    fn finish(&mut self) -> TestReport {
        self.end_failure();
        std::mem::take(&mut self.report)
    }
}

impl Node {
    fn count(&mut self, count: &str) {
        let Some((word, number)) = count.split_once(' ') else { return };
        let Ok(number) = number.parse::<u64>() else { return };
        match word {
            "pass" => self.report.passed = number,
            "fail" | "cancelled" => self.report.failed += number,
            "skipped" | "todo" => self.report.skipped += number,
            _ => {}
        }
    }

    fn detail(&mut self, text: &str) {
        let Some(failure) = &mut self.failure else { return };
        if text == "..." {
            self.end_failure();
        } else if text == "failureType: 'subtestsFailed'" {
            // A suite fails because a test of it did, which is told by itself.
            self.failure = None;
        } else if let Some(place) = text.strip_prefix("location: ") {
            failure.location = file_and_line(place.trim_matches('\''));
        } else if let Some(message) = text.strip_prefix("error: ") {
            failure.message = message.trim_matches('\'').to_owned();
            if message.starts_with('|') {
                self.form = Form::Message;
            }
        } else if self.form == Form::Message && !text.is_empty() {
            failure.message = text.to_owned();
            self.form = Form::Details;
        }
    }

    fn list_line(&mut self, line: &str, text: &str) {
        if let Some(place) = line.strip_prefix("test at ") {
            self.end_failure();
            self.place = file_and_line(place);
        } else if let Some(name) = line.strip_prefix("✖ ") {
            // The time it took stands behind the name.
            let name = name.rsplit_once(" (").map_or(name, |(name, _)| name).to_owned();
            let location = self.place.take();
            self.failure = Some(TestFailure { name, message: String::new(), location });
        } else if let Some(failure) = self.failure.as_mut().filter(|failure| failure.message.is_empty()) {
            failure.message = frame(line).map_or_else(|| text.to_owned(), |_| String::new());
        }
    }

    fn end_failure(&mut self) {
        if self.form != Form::List {
            self.form = Form::Elsewhere;
        }
        if let Some(failure) = self.failure.take() {
            self.report.push(failure);
        }
    }
}

//! Reads what `npm test` prints: whichever of Jest, Vitest, Mocha or Node's own runner the script starts. All four
//! listen; one of them recognises its counts.

mod jest;
mod mocha;
mod node;
mod vitest;

use super::report::{Parser, TestReport, file_and_line};

pub(super) struct Js(Vec<Box<dyn Parser>>);

impl Default for Js {
    fn default() -> Self {
        Self(vec![
            Box::<jest::Jest>::default(),
            Box::<vitest::Vitest>::default(),
            Box::<mocha::Mocha>::default(),
            Box::<node::Node>::default(),
        ])
    }
}

impl Parser for Js {
    fn line(&mut self, line: &str) {
        self.0.iter_mut().for_each(|parser| parser.line(line));
    }

    fn finish(&mut self) -> TestReport {
        let reports = self.0.iter_mut().map(|parser| parser.finish());
        reports.max_by_key(TestReport::total).unwrap_or_default()
    }
}

/// `file:line` of a stack's line (`at Object.toBe (a.test.js:5:23)`, `at a.test.js:5:23`), unless it is in Node or
/// in a package.
fn frame(line: &str) -> Option<String> {
    let rest = line.trim_start().strip_prefix("at ")?;
    let place = rest.rsplit_once('(').map_or(rest, |(_, place)| place);
    let place = place.trim_end_matches(['{', ' ']).trim_end_matches(')').trim_start_matches("file://");
    let elsewhere = place.starts_with("node:") || place.contains("node_modules/");
    if elsewhere { None } else { file_and_line(place) }
}

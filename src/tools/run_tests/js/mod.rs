//! Reads what `npm test` prints: whichever of Jest, Vitest, Mocha or Node's own runner the script starts. All four
//! listen; one of them recognises its counts.

mod jest;
mod mocha;
mod node;
mod stack;
mod vitest;

use super::report::{Parser, TestReport};

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

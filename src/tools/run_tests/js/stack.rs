//! Stack traces as Node writes them.

use crate::tools::run_tests::report::file_and_line;

/// `file:line` of a stack's line (`at Object.toBe (a.test.js:5:23)`, `at a.test.js:5:23`), unless it is in Node or
/// in a package.
pub(super) fn frame(line: &str) -> Option<String> {
    let rest = line.trim_start().strip_prefix("at ")?;
    let place = rest.rsplit_once('(').map_or(rest, |(_, place)| place);
    let place = place.trim_end_matches(['{', ' ']).trim_end_matches(')').trim_start_matches("file://");
    let elsewhere = place.starts_with("node:") || place.contains("node_modules/");
    if elsewhere { None } else { file_and_line(place) }
}

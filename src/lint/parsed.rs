//! A rule with its place and its expression, parsed.

use promql_parser::parser::{self, Expr};

use super::finding::{Finding, Remark};
use super::rule_file::{Group, Rule};
use crate::domain::Position;

/// Bytes of the longest expression that is parsed.
const LONGEST: usize = 64 * 1024;
/// How deep its brackets may be nested, and how many operators it may have: each may be a level of what is walked.
const DEEPEST: usize = 50;
const MOST_OPERATORS: usize = 300;

/// A rule and its expression.
pub struct Subject<'a> {
    pub rule: &'a Rule,
    pub expr: &'a Expr,
}

/// A rule with its place and its expression, or why that is none.
pub struct Parsed<'a> {
    pub file: &'a str,
    pub group: &'a Group,
    pub rule: &'a Rule,
    pub expr: Result<Expr, String>,
}

impl<'a> Parsed<'a> {
    pub fn new(file: &'a str, group: &'a Group, rule: &'a Rule) -> Self {
        Self { file, group, rule, expr: parse(&rule.expr.text) }
    }

    pub fn finding(&self, check: &'static str, remark: Remark) -> Finding {
        let Position { line, column } = remark.at;
        let (group, alert) = (self.group.name.clone(), self.rule.name.text.clone());
        let file = self.file.to_owned();
        Finding { file, line, column, group, alert, check, message: remark.message, advice: remark.advice }
    }
}

fn parse(text: &str) -> Result<Expr, String> {
    if text.len() > LONGEST {
        return Err(format!("it has more than {} KB", LONGEST / 1024));
    }
    let (mut quote, mut depth, mut operators) = (None, 0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(b'"' | b'\''), b'\\') => drop(bytes.next()),
            (Some(open), byte) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'' | b'`') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            (None, b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'=' | b'<' | b'>' | b'!') => operators += 1,
            (None, _) => {}
        }
        if depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
    }
    operators += text.split_whitespace().filter(|word| matches!(*word, "and" | "or" | "unless" | "atan2")).count();
    if operators > MOST_OPERATORS {
        return Err(format!("it has more than {MOST_OPERATORS} operators"));
    }
    parser::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_walked_too_deeply_is_not_parsed() {
        let repeated = |part: &str, last: &str| format!("{}{last}", part.repeat(5_000));
        for text in [
            repeated("-", "x"),
            repeated("a + ", "a"),
            repeated("a or ", "a"),
            repeated("(", ""),
            repeated("1 ^ ", "1"),
        ] {
            assert!(parse(&text).is_err(), "{text:.20}");
        }
        for text in [format!("{}a", "a + ".repeat(MOST_OPERATORS)), format!("a{{b=\"{}\"}}", "+(".repeat(1_000))] {
            assert!(parse(&text).is_ok(), "{text:.20}");
        }
    }
}

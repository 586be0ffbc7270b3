//! A rule with its place and its expression, parsed.

use promql_parser::parser::{self, Expr};

use super::finding::{Finding, Remark};
use super::rule_file::{Group, Rule};
use crate::domain::Position;

/// Bytes of the longest expression that is parsed, and how deep its brackets may be nested.
const LONGEST: usize = 64 * 1024;
const DEEPEST: usize = 100;

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
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
    }
    parser::parse(text)
}

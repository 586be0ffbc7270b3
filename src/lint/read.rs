//! Runs every check that needs no more than the files.

use promql_parser::parser::Expr;

use super::checks::{CHECKS, DOES_NOT_PARSE, Look};
use super::finding::{Finding, Remark};
use super::parsed::{Parsed, Subject};
use super::rule_file::{self, Alerts, Problem, Rule, RuleFile};
use crate::domain::{Position, SourceText};

/// Bytes of the largest file that is read.
pub const LARGEST_FILE: usize = 8 * 1024 * 1024;

/// The files, read.
pub struct Files {
    files: Vec<(String, RuleFile)>,
}

impl Files {
    pub fn read(sources: &[SourceText]) -> Self {
        Self { files: sources.iter().map(|source| (source.name.to_string(), rule_file::read(source))).collect() }
    }

    /// How many rules that alert there are.
    pub fn alerts(&self) -> usize {
        let rules = self.files.iter().flat_map(|(_, file)| &file.groups).flat_map(|group| &group.rules);
        rules.filter(|rule| rule.alerts == Alerts::Yes).count()
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = Parsed<'_>> {
        let groups = self.files.iter().flat_map(|(name, file)| file.groups.iter().map(move |group| (name, group)));
        groups.flat_map(|(name, group)| group.rules.iter().map(move |rule| Parsed::new(name, group, rule)))
    }

    /// What reading them says, by file and line.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<_> = self.files.iter().flat_map(|(name, file)| refused(name, file)).collect();
        let all: Vec<_> = self.rules().collect();
        for parsed in &all {
            match &parsed.expr {
                Err(problem) => findings.push(parsed.finding(DOES_NOT_PARSE, not_promql(parsed.rule, problem))),
                Ok(expr) if parsed.rule.alerts == Alerts::Yes => findings.extend(checked(parsed, expr)),
                Ok(_) => {}
            }
        }
        for check in CHECKS {
            if let Look::All(look) = check.look {
                findings.extend(look(&all).into_iter().map(|(number, remark)| all[number].finding(check.name, remark)));
            }
        }
        findings.sort_by(|one, other| one.place().cmp(&other.place()));
        findings
    }
}

fn checked(parsed: &Parsed<'_>, expr: &Expr) -> Vec<Finding> {
    let subject = Subject { rule: parsed.rule, expr };
    let mut findings = Vec::new();
    for check in CHECKS {
        if let Look::Rule(look) = check.look {
            findings.extend(look(&subject).into_iter().map(|remark| parsed.finding(check.name, remark)));
        }
    }
    findings
}

fn refused<'a>(file: &'a str, rules: &'a RuleFile) -> impl Iterator<Item = Finding> + 'a {
    rules.problems.iter().cloned().map(|Problem { at, group, alert, message, advice }| {
        let (file, Position { line, column }) = (file.to_owned(), at);
        Finding { file, line, column, group, alert, check: DOES_NOT_PARSE, message, advice }
    })
}

fn not_promql(rule: &Rule, problem: &str) -> Remark {
    let problem = problem.trim().replace('\n', " ");
    Remark::on_expr(rule, format!("this is not PromQL: {problem}"), "try it on the page of Prometheus itself")
}

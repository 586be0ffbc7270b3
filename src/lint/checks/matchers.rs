//! Matchers of selectors.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{Expr, VectorSelector};

use crate::lint::ast::{all, bare, fits, metric, selector, selectors};
use crate::lint::finding::Remark;
use crate::lint::parsed::Subject;

fn each<'a>(subject: &'a Subject<'_>) -> impl Iterator<Item = &'a Matcher> {
    selectors(subject.expr).into_iter().flat_map(|selector| &selector.matchers.matchers)
}

fn is_regex(matcher: &Matcher) -> bool {
    matches!(matcher.op, MatchOp::Re(_) | MatchOp::NotRe(_))
}

/// Text in which no character has a meaning of its own.
fn is_plain(value: &str) -> bool {
    value.chars().all(|c| c.is_alphanumeric() || "_-/: ,@".contains(c))
}

/// A regular expression that says no more than the text in it.
pub fn plain_regex(subject: &Subject<'_>) -> Vec<Remark> {
    let plain =
        each(subject).filter(|matcher| is_regex(matcher) && is_plain(&matcher.value) && !matcher.value.is_empty());
    let remark = |matcher: &Matcher| {
        let operator = if matches!(matcher.op, MatchOp::Re(_)) { "=" } else { "!=" };
        let (name, value) = (&matcher.name, &matcher.value);
        let message = format!(
            "`{name}{}{value:?}` is plain text; as a regular expression it must match the whole value",
            matcher.op
        );
        Remark::on_expr(
            subject.rule,
            message,
            format!("write {name}{operator}{value:?}, or {name}=~\".*{value}.*\" for a part of it"),
        )
    };
    plain.map(remark).collect()
}

/// A regular expression that is compared as text.
pub fn pattern_without_regex(subject: &Subject<'_>) -> Vec<Remark> {
    let is_pattern = |value: &str| {
        let status_class = value.len() == 3 && value.starts_with(|c: char| c.is_ascii_digit()) && value.ends_with("..");
        status_class || [".*", ".+", "[0-9]", "\\d"].iter().any(|part| value.contains(part)) || is_choice(value)
    };
    let wrong = each(subject).filter(|matcher| !is_regex(matcher) && is_pattern(&matcher.value));
    let remark = |matcher: &Matcher| {
        let operator = if matches!(matcher.op, MatchOp::Equal) { "=~" } else { "!~" };
        let (name, value) = (&matcher.name, &matcher.value);
        let message = format!("`{name}{}{value:?}` compares with that very text, not with a pattern", matcher.op);
        Remark::on_expr(subject.rule, message, format!("write {name}{operator}{value:?}"))
    };
    wrong.map(remark).collect()
}

/// Words with `|` between them.
fn is_choice(value: &str) -> bool {
    value.contains('|') && value.split('|').all(|word| !word.is_empty() && is_plain(word) && !word.contains(' '))
}

/// Whether a regular expression fits every text.
fn fits_all(pattern: &str) -> bool {
    matches!(pattern.trim_start_matches(['^', '(']).trim_end_matches(['$', ')']), ".*" | ".*.*" | "(?s).*")
}

/// Matchers of one label that no value satisfies.
pub fn matches_nothing(subject: &Subject<'_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for selector in selectors(subject.expr) {
        if let Some((message, label)) = contradiction(selector) {
            let advice = format!("leave out one of the matchers of `{label}`");
            remarks.push(Remark::on_expr(subject.rule, message, advice));
        }
    }
    remarks
}

fn contradiction(selector: &VectorSelector) -> Option<(String, String)> {
    let matchers = &selector.matchers.matchers;
    let shown = metric(selector).unwrap_or("the selector");
    if let Some(none) =
        matchers.iter().find(|matcher| matches!(matcher.op, MatchOp::NotRe(_)) && fits_all(&matcher.value))
    {
        return Some((
            format!("`{}!~{:?}` excludes every value, so `{shown}` selects nothing", none.name, none.value),
            none.name.clone(),
        ));
    }
    let equal = matchers.iter().filter(|matcher| matches!(matcher.op, MatchOp::Equal));
    for one in equal {
        let refuses = |other: &&Matcher| other.name == one.name && !fits(other, &one.value);
        if let Some(other) = matchers.iter().find(refuses) {
            let message =
                format!("no value of `{}` satisfies both {one} and {other}, so `{shown}` selects nothing", one.name);
            return Some((message, one.name.clone()));
        }
    }
    None
}

/// One that is there hides all that are not.
pub fn absent_of_several(subject: &Subject<'_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for expr in all(subject.expr) {
        let Expr::Call(call) = expr else { continue };
        if !matches!(call.func.name, "absent" | "absent_over_time") {
            continue;
        }
        let asked = call.args.args.first().and_then(|argument| selector(bare(argument)));
        let several = |matcher: &&Matcher| matches!(matcher.op, MatchOp::Re(_)) && is_choice(&matcher.value);
        for matcher in asked.into_iter().flat_map(|asked| &asked.matchers.matchers).filter(several) {
            let message = format!("{}() fires only when all of {:?} are gone at once", call.func.name, matcher.value);
            let name = asked.and_then(metric).unwrap_or("up");
            let each = |value: &str| format!("absent({name}{{{}={value:?}}})", matcher.name);
            let advice = matcher.value.split('|').take(3).map(each).collect::<Vec<_>>().join(" or ");
            remarks.push(Remark::on_expr(subject.rule, message, format!("ask for each: {advice}")));
        }
    }
    remarks
}

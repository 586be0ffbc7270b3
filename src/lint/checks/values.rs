//! Comparisons that are never or always true.

use promql_parser::parser::{BinaryExpr, Expr};

use crate::lint::ast::{all, bare, combines_sets, compares, filters, metric, number, selector, shown, threshold};
use crate::lint::bounds::{Bounds, Outcome, part_of_whole};
use crate::lint::finding::Remark;
use crate::lint::parsed::Subject;

/// Every comparison in the expression that nothing can satisfy.
pub fn never(subject: &Subject<'_>) -> Vec<Remark> {
    let comparisons = all(subject.expr).into_iter().filter_map(binary).filter(|binary| filters(binary));
    let never = comparisons.filter_map(|comparison| {
        let (left, operator, right) = threshold(comparison)?;
        (Bounds::of(left).compared(operator, right) == Outcome::Never).then(|| {
            let condition = format!("{} {operator} {right}", shown(left));
            Remark::on_expr(subject.rule, format!("`{condition}` is never true{}", why(left)), instead(left))
        })
    });
    never.collect()
}

fn binary(expr: &Expr) -> Option<&BinaryExpr> {
    match expr {
        Expr::Binary(binary) => Some(binary),
        _ => None,
    }
}

fn why(left: &Expr) -> &'static str {
    match () {
        () if counts(left) => ": a count of nothing is no result, not 0",
        () if has_filter(left) => ": what a comparison leaves out is no result, not 0",
        () if calls(left, "absent") || calls(left, "absent_over_time") => ": absent() is 1 or no result",
        () if is_share(left) => ": a part is at most the whole",
        () => "",
    }
}

fn instead(left: &Expr) -> String {
    match () {
        () if counts(left) || has_filter(left) => {
            format!("for \"there is none\", write absent(…), or ({}) or vector(0) before the comparison", shown(left))
        }
        () if calls(left, "absent") || calls(left, "absent_over_time") => "leave the comparison out".to_owned(),
        () if is_share(left) => "a share is between 0 and 1: write 0.05 for 5 %".to_owned(),
        () => "compare with a value that it can have".to_owned(),
    }
}

fn counts(expr: &Expr) -> bool {
    matches!(bare(expr), Expr::Aggregate(aggregate) if aggregate.op.to_string() == "count")
}

fn calls(expr: &Expr, name: &str) -> bool {
    matches!(bare(expr), Expr::Call(call) if call.func.name == name)
}

fn is_share(expr: &Expr) -> bool {
    let divides = |expr: &Expr| {
        binary(expr).is_some_and(|binary| binary.op.to_string() == "/" && part_of_whole(&binary.lhs, &binary.rhs))
    };
    all(expr).into_iter().any(divides)
}

fn has_filter(expr: &Expr) -> bool {
    all(expr).into_iter().filter_map(binary).any(filters)
}

/// Whether the result is there or not by itself, so that nothing need be compared.
fn says_by_being_there(expr: &Expr) -> bool {
    all(expr).into_iter().any(|expr| match expr {
        Expr::Call(call) => {
            matches!(call.func.name, "absent" | "absent_over_time" | "present_over_time" | "count_over_time")
        }
        Expr::Aggregate(aggregate) => matches!(aggregate.op.to_string().as_str(), "count" | "group"),
        Expr::Binary(binary) => filters(binary) || combines_sets(binary),
        other => selector(other).and_then(metric).is_some_and(|name| name.starts_with("ALERTS")),
    })
}

/// A condition that holds for whatever there is.
pub fn always(subject: &Subject<'_>) -> Vec<Remark> {
    let root = bare(subject.expr);
    let remark = |message: String, advice: &str| vec![Remark::on_expr(subject.rule, message, advice)];
    if let Expr::Binary(binary) = root
        && compares(binary)
    {
        if binary.return_bool() {
            let message = "with `bool` the result is 0 or 1 and always there, and an alert fires for whatever is there";
            return remark(message.to_owned(), "leave `bool` out");
        }
        let Some((left, operator, right)) = threshold(binary) else { return Vec::new() };
        if Bounds::of(left).compared(operator, right) != Outcome::Always || says_by_being_there(left) {
            return Vec::new();
        }
        if is_share(left) {
            let message = format!("each series is divided by itself, so `{}` is always 1", shown(left));
            return remark(message, "sum both sides first: sum(rate(part[5m])) / sum(rate(whole[5m]))");
        }
        return remark(
            format!("`{} {operator} {right}` is always true", shown(left)),
            "compare with a value that it rarely has",
        );
    }
    let is_constant =
        |expr: &Expr| matches!(expr, Expr::Call(call) if call.func.name == "vector") || number(expr).is_some();
    if says_by_being_there(root) || is_constant(root) {
        return Vec::new();
    }
    let message = "nothing is compared, so it fires for every series, also for those that are 0";
    remark(message.to_owned(), "add what it is to be compared with, such as > 0")
}

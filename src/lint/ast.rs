//! Walking an expression, and the small questions that several checks ask of one.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{BinaryExpr, Call, Expr, VectorSelector};
use regex::Regex;

/// The functions that turn a counter into how fast it grows.
pub const RATES: &[&str] = &["rate", "irate", "increase"];

/// The expression without the parentheses around it.
pub fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => bare(&paren.expr),
        other => other,
    }
}

/// The parts that an expression is directly made of.
pub fn parts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Aggregate(aggregate) => aggregate.param.as_deref().into_iter().chain([aggregate.expr.as_ref()]).collect(),
        Expr::Unary(unary) => vec![&unary.expr],
        Expr::Binary(binary) => vec![&binary.lhs, &binary.rhs],
        Expr::Paren(paren) => vec![&paren.expr],
        Expr::Subquery(subquery) => vec![&subquery.expr],
        Expr::Call(call) => call.args.args.iter().map(AsRef::as_ref).collect(),
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => Vec::new(),
    }
}

/// The expression and everything in it, outside first.
pub fn all(expr: &Expr) -> Vec<&Expr> {
    let mut found = vec![expr];
    let mut next = 0;
    while let Some(expr) = found.get(next).copied() {
        found.extend(parts(expr));
        next += 1;
    }
    found
}

/// Every selector in an expression, of instants and of ranges.
pub fn selectors(expr: &Expr) -> Vec<&VectorSelector> {
    all(expr).into_iter().filter_map(selector).collect()
}

/// The selector that an expression is, if it is one.
pub fn selector(expr: &Expr) -> Option<&VectorSelector> {
    match expr {
        Expr::VectorSelector(selector) => Some(selector),
        Expr::MatrixSelector(matrix) => Some(&matrix.vs),
        _ => None,
    }
}

/// The metric that a selector names.
pub fn metric(selector: &VectorSelector) -> Option<&str> {
    let by_label = || {
        let is_name = |matcher: &&Matcher| matcher.name == "__name__" && matches!(matcher.op, MatchOp::Equal);
        selector.matchers.matchers.iter().find(is_name).map(|matcher| matcher.value.as_str())
    };
    selector.name.as_deref().or_else(by_label)
}

/// As Prometheus matches: a regular expression fits the whole value.
pub fn fits(matcher: &Matcher, value: &str) -> bool {
    let whole = |regex: &Regex| {
        let anchored = Regex::new(&format!("^(?s:{})$", regex.as_str()));
        anchored.as_ref().unwrap_or(regex).is_match(value)
    };
    match &matcher.op {
        MatchOp::Equal => matcher.value == value,
        MatchOp::NotEqual => matcher.value != value,
        MatchOp::Re(regex) => whole(regex),
        MatchOp::NotRe(regex) => !whole(regex),
    }
}

/// The value of an expression that is made of numbers alone.
pub fn number(expr: &Expr) -> Option<f64> {
    match bare(expr) {
        Expr::NumberLiteral(number) => Some(number.val),
        Expr::Unary(unary) => number(&unary.expr).map(|value| -value),
        Expr::Binary(binary) => {
            let (left, right) = (number(&binary.lhs)?, number(&binary.rhs)?);
            match binary.op.to_string().as_str() {
                "+" => Some(left + right),
                "-" => Some(left - right),
                "*" => Some(left * right),
                "/" => Some(left / right),
                "^" => Some(left.powf(right)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether an expression is one number, not a set of series.
pub fn is_scalar(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => true,
        Expr::Unary(unary) => is_scalar(&unary.expr),
        Expr::Binary(binary) => is_scalar(&binary.lhs) && is_scalar(&binary.rhs),
        Expr::Call(call) => matches!(call.func.name, "scalar" | "time" | "pi"),
        _ => false,
    }
}

/// `>` and its like.
pub fn compares(binary: &BinaryExpr) -> bool {
    matches!(binary.op.to_string().as_str(), "==" | "!=" | ">" | "<" | ">=" | "<=")
}

/// A comparison that keeps what it is true for, so not one with `bool`.
pub fn filters(binary: &BinaryExpr) -> bool {
    compares(binary) && !binary.return_bool()
}

/// `and`, `or` and `unless`.
pub fn combines_sets(binary: &BinaryExpr) -> bool {
    matches!(binary.op.to_string().as_str(), "and" | "or" | "unless")
}

/// A comparison with a number, turned so that the number stands on the right.
pub fn threshold(binary: &BinaryExpr) -> Option<(&Expr, &'static str, f64)> {
    let operator = match binary.op.to_string().as_str() {
        "==" => "==",
        "!=" => "!=",
        ">" => ">",
        "<" => "<",
        ">=" => ">=",
        "<=" => "<=",
        _ => return None,
    };
    match (number(&binary.lhs), number(&binary.rhs)) {
        (None, Some(number)) => Some((&binary.lhs, operator, number)),
        (Some(number), None) => Some((&binary.rhs, turned(operator), number)),
        _ => None,
    }
}

fn turned(operator: &'static str) -> &'static str {
    match operator {
        ">" => "<",
        "<" => ">",
        ">=" => "<=",
        "<=" => ">=",
        same => same,
    }
}

/// The first argument of a call that is a set of series.
pub fn series_argument(call: &Call) -> Option<&Expr> {
    call.args.args.iter().map(AsRef::as_ref).find(|argument| !is_scalar(argument))
}

/// An expression as it may be shown on a line, cut where it is long.
pub fn shown(expr: &Expr) -> String {
    const LONGEST: usize = 120;
    let text = bare(expr).to_string();
    match text.len() <= LONGEST {
        true => text,
        false => format!("{}…", &text[..text.floor_char_boundary(LONGEST)]),
    }
}

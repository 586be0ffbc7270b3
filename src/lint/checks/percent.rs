//! Texts that speak of percentages, against what the expression gives.

use promql_parser::parser::{BinaryExpr, Expr};

use crate::lint::ast::{RATES, all, bare, metric, number, selectors, shown, threshold};
use crate::lint::bounds::Bounds;
use crate::lint::finding::Remark;
use crate::lint::parsed::Subject;
use crate::lint::yaml::Text;

/// A rate that is compared with a number, while the texts speak of per cent.
pub fn not_a_ratio(subject: &Subject<'_>) -> Vec<Remark> {
    if !texts(subject).any(|text| speaks_of_percent(&without_actions(&text.text))) {
        return Vec::new();
    }
    let Some((left, _, limit)) = comparison(subject.expr) else { return Vec::new() };
    let has_rate =
        all(left).into_iter().any(|expr| matches!(expr, Expr::Call(call) if RATES.contains(&call.func.name)));
    let is_plain = all(left).into_iter().all(|expr| match expr {
        Expr::Binary(_) | Expr::Subquery(_) | Expr::Unary(_) => false,
        Expr::Call(call) => RATES.contains(&call.func.name),
        _ => true,
    });
    // Seconds a second are a share of time.
    let of_time = |name: &str| name.contains("_seconds") || name.contains(':') || name.ends_with("_ratio");
    let names: Vec<_> = selectors(left).into_iter().filter_map(metric).collect();
    if !has_rate || !is_plain || names.is_empty() || names.iter().any(|name| of_time(name)) {
        return Vec::new();
    }
    let increases = all(left).into_iter().any(|expr| matches!(expr, Expr::Call(call) if call.func.name == "increase"));
    let unit = if increases { "" } else { " a second" };
    let message = format!("`{}` is a number of events{unit}, so {limit} is not a share of all of them", shown(left));
    let advice =
        format!("divide by the rate of all of them: sum(rate({0}{{…}}[5m])) / sum(rate({0}[5m])) > {limit}", names[0]);
    vec![Remark::on_expr(subject.rule, message, advice)]
}

/// Shares that are shown as if they were percentages, and the other way round.
pub fn wrong_percentage(subject: &Subject<'_>) -> Vec<Remark> {
    let Some((left, ..)) = comparison(subject.expr) else { return Vec::new() };
    let (is_hundredfold, is_share) = (multiplies_by_hundred(left), is_share(left));
    let mut remarks = Vec::new();
    for text in texts(subject) {
        let (made, followed) = shown_as(&text.text);
        if made && is_hundredfold {
            let message = "humanizePercentage multiplies by 100, and the expression has done so already";
            remarks.push(Remark::new(text.at, message, "leave out one of the two"));
        } else if followed && is_share {
            let message = "the value is a share between 0 and 1, and is shown with a % sign behind it";
            remarks.push(Remark::new(text.at, message, "write {{ $value | humanizePercentage }}"));
        }
    }
    remarks
}

fn texts<'a>(subject: &'a Subject<'_>) -> impl Iterator<Item = &'a Text> {
    subject.rule.annotations.iter().map(|(_, text)| text)
}

fn comparison(expr: &Expr) -> Option<(&Expr, &'static str, f64)> {
    match bare(expr) {
        Expr::Binary(binary) if binary.op.to_string() == "and" => comparison(&binary.lhs),
        Expr::Binary(binary) => threshold(binary),
        _ => None,
    }
}

fn multiplies_by_hundred(expr: &Expr) -> bool {
    let Expr::Binary(BinaryExpr { op, lhs, rhs, .. }) = bare(expr) else { return false };
    match op.to_string().as_str() {
        "*" => [lhs, rhs].into_iter().any(|side| number(side) == Some(100.0)),
        // 100 - share * 100
        "-" => number(lhs) == Some(100.0) && multiplies_by_hundred(rhs),
        _ => false,
    }
}

/// Proven to be between 0 and 1.
fn is_share(expr: &Expr) -> bool {
    let divides =
        all(expr).into_iter().any(|expr| matches!(expr, Expr::Binary(binary) if binary.op.to_string() == "/"));
    divides && Bounds::of(expr).is_within(0.0, 1.0)
}

/// Whether the value is made a percentage by the text; whether a % sign stands behind it as it is.
fn shown_as(text: &str) -> (bool, bool) {
    let (mut made, mut followed) = (false, false);
    for (at, _) in text.match_indices("{{") {
        let Some((action, rest)) = text[at + 2..].split_once("}}") else { break };
        if !action.contains("$value") && !action.contains(".Value") {
            continue;
        }
        let percent = action.contains("humanizePercentage");
        made |= percent;
        let computes = ["mul", "*", "multiply"].iter().any(|word| action.contains(word));
        followed |= !percent && !computes && rest.trim_start().starts_with('%');
    }
    (made, followed)
}

/// The text without what templates put into it.
fn without_actions(text: &str) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        left.push_str(before);
        left.push(' ');
        rest = after.split_once("}}").map_or("", |(_, behind)| behind);
    }
    left + rest
}

fn speaks_of_percent(text: &str) -> bool {
    let words = text.to_ascii_lowercase();
    let before_sign = words
        .match_indices('%')
        .any(|(at, _)| words[..at].trim_end().chars().next_back().is_some_and(|before| before.is_ascii_digit()));
    before_sign || words.contains("percent") || words.contains("per cent")
}

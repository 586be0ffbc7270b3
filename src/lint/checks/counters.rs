//! Counters and gauges, told apart by the conventions for names.

use promql_parser::parser::{BinaryExpr, Expr};

use crate::lint::ast::{RATES, all, bare, compares, metric, number, selector, selectors, shown, threshold};
use crate::lint::finding::Remark;
use crate::lint::parsed::Subject;

/// Ends of names of what goes up and down.
const GAUGES: &[&str] = &[
    "_free_bytes",
    "_avail_bytes",
    "_available_bytes",
    "_size_bytes",
    "_usage_bytes",
    "_resident_memory_bytes",
    "_virtual_memory_bytes",
    "_working_set_bytes",
    "_MemAvailable_bytes",
    "_MemFree_bytes",
    "_MemTotal_bytes",
    "_ratio",
    "_percent",
    "_celsius",
    "_info",
    "_timestamp_seconds",
    "_in_flight",
    "_in_progress",
    "_queue_length",
    "_queue_depth",
    "_utilization",
];

fn is_counter(name: &str) -> bool {
    name.ends_with("_total") && !name.contains(':')
}

fn is_gauge(name: &str) -> bool {
    let known =
        matches!(name, "up" | "node_load1" | "node_load5" | "node_load15" | "go_goroutines" | "process_open_fds");
    known || GAUGES.iter().any(|end| name.ends_with(end))
}

/// A number of events since the process started, compared as if it were of now.
pub fn without_rate(subject: &Subject<'_>) -> Vec<Remark> {
    // `x_total - x_total offset 5m` is an increase by hand.
    if selectors(subject.expr).into_iter().any(|selector| selector.offset.is_some() || selector.at.is_some()) {
        return Vec::new();
    }
    let mut remarks = Vec::new();
    for expr in all(subject.expr) {
        let Expr::Binary(binary) = expr else { continue };
        let Some((left, _, limit)) = threshold(binary).filter(|_| compares(binary)) else { continue };
        // More than none since the start is often what is meant.
        let Some(name) = plain_counter(left).filter(|_| limit != 0.0) else { continue };
        let message = match is_quotient(left) {
            true => format!("`{}` is the quotient since the processes started, not that of now", shown(left)),
            false => format!(
                "`{name}` only ever grows, so once it is past {limit} it stays there until its process restarts"
            ),
        };
        let advice = format!("compare what was added lately: increase({name}[15m]), or rate({name}[5m]) a second");
        remarks.push(Remark::on_expr(subject.rule, message, advice));
    }
    remarks
}

fn is_quotient(expr: &Expr) -> bool {
    matches!(bare(expr), Expr::Binary(BinaryExpr { op, .. }) if matches!(op.to_string().as_str(), "/" | "*"))
}

/// The counter whose value an expression gives, summed or divided but not as a rate.
fn plain_counter(expr: &Expr) -> Option<String> {
    match bare(expr) {
        Expr::VectorSelector(selector) => metric(selector).filter(|name| is_counter(name)).map(str::to_owned),
        Expr::Aggregate(aggregate) => match aggregate.op.to_string().as_str() {
            "sum" | "max" | "min" | "avg" | "topk" | "bottomk" => plain_counter(&aggregate.expr),
            _ => None,
        },
        Expr::Call(call)
            if matches!(call.func.name, "max_over_time" | "min_over_time" | "avg_over_time" | "last_over_time") =>
        {
            let range = call.args.args.first().and_then(|argument| selector(bare(argument)))?;
            metric(range).filter(|name| is_counter(name)).map(str::to_owned)
        }
        Expr::Binary(binary) if matches!(binary.op.to_string().as_str(), "/" | "*" | "+") => {
            match (plain_counter(&binary.lhs), plain_counter(&binary.rhs)) {
                (Some(counter), Some(_)) => Some(counter),
                (Some(counter), None) if number(&binary.rhs).is_some() => Some(counter),
                (None, Some(counter)) if number(&binary.lhs).is_some() => Some(counter),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Each fall of a gauge is taken for a restart.
pub fn rate_of_gauge(subject: &Subject<'_>) -> Vec<Remark> {
    let of = |expr: &Expr| {
        let (function, name) = ranged(expr)?;
        (RATES.contains(&function) && is_gauge(name)).then(|| {
            let message =
                format!("`{name}` goes up and down by its name, and {function}() takes each fall for a restart");
            Remark::on_expr(subject.rule, message, format!("write delta({name}[15m]) or deriv({name}[15m])"))
        })
    };
    all(subject.expr).into_iter().filter_map(of).collect()
}

/// A restart looks like a fall.
pub fn delta_of_counter(subject: &Subject<'_>) -> Vec<Remark> {
    let of = |expr: &Expr| {
        let (function, name) = ranged(expr)?;
        (matches!(function, "delta" | "idelta") && is_counter(name)).then(|| {
            let message = format!("{function}() of the counter `{name}` is below 0 after each restart");
            Remark::on_expr(subject.rule, message, format!("write increase({name}[5m])"))
        })
    };
    all(subject.expr).into_iter().filter_map(of).collect()
}

/// The function of a range, and the metric.
fn ranged(expr: &Expr) -> Option<(&str, &str)> {
    let Expr::Call(call) = expr else { return None };
    match bare(call.args.args.first()?) {
        Expr::MatrixSelector(matrix) => Some((call.func.name, metric(&matrix.vs)?)),
        _ => None,
    }
}

/// When one counter of the sum starts again, the sum falls by what it had.
pub fn rate_of_sum(subject: &Subject<'_>) -> Vec<Remark> {
    let of = |expr: &Expr| {
        let Expr::Call(call) = expr else { return None };
        let Expr::Subquery(subquery) = bare(call.args.args.first()?) else { return None };
        let Expr::Aggregate(aggregate) = bare(&subquery.expr) else { return None };
        let of_counter = selector(bare(&aggregate.expr)).and_then(metric).is_some_and(is_counter);
        (RATES.contains(&call.func.name) && aggregate.op.to_string() == "sum" && of_counter).then(|| {
            let message = format!("{}() of a sum jumps whenever one of the counters starts again", call.func.name);
            let advice = format!("take the rate first: sum(rate({}[5m]))", shown(&aggregate.expr));
            Remark::on_expr(subject.rule, message, advice)
        })
    };
    all(subject.expr).into_iter().filter_map(of).collect()
}

//! Ranges and `for`.

use std::time::Duration;

use promql_parser::parser::{BinaryExpr, Expr};

use crate::lint::ast::{RATES, all, bare, number, shown, threshold};
use crate::lint::finding::Remark;
use crate::lint::parsed::Subject;

/// How often most installations scrape.
const USUAL_INTERVAL: Duration = Duration::from_secs(15);

/// Functions that need two samples.
const OF_TWO: &[&str] = &["delta", "idelta", "deriv", "predict_linear", "changes", "resets"];

/// Ranges that seldom hold two samples.
pub fn range_too_short(subject: &Subject<'_>) -> Vec<Remark> {
    let short = all(subject.expr).into_iter().filter_map(|expr| {
        let Expr::Call(call) = expr else { return None };
        let Expr::MatrixSelector(matrix) = bare(call.args.args.first()?) else { return None };
        let needs_two = RATES.contains(&call.func.name) || OF_TWO.contains(&call.func.name);
        (needs_two && matrix.range < USUAL_INTERVAL * 2).then(|| {
            let message = format!(
                "{}() needs two samples, and {} s seldom hold two: {} s is a usual interval",
                call.func.name,
                matrix.range.as_secs_f64(),
                USUAL_INTERVAL.as_secs()
            );
            Remark::on_expr(subject.rule, message, "take four intervals at least: [1m], or [5m] for less noise")
        })
    });
    short.collect()
}

/// A condition that one event makes true for a while, shorter than it has to be true.
pub fn for_too_long(subject: &Subject<'_>) -> Vec<Remark> {
    let Some((hold, at)) = subject.rule.hold else { return Vec::new() };
    let Expr::Binary(comparison) = bare(subject.expr) else { return Vec::new() };
    let Some((left, operator, limit)) = threshold(comparison) else { return Vec::new() };
    let lasts = after_event(left, operator, limit).or_else(|| since(left, operator, limit));
    match lasts {
        Some(lasts) if hold >= lasts => {
            let message = format!(
                "`{}` is true for {} s after each event, which is not longer than the {} s of `for`",
                shown(subject.expr),
                lasts.as_secs(),
                hold.as_secs()
            );
            vec![Remark::new(at, message, "leave `for` out, or make the time in the expression longer than it")]
        }
        _ => Vec::new(),
    }
}

/// How long one change keeps `changes(x[5m]) > 0` true.
fn after_event(left: &Expr, operator: &str, limit: f64) -> Option<Duration> {
    let Expr::Call(call) = bare(left) else { return None };
    let Expr::MatrixSelector(matrix) = bare(call.args.args.first()?) else { return None };
    let any = matches!((operator, limit), (">", 0.0) | (">=", 1.0) | ("!=", 0.0));
    (any && matches!(call.func.name, "changes" | "resets")).then_some(matrix.range)
}

/// How long `time() - x < 300` stays true after the moment that `x` is.
fn since(left: &Expr, operator: &str, limit: f64) -> Option<Duration> {
    let Expr::Binary(BinaryExpr { op, lhs, rhs, .. }) = bare(left) else { return None };
    let is_time = matches!(bare(lhs), Expr::Call(call) if call.func.name == "time");
    let is_age = is_time && op.to_string() == "-" && number(rhs).is_none();
    (is_age && matches!(operator, "<" | "<=") && limit > 0.0 && limit < 1e9).then(|| Duration::from_secs_f64(limit))
}

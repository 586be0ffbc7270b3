//! `histogram_quantile` and its needs.

use promql_parser::parser::{Call, Expr};

use crate::lint::ast::{RATES, all, bare, metric, number, selector, selectors};
use crate::lint::finding::Remark;
use crate::lint::labels::{LabelSet, Presence};
use crate::lint::parsed::Subject;

/// Everything for which a quantile is empty, infinite or of something else.
pub fn bad_quantile(subject: &Subject<'_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for expr in all(subject.expr) {
        let problem = match expr {
            Expr::Call(call) if call.func.name == "histogram_quantile" => {
                out_of_range(call.args.args.first().map(AsRef::as_ref)).or_else(|| histogram(call))
            }
            Expr::Call(call) if call.func.name == "quantile_over_time" => {
                out_of_range(call.args.args.first().map(AsRef::as_ref))
            }
            Expr::Aggregate(aggregate) if aggregate.op.to_string() == "quantile" => {
                out_of_range(aggregate.param.as_deref())
            }
            _ => None,
        };
        remarks.extend(problem.map(|(message, advice)| Remark::on_expr(subject.rule, message, advice)));
    }
    remarks
}

fn out_of_range(quantile: Option<&Expr>) -> Option<(String, String)> {
    let value = quantile.and_then(number).filter(|value| !(0.0..=1.0).contains(value))?;
    let advice = if value > 1.0 && value <= 100.0 { format!("{}", value / 100.0) } else { "0.95".to_owned() };
    Some((format!("the quantile {value} is not between 0 and 1, so the result is infinite"), format!("write {advice}")))
}

fn histogram(call: &Call) -> Option<(String, String)> {
    let inner = call.args.args.get(1).map(|argument| bare(argument))?;
    let names: Vec<_> = selectors(inner).into_iter().filter_map(metric).collect();
    // What is recorded was made by a rule that is not here.
    let [name] = names.as_slice() else { return None };
    if name.contains(':') {
        return None;
    }
    let is_rate = |expr: &Expr| matches!(expr, Expr::Call(call) if RATES.contains(&call.func.name));
    let has_rate = all(inner).into_iter().any(is_rate);
    let by_le = "sum by (le) (rate(NAME_bucket[5m]))".replace("NAME", name.trim_end_matches("_bucket"));
    match name.ends_with("_bucket") {
        // A native histogram has no buckets by name, and its rate is one too.
        false if !has_rate && selector(inner).is_some() => Some((
            format!(
                "`{name}` is not a series of buckets, and no rate is taken of it, so the result is empty and the alert never fires"
            ),
            format!("write histogram_quantile(0.95, {by_le})"),
        )),
        true if LabelSet::of(inner).is_some_and(|set| set.presence("le") == Presence::Absent) => Some((
            "the label `le` is aggregated away, so the result is empty and the alert never fires".to_owned(),
            format!("keep it: {by_le}"),
        )),
        true if !has_rate => Some((
            "without a rate, the quantile is of everything since the process started, and hardly moves".to_owned(),
            format!("write {by_le}"),
        )),
        _ => None,
    }
}

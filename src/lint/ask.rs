//! What only a Prometheus knows: which metrics, labels and values there are, and what an expression gives.

mod answers;
mod joined;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{Expr, VectorSelector};

use super::ast::{RATES, all, bare, fits, metric, parts, selector};
use super::checks::{
    DOES_NOT_PARSE, JOINS_NOTHING, NO_SUCH_LABEL, NO_SUCH_METRIC, NO_SUCH_VALUE, NOT_A_COUNTER, QUERY_FAILS,
    TOO_FEW_SAMPLES,
};
use super::finding::{Finding, Remark};
use super::parsed::Parsed;
use super::read::Files;
use super::rule_file::Alerts;
use crate::domain::nearest;
use crate::feeds::{NoAnswer, Prometheus};
use answers::Answers;

/// Values of a label that are listed.
const MOST_VALUES: usize = 5;

type Remarks = Vec<(&'static str, Remark)>;

/// Adds to what reading the files said; and why it did not get to the end, if it did not.
pub async fn ask(files: &Files, prometheus: &Prometheus, read: Vec<Finding>) -> (Vec<Finding>, Option<String>) {
    let mut findings = read;
    let recorded: Vec<_> = files
        .rules()
        .filter(|parsed| parsed.rule.alerts == Alerts::No)
        .map(|parsed| parsed.rule.name.text.clone())
        .collect();
    let mut answers = Answers::new(prometheus, recorded);
    let mut trouble = None;
    for rule in files.rules().filter(|parsed| parsed.rule.alerts == Alerts::Yes) {
        match about(&rule, &mut answers, &mut findings).await {
            Ok(remarks) => findings.extend(remarks.into_iter().map(|(check, remark)| rule.finding(check, remark))),
            Err(reason) => {
                trouble = Some(reason);
                break;
            }
        }
    }
    findings.sort_by(|one, other| one.place().cmp(&other.place()));
    findings.dedup();
    (findings, trouble)
}

async fn about(rule: &Parsed<'_>, answers: &mut Answers<'_>, findings: &mut Vec<Finding>) -> Result<Remarks, String> {
    let remark = |message: String, advice: String| Remark::on_expr(rule.rule, message, advice);
    let is_here = |finding: &Finding, check| {
        finding.check == check && finding.file == rule.file && finding.line == rule.rule.expr.at.line
    };
    match answers.query(&rule.rule.expr.text).await {
        Ok(_) if rule.expr.is_err() => {
            // It knows its own language better than this program does.
            findings.retain(|finding| !is_here(finding, DOES_NOT_PARSE));
        }
        Ok(_) => {}
        Err(NoAnswer::Refused(_)) if rule.expr.is_err() => {}
        Err(NoAnswer::Refused(reason)) => {
            return Ok(vec![(
                QUERY_FAILS,
                remark(reason, "an expression that fails never fires: mend what the error names".to_owned()),
            )]);
        }
        Err(NoAnswer::Silent(reason)) => return Err(reason),
    }
    let Ok(expr) = &rule.expr else { return Ok(Vec::new()) };
    let mut remarks = Vec::new();
    for selector in wanted(expr) {
        for (check, message, advice) in missing(selector, answers).await? {
            remarks.push((check, remark(message, advice)));
        }
    }
    for call in all(expr) {
        for (check, message, advice) in sampled(call, answers).await? {
            remarks.push((check, remark(message, advice)));
        }
    }
    if remarks.is_empty() && !findings.iter().any(|finding| is_here(finding, "never-joins")) {
        for message in joined::nothing(expr, answers).await? {
            let advice = "compare the labels of both sides in its web page, and name those to match with on(…)";
            remarks.push((JOINS_NOTHING, remark(message, advice.to_owned())));
        }
    }
    Ok(remarks)
}

/// The selectors of which something must be there: all but those in `absent`.
fn wanted(expr: &Expr) -> Vec<&VectorSelector> {
    match expr {
        Expr::Call(call) if call.func.name.starts_with("absent") => Vec::new(),
        other => selector(other).into_iter().chain(parts(other).into_iter().flat_map(wanted)).collect(),
    }
}

async fn missing(
    selector: &VectorSelector,
    answers: &mut Answers<'_>,
) -> Result<Vec<(&'static str, String, String)>, String> {
    let Some(name) = metric(selector) else { return Ok(Vec::new()) };
    if answers.is_recorded(name) || name.starts_with("ALERTS") {
        return Ok(Vec::new());
    }
    let labels = answers.labels(name).await?;
    if labels.is_empty() {
        let metrics = answers.metrics().await?;
        let near = nearest(name, metrics.iter().map(String::as_str));
        let advice = near.map_or_else(|| "is it scraped?".to_owned(), |near| format!("`{near}`?"));
        return Ok(vec![(NO_SUCH_METRIC, format!("{} has no metric `{name}`", answers.name()), advice)]);
    }
    let mut found = Vec::new();
    for matcher in selector.matchers.matchers.iter().filter(|matcher| matcher.name != "__name__") {
        if fits(matcher, "") {
            continue;
        }
        if !labels.contains(&matcher.name) {
            let near = nearest(&matcher.name, labels.iter().map(String::as_str));
            let all = labels.iter().filter(|label| *label != "__name__").map(String::as_str).collect::<Vec<_>>();
            let advice = near.map_or_else(|| format!("it has {}", all.join(", ")), |near| format!("`{near}`?"));
            found.push((NO_SUCH_LABEL, format!("`{name}` has no label `{}`", matcher.name), advice));
            continue;
        }
        if matches!(matcher.op, MatchOp::NotEqual | MatchOp::NotRe(_)) {
            continue;
        }
        let values = answers.values(name, &matcher.name).await?;
        if values.iter().any(|value| fits(matcher, value)) || may_come(matcher, &values) {
            continue;
        }
        let listed = values.iter().take(MOST_VALUES).map(|value| format!("{value:?}")).collect::<Vec<_>>().join(", ");
        let message = format!("no `{name}` has a `{}` that fits {matcher}", matcher.name);
        found.push((NO_SUCH_VALUE, message, format!("its values are {listed}")));
    }
    Ok(found)
}

/// Classes of HTTP status appear with the first answer of their kind.
fn may_come(matcher: &Matcher, values: &[String]) -> bool {
    let is_status = |value: &String| value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_digit());
    values.iter().all(is_status) && (100..600).any(|status| fits(matcher, &status.to_string()))
}

/// Rates of what is not a counter, and ranges without samples.
async fn sampled(expr: &Expr, answers: &mut Answers<'_>) -> Result<Vec<(&'static str, String, String)>, String> {
    let Expr::Call(call) = expr else { return Ok(Vec::new()) };
    let Some(Expr::MatrixSelector(matrix)) = call.args.args.first().map(|argument| bare(argument)) else {
        return Ok(Vec::new());
    };
    let (Some(name), true) = (metric(&matrix.vs), RATES.contains(&call.func.name)) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    if answers.kind(name).await?.as_deref() == Some("gauge") {
        let message = format!("`{name}` is a gauge by its own description, and {}() is for counters", call.func.name);
        found.push((NOT_A_COUNTER, message, format!("write delta({name}[15m]) or deriv({name}[15m])")));
    }
    let range = Expr::MatrixSelector(matrix.clone());
    let longer =
        Expr::MatrixSelector(promql_parser::parser::MatrixSelector { range: matrix.range * 10, ..matrix.clone() });
    let samples = answers.most(&format!("max(count_over_time({range}))")).await?;
    let over_longer = answers.most(&format!("max(count_over_time({longer}))")).await?;
    if samples.is_some_and(|samples| samples < 2.0) && over_longer.is_some_and(|samples| samples >= 4.0) {
        let message = format!("`{range}` holds fewer than two samples, so {}() has no result", call.func.name);
        found.push((TOO_FEW_SAMPLES, message, "take four intervals of scraping at least".to_owned()));
    }
    Ok(found)
}

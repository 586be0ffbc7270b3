//! `morningai usage`: what model calls cost, and what the month will come to.

use serde::Serialize;

use super::context::{Context, Form};
use super::csv::cell;
use super::exit::Exit;
use super::failure::Failure;
use super::host::Part;
use super::table::table;
use super::usage_args::UsageOptions;
use crate::domain::{Untrusted, Usage, Usd};
use crate::kinds::UsageBy;
use crate::ports::{Clock, SystemClock};
use crate::shape;
use crate::shape::{UsageAsked, UsageRow, UsageShape, UsageTotals};

pub async fn usage(context: Context<'_>, options: UsageOptions) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    let past = |text: &str| {
        shape::past(text, now).map_err(|error| Failure::usage(format!("--since {text:?}: {error}")).next(error.hint()))
    };
    let asked = UsageAsked { by: options.by, since: options.since.as_deref().map(past).transpose()? };
    let session = context.host.session(Part::Reader).await?;
    let found = shape::usage(session.client(), asked, now).await;
    session.close().await;
    let found = found?;
    let spent = &found.totals.period;
    let tokens = Usage { input: spent.input_tokens, cached: spent.cached_tokens, output: spent.output_tokens };
    let mut elsewhere = if spent.calls > 0 { context.host.with_each_model(tokens) } else { Vec::new() };
    elsewhere.sort_by_key(|(_, cost)| *cost);
    match (options.csv, context.form) {
        (true, _) => context.output.write(&csv(&found))?,
        (false, Form::Json) => {
            context.output.json(&Line::Totals(&found.totals))?;
            found.rows.iter().try_for_each(|row| context.output.json(&Line::Row(row)))?;
            let line = |(model, cost): &(String, Usd)| Line::SameTokensWith {
                model: model.clone(),
                cost_usd: cost.to_string(),
            };
            elsewhere.iter().try_for_each(|priced| context.output.json(&line(priced)))?;
        }
        (false, Form::Text) => {
            context.output.line(&text(&found))?;
            if !elsewhere.is_empty() {
                let row = |(model, cost): &(String, Usd)| vec![model.clone(), cost.display()];
                let rows: Vec<_> = elsewhere.iter().map(row).collect();
                context.output.line(&format!("\n{}", table(&["THE SAME TOKENS WITH", "COST"], &rows)))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// A line of `--json`.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line<'a> {
    Totals(&'a UsageTotals),
    Row(&'a UsageRow),
    /// What the tokens of the period would have cost with another of the configured models.
    SameTokensWith {
        model: String,
        cost_usd: String,
    },
}

fn text(found: &UsageShape) -> String {
    let totals = &found.totals;
    let periods = [("today", &totals.today), ("this month", &totals.month), ("last 30 days", &totals.last_30_days)];
    let row = |(name, sums): (&str, &shape::Sums)| {
        vec![
            name.to_owned(),
            amount(sums.cost_usd, sums.unpriced_calls),
            sums.calls.to_string(),
            sums.input_tokens.to_string(),
            sums.cached_tokens.to_string(),
            sums.output_tokens.to_string(),
        ]
    };
    let mut parts = vec![table(&["", "COST", "CALLS", "IN", "CACHED", "OUT"], &periods.map(row))];
    if let Some(forecast) = &totals.forecast {
        let least = if totals.month.unpriced_calls > 0 { "at least " } else { "" };
        parts.push(format!(
            "by {}: {least}about {}, from {} to {}; an estimate from the last {}",
            forecast.until,
            forecast.likely_usd.display(),
            forecast.low_usd.display(),
            forecast.high_usd.display(),
            if forecast.from_days == 1 { "full day".to_owned() } else { format!("{} full days", forecast.from_days) },
        ));
    }
    if found.rows.is_empty() {
        parts.push(format!("no model was called since {}; `morningai run GOAL` starts a run", totals.since));
    } else {
        parts.push(format!("since {}:\n{}", totals.since, rows(found)));
    }
    if !totals.outcomes.is_empty() {
        let rows: Vec<_> = totals.outcomes.iter().map(outcome).collect();
        parts.push(table(&["WHAT IT BOUGHT", "COUNT", "COST", "EACH", "EACH BEFORE"], &rows));
    }
    let unusual = totals.unusual_days.iter().map(|unusual| {
        format!(
            "{} cost {}; a usual day costs {}",
            unusual.day,
            unusual.cost_usd.display(),
            unusual.usual_usd.display()
        )
    });
    parts.extend(unusual);
    parts.join("\n\n")
}

fn outcome(outcome: &shape::OutcomeShape) -> Vec<String> {
    let unknown = u64::from(outcome.is_partly_unknown);
    let each = |each: Option<Usd>| each.map_or_else(String::new, |each| amount(each, unknown));
    vec![
        Untrusted::from(outcome.name.as_str()).visible().into_owned(),
        match outcome.runs {
            Some(runs) => format!("{} of {runs}", outcome.count),
            None => outcome.count.to_string(),
        },
        amount(outcome.cost_usd, unknown),
        each(outcome.each_usd),
        outcome.each_before_usd.map_or_else(String::new, Usd::display),
    ]
}

fn rows(found: &UsageShape) -> String {
    let count = |count: Option<u64>| count.map_or_else(String::new, |count| count.to_string());
    if found.totals.by == UsageBy::Run {
        let row = |row: &UsageRow| {
            let goal = Untrusted::from(row.goal.as_deref().unwrap_or_default()).visible().into_owned();
            let id = row.short.clone().unwrap_or_default();
            let cost = amount(row.cost_usd, row.unpriced_calls);
            vec![id, cost, row.calls.to_string(), row.tokens.to_string(), goal]
        };
        return table(&["RUN", "COST", "CALLS", "TOKENS", "GOAL"], &found.rows.iter().map(row).collect::<Vec<_>>());
    }
    let title = found.totals.by.name().to_uppercase();
    let row = |row: &UsageRow| {
        vec![
            Untrusted::from(row.name.as_str()).visible().into_owned(),
            amount(row.cost_usd, row.unpriced_calls),
            row.calls.to_string(),
            count(row.input_tokens),
            count(row.cached_tokens),
            count(row.output_tokens),
        ]
    };
    let heads = [title.as_str(), "COST", "CALLS", "IN", "CACHED", "OUT"];
    table(&heads, &found.rows.iter().map(row).collect::<Vec<_>>())
}

/// `$0.42`, `at least $0.42`, `unknown`.
pub(super) fn amount(known: Usd, unpriced: u64) -> String {
    match (known, unpriced) {
        (known, 0) => known.display(),
        (Usd::ZERO, _) => "unknown".to_owned(),
        (known, _) => format!("at least {}", known.display()),
    }
}

/// The table as a spreadsheet reads it (RFC 4180); amounts are exact.
fn csv(found: &UsageShape) -> String {
    let by = found.totals.by.name();
    let mut text =
        format!("{by},goal,calls,tokens,input_tokens,cached_tokens,output_tokens,cost_usd,unpriced_calls\r\n");
    let count = |count: Option<u64>| count.map_or_else(String::new, |count| count.to_string());
    for row in &found.rows {
        let cells = [
            cell(&row.name),
            cell(row.goal.as_deref().unwrap_or_default()),
            row.calls.to_string(),
            row.tokens.to_string(),
            count(row.input_tokens),
            count(row.cached_tokens),
            count(row.output_tokens),
            row.cost_usd.to_string(),
            row.unpriced_calls.to_string(),
        ];
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_with_an_unknown_part_is_a_lower_bound() {
        assert_eq!(amount(Usd(420_000_000), 0), "$0.420");
        assert_eq!(amount(Usd(420_000_000), 2), "at least $0.420");
        assert_eq!(amount(Usd::ZERO, 2), "unknown");
        assert_eq!(amount(Usd::ZERO, 0), "$0.00");
    }
}

//! What model calls cost, as scripts get it: totals, an estimate of the month, and rows by agent, model, person, run or
//! day. Amounts are exact decimals of dollars.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::list;
use crate::domain::{Timestamp, Usd};
use crate::kinds::{Forecast, Outcome, Period, Run, Spending, UnusualDay, UsageBy, UsageLine};
use crate::ports::{Client, ClientError};

/// Days of the period where nothing else is said.
const USUAL: u64 = 30;
/// Ended runs that are looked at, the newest.
const MOST_RUNS: u32 = 500;

/// Which usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageAsked {
    pub by: UsageBy,
    /// From the beginning of that day on, in UTC; the last 30 days where nothing is said.
    pub since: Option<Timestamp>,
}

/// Usage in all, and by one of its sides.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsageShape {
    #[serde(flatten)]
    pub totals: UsageTotals,
    /// The most expensive first; days the newest first.
    pub rows: Vec<UsageRow>,
}

/// What periods come to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsageTotals {
    /// The first day of `period` and of the rows.
    pub since: NaiveDate,
    pub by: UsageBy,
    pub period: Sums,
    pub today: Sums,
    pub month: Sums,
    pub last_30_days: Sums,
    /// `null` before there is a full day to make it from.
    pub forecast: Option<ForecastShape>,
    /// What came of it in `period`, and what each outcome cost.
    pub outcomes: Vec<OutcomeShape>,
    /// Days of `period` that cost at least twice the median day, and far more than days usually differ from it; the
    /// newest first. None before 7 days are known.
    pub unusual_days: Vec<UnusualDayShape>,
}

/// One kind of outcome.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OutcomeShape {
    /// `successful run of AGENT`, `pushed change` or `resolved incident`.
    pub name: String,
    pub count: u64,
    /// Of an agent, its runs that ended, with success or without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<u64>,
    /// Of all its runs that ended; of those that pushed; of those that were started for incidents.
    #[serde(serialize_with = "decimal")]
    #[schemars(with = "String")]
    pub cost_usd: Usd,
    /// `cost_usd` by `count`; `null` where nothing was achieved.
    #[serde(serialize_with = "maybe_decimal")]
    #[schemars(with = "Option<String>")]
    pub each_usd: Option<Usd>,
    /// The same in as many days before `period`.
    #[serde(serialize_with = "maybe_decimal")]
    #[schemars(with = "Option<String>")]
    pub each_before_usd: Option<Usd>,
    /// Whether the price of a call is not known, so that these are lower bounds.
    pub is_partly_unknown: bool,
}

/// A day that cost far more than usual.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnusualDayShape {
    pub day: NaiveDate,
    #[serde(serialize_with = "decimal")]
    #[schemars(with = "String")]
    pub cost_usd: Usd,
    /// The median of the days on which a model was called.
    #[serde(serialize_with = "decimal")]
    #[schemars(with = "String")]
    pub usual_usd: Usd,
}

/// Sums over calls of models.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Sums {
    pub calls: u64,
    pub input_tokens: u64,
    /// Part of `input_tokens` that the provider served from its cache.
    pub cached_tokens: u64,
    pub output_tokens: u64,
    /// A lower bound where `unpriced_calls` is not 0.
    #[serde(serialize_with = "decimal")]
    #[schemars(with = "String")]
    pub cost_usd: Usd,
    pub unpriced_calls: u64,
}

/// An estimate of what the month comes to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ForecastShape {
    /// The last day of the month.
    pub until: NaiveDate,
    #[serde(serialize_with = "decimal")]
    #[schemars(with = "String")]
    pub likely_usd: Usd,
    /// Were each day left like the cheapest of those it is made from.
    #[serde(serialize_with = "decimal")]
    #[schemars(with = "String")]
    pub low_usd: Usd,
    /// Were each day left like the dearest of them.
    #[serde(serialize_with = "decimal")]
    #[schemars(with = "String")]
    pub high_usd: Usd,
    /// Full days before today that it is made from, at most 7.
    pub from_days: u64,
}

/// One agent, model, person, run or day.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsageRow {
    /// The name of the agent, model or person; a date; the id of a run that did something in the period, of which all is
    /// counted.
    pub name: String,
    /// Of a run, the end of its id.
    #[serde(skip)]
    pub short: Option<String>,
    /// Of a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
    pub calls: u64,
    /// Input and output together.
    pub tokens: u64,
    /// This and the next two are `null` for a run.
    pub input_tokens: Option<u64>,
    pub cached_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    /// A lower bound where `unpriced_calls` is not 0.
    #[serde(serialize_with = "decimal")]
    #[schemars(with = "String")]
    pub cost_usd: Usd,
    pub unpriced_calls: u64,
}

fn decimal<S: Serializer>(amount: &Usd, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

fn maybe_decimal<S: Serializer>(amount: &Option<Usd>, serializer: S) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => serializer.collect_str(amount),
        None => serializer.serialize_none(),
    }
}

/// Asks the store for it, as of `now`.
pub async fn usage(client: &dyn Client, asked: UsageAsked, now: Timestamp) -> Result<UsageShape, ClientError> {
    let today = now.date_naive();
    let period = match asked.since {
        Some(since) => Period::since(since.date_naive(), today),
        None => Period::last(USUAL, today),
    };
    // The month, the last thirty days and those that the estimate is made from lie within the last forty.
    let first = period.before().first().min(Period::last(40, today).first());
    let most = u32::try_from((today - first).num_days() + 1).unwrap_or(u32::MAX);
    let days = list::days(client, most).await?;
    let rows = match asked.by {
        UsageBy::Run => of_runs(list::runs(client, None, MOST_RUNS).await?, &period),
        by => period.lines(&days, by).into_iter().map(UsageRow::of).collect(),
    };
    let totals = UsageTotals {
        since: period.first(),
        by: asked.by,
        period: Sums::of(period.total(&days)),
        today: Sums::of(Period::last(1, today).total(&days)),
        month: Sums::of(Period::month(today).total(&days)),
        last_30_days: Sums::of(Period::last(30, today).total(&days)),
        forecast: Forecast::of(&days, today).map(ForecastShape::of),
        outcomes: period.outcomes(&days).into_iter().map(OutcomeShape::of).collect(),
        unusual_days: period.unusual_days(&days).into_iter().map(UnusualDayShape::of).collect(),
    };
    Ok(UsageShape { totals, rows })
}

/// Runs that called a model, and did something in the period.
fn of_runs(mut runs: Vec<Run>, period: &Period) -> Vec<UsageRow> {
    runs.retain(|run| period.contains(run.updated_at.date_naive()) && run.turns > 0);
    runs.sort_by_key(|run| std::cmp::Reverse((run.cost, run.id)));
    runs.iter().map(UsageRow::of_run).collect()
}

impl Sums {
    fn of(spending: Spending) -> Self {
        Self {
            calls: spending.calls,
            input_tokens: spending.input,
            cached_tokens: spending.cached,
            output_tokens: spending.output,
            cost_usd: spending.cost,
            unpriced_calls: spending.unpriced,
        }
    }
}

impl ForecastShape {
    fn of(forecast: Forecast) -> Self {
        Self {
            until: forecast.until,
            likely_usd: forecast.likely,
            low_usd: forecast.low,
            high_usd: forecast.high,
            from_days: forecast.from_days,
        }
    }
}

impl OutcomeShape {
    fn of(outcome: Outcome) -> Self {
        Self {
            each_usd: outcome.each(),
            name: outcome.name.raw().to_owned(),
            count: outcome.count,
            runs: outcome.tried,
            cost_usd: outcome.cost,
            each_before_usd: outcome.each_before,
            is_partly_unknown: outcome.is_partly_unknown,
        }
    }
}

impl UnusualDayShape {
    fn of(unusual: UnusualDay) -> Self {
        Self { day: unusual.day, cost_usd: unusual.cost, usual_usd: unusual.usual }
    }
}

impl UsageRow {
    fn of(line: UsageLine) -> Self {
        let UsageLine { name, spending } = line;
        Self {
            name: name.raw().to_owned(),
            short: None,
            goal: None,
            calls: spending.calls,
            tokens: spending.input + spending.output,
            input_tokens: Some(spending.input),
            cached_tokens: Some(spending.cached),
            output_tokens: Some(spending.output),
            cost_usd: spending.cost,
            unpriced_calls: spending.unpriced,
        }
    }

    fn of_run(run: &Run) -> Self {
        Self {
            name: run.id.to_string(),
            short: Some(run.id.short()),
            goal: Some(run.goal.raw().to_owned()),
            calls: u64::from(run.turns),
            tokens: run.tokens,
            input_tokens: None,
            cached_tokens: None,
            output_tokens: None,
            cost_usd: run.cost,
            unpriced_calls: u64::from(run.unpriced_turns),
        }
    }
}

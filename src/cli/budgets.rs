//! `morningai budgets`: the budgets in force, and how far each is used. They are set and removed as things of a kind.

use serde::Serialize;

use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::host::Part;
use super::table::table;
use super::usage::amount;
use crate::domain::{BudgetId, BudgetScope, OnceUsedUp, Untrusted};
use crate::kinds::{BudgetGauge, BudgetSource};
use crate::ports::{Clock, SystemClock};
use crate::shape;

/// Days that a month can have, and one more.
const DAYS: u32 = 32;

const NONE: &str = "no budgets are set; `morningai budgets set 25.00` sets one for all runs and each day, and so does \
                    `day = \"25.00\"` under [budgets] in the configuration";

pub async fn budgets(context: Context<'_>) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    let session = context.host.session(Part::Reader).await?;
    let days = shape::days(session.client(), DAYS).await;
    let set = shape::budgets(session.client()).await;
    session.close().await;
    let gauges = BudgetGauge::all(&set?, &context.host.budgets(), &days?, now.date_naive());
    match context.form {
        Form::Json => gauges.iter().try_for_each(|gauge| context.output.json(&Line::of(gauge)))?,
        Form::Text if gauges.is_empty() => context.output.line(NONE)?,
        Form::Text => {
            let rows: Vec<_> = gauges.iter().map(row).collect();
            context.output.line(&table(&["FOR", "PERIOD", "SPENT", "BUDGET", "USED", "STATE", "SET BY"], &rows))?;
        }
    }
    Ok(Exit::Done)
}

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    /// `all`, `agent` or `person`.
    scope: &'static str,
    /// Of the agent or the person.
    name: Option<&'a str>,
    /// `day` or `month`, of UTC.
    period: &'static str,
    budget_usd: String,
    /// A lower bound where `unpriced_calls` is not 0.
    spent_usd: String,
    unpriced_calls: u64,
    percent: i128,
    /// `pause` or `warn`.
    once_used_up: OnceUsedUp,
    /// `ok`, `near` (four fifths) or `used_up`.
    state: &'static str,
    /// `configuration`, or `set by` and a name.
    source: String,
    /// Of a budget that somebody set: what `show` and `remove` take.
    id: Option<BudgetId>,
}

impl<'a> Line<'a> {
    fn of(gauge: &'a BudgetGauge) -> Self {
        let (scope, name) = match &gauge.scope {
            BudgetScope::All => ("all", None),
            BudgetScope::Agent(name) => ("agent", Some(name.as_str())),
            BudgetScope::Person(name) => ("person", Some(name.as_str())),
        };
        Self {
            scope,
            name,
            period: gauge.period.name(),
            budget_usd: gauge.budget.to_string(),
            spent_usd: gauge.spent.cost.to_string(),
            unpriced_calls: gauge.spent.unpriced,
            percent: gauge.percent(),
            once_used_up: gauge.once_used_up,
            state: state(gauge),
            source: match &gauge.source {
                BudgetSource::Configuration => "configuration".to_owned(),
                BudgetSource::By(actor) => format!("set by {}", actor.name()),
            },
            id: id(gauge),
        }
    }
}

fn id(gauge: &BudgetGauge) -> Option<BudgetId> {
    match gauge.source {
        BudgetSource::Configuration => None,
        BudgetSource::By(_) => Some(BudgetId::of(&gauge.scope, gauge.period)),
    }
}

fn state(gauge: &BudgetGauge) -> &'static str {
    match (gauge.is_used_up(), gauge.is_near()) {
        (true, _) => "used_up",
        (false, true) => "near",
        (false, false) => "ok",
    }
}

fn row(gauge: &BudgetGauge) -> Vec<String> {
    let whose = match &gauge.scope {
        BudgetScope::All => "all runs".to_owned(),
        scope => Untrusted::from(scope.of().trim_start().trim_start_matches("of ")).visible().into_owned(),
    };
    let stops = match (gauge.once_used_up, gauge.is_used_up()) {
        (OnceUsedUp::Pause, true) => ", agents pause",
        (OnceUsedUp::Pause, false) => "",
        (OnceUsedUp::Warn, _) => ", soft",
    };
    let set_by = match &gauge.source {
        BudgetSource::Configuration => "config.toml".to_owned(),
        BudgetSource::By(actor) => {
            let id = BudgetId::of(&gauge.scope, gauge.period).short();
            format!("{} (budget {id})", Untrusted::from(actor.name()).visible())
        }
    };
    vec![
        whose,
        gauge.period.name().to_owned(),
        amount(gauge.spent.cost, gauge.spent.unpriced),
        gauge.budget.display(),
        format!("{} %", gauge.percent()),
        format!("{}{stops}", state(gauge).replace('_', " ")),
        set_by,
    ]
}

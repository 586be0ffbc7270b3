//! The plan, what is used of it, and the next invoice, as scripts get them. Amounts are decimal strings of dollars.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::list;
use crate::billing::{Feature, Line, Standing};
use crate::domain::{Cents, Timestamp, Usd};
use crate::kinds::Period;
use crate::ports::{Client, ClientError};

/// Days that a month can have, and one more.
const DAYS: u32 = 32;

/// The plan and the next invoice.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BillingShape {
    /// `null` where no plan is set: nothing is limited then, and nothing charged.
    pub plan: Option<PlanShape>,
    pub invoice: Option<InvoiceShape>,
}

/// A plan, and what is used of it in the billing period.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanShape {
    /// Its name in the file of plans.
    pub plan: String,
    pub title: String,
    /// `monthly` or `annual`.
    pub pay: String,
    /// For a month; `null` where it is agreed with each customer.
    #[serde(serialize_with = "price")]
    #[schemars(with = "Option<String>")]
    pub price_usd: Option<Usd>,
    /// For a year, where it is sold by the year.
    #[serde(serialize_with = "price")]
    #[schemars(with = "Option<String>")]
    pub annual_usd: Option<Usd>,
    pub add_ons: Vec<String>,
    pub support: String,
    /// Of `custom_agents`, `api_access` and `on_premises`, those it has.
    pub features: Vec<&'static str>,
    /// Accounts; `null` for no limit.
    pub users: Option<u64>,
    pub from: Timestamp,
    /// When the period ends, and the count begins again.
    pub until: Timestamp,
    /// Runs of the period; `null` for no limit.
    pub included_runs: Option<u64>,
    pub used_runs: u64,
    /// Runs beyond those included, and what they come to; `null` where they are not charged.
    pub overage: Option<OverageShape>,
    /// The next larger plan.
    pub next_plan: Option<String>,
}

/// Runs beyond those that the plan includes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OverageShape {
    pub runs: u64,
    #[serde(serialize_with = "decimal")]
    #[schemars(with = "String")]
    pub amount_usd: Cents,
    /// They come to no more in the period.
    #[serde(serialize_with = "decimal")]
    #[schemars(with = "String")]
    pub cap_usd: Cents,
}

/// An invoice as it would be issued now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InvoiceShape {
    #[serde(flatten)]
    pub head: InvoiceHead,
    pub lines: Vec<InvoiceLine>,
}

/// What an invoice is for, and what it comes to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InvoiceHead {
    pub from: Timestamp,
    pub until: Timestamp,
    /// The sum of the lines; a lower bound where `complete` is `false`.
    #[serde(serialize_with = "decimal")]
    #[schemars(with = "String")]
    pub total_usd: Cents,
    /// Whether every price is known.
    pub complete: bool,
}

/// A line of an invoice.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InvoiceLine {
    /// `plan`, `year`, `paid_year`, `credit`, `add_on`, `overage` or `cap`.
    pub item: &'static str,
    pub text: String,
    pub from: Timestamp,
    pub until: Timestamp,
    /// Runs.
    pub quantity: Option<u64>,
    #[serde(serialize_with = "price")]
    #[schemars(with = "Option<String>")]
    pub unit_usd: Option<Usd>,
    /// `null` where the price is not known.
    #[serde(serialize_with = "amount")]
    #[schemars(with = "Option<String>")]
    pub amount_usd: Option<Cents>,
}

fn decimal<S: Serializer>(amount: &Cents, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

fn amount<S: Serializer>(amount: &Option<Cents>, serializer: S) -> Result<S::Ok, S::Error> {
    amount.map(|amount| amount.to_string()).serialize(serializer)
}

fn price<S: Serializer>(price: &Option<Usd>, serializer: S) -> Result<S::Ok, S::Error> {
    price.map(Usd::to_price).serialize(serializer)
}

/// How the account stands; `None` where no plan is set.
pub async fn standing(client: &dyn Client, now: Timestamp) -> Result<Option<Standing>, ClientError> {
    let Some(account) = client.status().billing else { return Ok(None) };
    let days = list::days(client, DAYS).await?;
    let used = Period::since(account.counts_from(now), now.date_naive()).runs(&days);
    Ok(account.standing(used, now))
}

/// Runs that began on these days, both included.
pub async fn runs_between(client: &dyn Client, first: NaiveDate, last: NaiveDate) -> Result<u64, ClientError> {
    // The month before this one is asked for as well.
    Ok(Period::since(first, last).runs(&list::days(client, 2 * DAYS).await?))
}

/// Asks the source for it, as of `now`.
pub async fn billing(client: &dyn Client, now: Timestamp) -> Result<BillingShape, ClientError> {
    Ok(BillingShape::of(standing(client, now).await?.as_ref()))
}

impl BillingShape {
    pub fn of(standing: Option<&Standing>) -> Self {
        Self { plan: standing.map(PlanShape::of), invoice: standing.map(InvoiceShape::of) }
    }
}

impl PlanShape {
    fn of(standing: &Standing) -> Self {
        let (term, period) = (&standing.term, &standing.invoice.period);
        let has = |feature: &Feature| term.has(feature.name());
        Self {
            plan: term.plan.name.clone(),
            title: term.plan.title.clone(),
            pay: term.cycle.name().to_owned(),
            price_usd: term.plan.price,
            annual_usd: term.plan.annual,
            add_ons: term.add_ons.iter().map(|add_on| add_on.name.clone()).collect(),
            support: term.plan.support.clone(),
            features: Feature::ALL.iter().filter(|feature| has(feature)).map(|feature| feature.name()).collect(),
            users: term.plan.users,
            from: period.from,
            until: period.until,
            included_runs: standing.included,
            used_runs: standing.used,
            overage: standing.overrun.map(|overrun| OverageShape {
                runs: overrun.runs,
                amount_usd: overrun.amount,
                cap_usd: overrun.cap,
            }),
            next_plan: standing.more.as_ref().map(|plan| plan.name.clone()),
        }
    }
}

impl InvoiceShape {
    fn of(standing: &Standing) -> Self {
        let invoice = &standing.invoice;
        let line = |line: &Line| InvoiceLine {
            item: line.item.name(),
            text: line.text(&invoice.period),
            from: line.covers.from,
            until: line.covers.until,
            quantity: line.quantity,
            unit_usd: line.unit,
            amount_usd: line.amount,
        };
        let head = InvoiceHead {
            from: invoice.period.from,
            until: invoice.period.until,
            total_usd: invoice.total(),
            complete: invoice.is_complete(),
        };
        Self { head, lines: invoice.lines.iter().map(line).collect() }
    }
}

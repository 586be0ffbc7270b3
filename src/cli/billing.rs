//! `morningai billing`: the plan, what is used of it, and the next invoice.

use serde::Serialize;

use super::billing_args::BillingAction;
use super::context::{Context, Form};
use super::csv::cell;
use super::exit::Exit;
use super::failure::Failure;
use super::host::Part;
use super::paid;
use super::table::table;
use crate::billing::Standing;
use crate::domain::{Cents, Untrusted, Usd};
use crate::ports::{Clock, LinkOrder, Syncing, SystemClock, Yearly};
use crate::shape;
use crate::shape::{BillingShape, InvoiceHead, InvoiceLine, InvoiceShape, PlanShape};

const NO_PLAN: &str = "no plan is set: nothing is limited, and nothing is charged";

pub async fn billing(context: Context<'_>, action: BillingAction) -> Result<Exit, Failure> {
    match action {
        BillingAction::Plan | BillingAction::Invoice { .. } => counted(context, action).await,
        BillingAction::Invoices { csv } => paid::invoices(context, csv).await,
        BillingAction::Checkout { plan, annual, add_on, qr } => {
            let by_the_year = if annual { Yearly::Yes } else { Yearly::No };
            paid::link(context, LinkOrder::Checkout { plan, by_the_year, add_ons: add_on }, qr).await
        }
        BillingAction::Portal { qr } => paid::link(context, LinkOrder::Portal, qr).await,
        BillingAction::Sync { dry_run } => {
            paid::sync(context, if dry_run { Syncing::OnlyLook } else { Syncing::Make }).await
        }
        BillingAction::Reconcile => paid::reconcile(context).await,
    }
}

/// What is counted here.
async fn counted(context: Context<'_>, action: BillingAction) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    let session = context.host.session(Part::Reader).await?;
    let found = shape::standing(session.client(), now).await;
    session.close().await;
    let standing = found?;
    let BillingShape { plan, invoice } = BillingShape::of(standing.as_ref());
    match (action, context.form) {
        (BillingAction::Plan, Form::Json) => {
            context.output.json(&plan.as_ref().map_or(Printed::NoPlan {}, Printed::Plan))?
        }
        (BillingAction::Plan, Form::Text) => context.output.line(&plan_text(standing.as_ref()))?,
        (BillingAction::Invoice { csv: true }, _) => context.output.write(&csv(invoice.as_ref()))?,
        (_, Form::Text) => {
            context.output.line(&invoice.as_ref().map_or_else(|| NO_PLAN.to_owned(), invoice_text))?;
        }
        (_, Form::Json) => {
            let head = invoice.as_ref().map(|invoice| &invoice.head);
            context.output.json(&head.map_or(Printed::NoPlan {}, Printed::Invoice))?;
            let mut lines = invoice.iter().flat_map(|invoice| &invoice.lines);
            lines.try_for_each(|line| context.output.json(&Printed::Line(line)))?;
        }
    }
    Ok(Exit::Done)
}

/// A line of `--json`.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Printed<'a> {
    NoPlan {},
    Plan(&'a PlanShape),
    Invoice(&'a InvoiceHead),
    Line(&'a InvoiceLine),
}

fn plan_text(standing: Option<&Standing>) -> String {
    let Some(standing) = standing else {
        return format!("{NO_PLAN}; `plan = \"starter\"` under [billing] in the configuration sets one");
    };
    let line = |(name, value): (&str, String)| format!("{name:<11}{}", visible(&value));
    standing.facts().into_iter().map(line).collect::<Vec<_>>().join("\n")
}

fn invoice_text(invoice: &InvoiceShape) -> String {
    let head = &invoice.head;
    let amount = |amount: Option<Cents>| amount.map_or_else(|| "unknown".to_owned(), Cents::display);
    let mut rows: Vec<_> =
        invoice.lines.iter().map(|line| vec![visible(&line.text), amount(line.amount_usd)]).collect();
    let least = if head.complete { "" } else { "at least " };
    rows.push(vec!["total".to_owned(), format!("{least}{}", head.total_usd.display())]);
    let (from, until) = (head.from.date_naive(), head.until.date_naive());
    format!("from {from} until {until}, as it would be issued now\n\n{}", table(&["", "AMOUNT"], &rows))
}

fn visible(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}

/// The lines as a spreadsheet reads them (RFC 4180).
fn csv(invoice: Option<&InvoiceShape>) -> String {
    let mut text = "item,text,from,until,quantity,unit_usd,amount_usd\r\n".to_owned();
    for line in invoice.iter().flat_map(|invoice| &invoice.lines) {
        let cells = [
            line.item.to_owned(),
            cell(&line.text),
            line.from.to_rfc3339(),
            line.until.to_rfc3339(),
            line.quantity.map(|quantity| quantity.to_string()).unwrap_or_default(),
            line.unit_usd.map(Usd::to_price).unwrap_or_default(),
            line.amount_usd.map(|amount| amount.to_string()).unwrap_or_default(),
        ];
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

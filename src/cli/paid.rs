//! `morningai billing sync`, `checkout`, `portal`, `invoices` and `reconcile`: what a payment provider is asked.

use std::io::IsTerminal;
use std::sync::Arc;

use secrecy::ExposeSecret;

use super::billing_args::QrOption;
use super::context::{Context, Form};
use super::csv::cell;
use super::exit::Exit;
use super::failure::Failure;
use super::host::Part;
use super::table::table;
use crate::domain::{Cents, QrLines, Timestamp, Untrusted};
use crate::ports::{
    CatalogLine, Clock, IssuedInvoice, LinkOrder, PaymentError, PaymentErrorKind, Payments, SyncOutcome, Syncing,
    SystemClock,
};

/// Lines that words around a QR code take.
const WORDS: usize = 4;

fn payments(context: &Context<'_>) -> Result<Arc<dyn Payments>, Failure> {
    context.host.payments().ok_or_else(|| {
        Failure::usage("Stripe is not configured")
            .next("write [billing.stripe] with key = { env = \"STRIPE_KEY\" } into config.toml; the README says how")
    })
}

/// Ends with a failure where something differs: a script then knows.
pub async fn sync(context: Context<'_>, how: Syncing) -> Result<Exit, Failure> {
    let lines = payments(&context)?.sync(how).await?;
    match context.form {
        Form::Json => lines.iter().try_for_each(|line| context.output.json(line))?,
        Form::Text => {
            let row = |line: &CatalogLine| {
                let cells = [line.what, &line.name, line.outcome.name(), &line.note];
                let mut cells: Vec<_> = cells.into_iter().map(visible).collect();
                cells.insert(3, line.id.visible().into_owned());
                cells
            };
            let rows: Vec<_> = lines.iter().map(row).collect();
            context.output.line(&table(&["", "NAME", "", "AT STRIPE", ""], &rows))?;
        }
    }
    let agrees = lines.iter().all(|line| matches!(line.outcome, SyncOutcome::Found | SyncOutcome::Made));
    Ok(if agrees { Exit::Done } else { Exit::Failed })
}

/// Prints a link; it goes nowhere else.
pub async fn link(context: Context<'_>, order: LinkOrder, qr: QrOption) -> Result<Exit, Failure> {
    let payments = payments(&context)?;
    let session = context.host.session(Part::Clerk).await?;
    if session.client().status().observe.is_on() {
        session.close().await;
        let refused = Failure::new(Exit::Refused, "this program runs with --observe");
        return Err(refused.next("leave --observe out to get a link"));
    }
    let link = payments.link(session.client(), &order).await;
    session.close().await;
    let link = link?;
    let link = link.expose_secret();
    if context.form == Form::Json {
        context.output.json(&serde_json::json!({ "url": link }))?;
        return Ok(Exit::Done);
    }
    let is_terminal = std::io::stdout().is_terminal();
    match is_terminal {
        // OSC 8: terminals that know it open the link by a click, and others show the text.
        true => context.output.write(&format!("\u{1b}]8;;{link}\u{1b}\\{link}\u{1b}]8;;\u{1b}\\\n"))?,
        false => context.output.line(link)?,
    }
    if is_terminal || qr.qr {
        context.output.write(&format!("{}\n", drawn(link, is_terminal)))?;
    }
    context.output.diagnose("anybody who has this link can use it: keep it to yourself; it is stored nowhere");
    Ok(Exit::Done)
}

fn drawn(link: &str, is_terminal: bool) -> String {
    let Some(code) = QrLines::of(link) else { return "the link is too long for a QR code".to_owned() };
    let size = if is_terminal { crossterm::terminal::size().ok() } else { None };
    let room = size.map(|(columns, rows)| (usize::from(columns), usize::from(rows).saturating_sub(WORDS)));
    match room {
        Some((columns, rows)) if !code.fits(columns, rows) => {
            let (wide, high) = (code.columns, code.lines.len() + WORDS);
            format!("its QR code needs a terminal of {wide}×{high}; enlarge this one, or copy the link")
        }
        // White on black whatever the theme: phones want the code dark on light.
        _ if is_terminal => code.lines.iter().map(|line| format!("\u{1b}[97;40m{line}\u{1b}[0m\n")).collect(),
        _ => code.lines.join("\n"),
    }
}

pub async fn invoices(context: Context<'_>, is_csv: bool) -> Result<Exit, Failure> {
    let payments = payments(&context)?;
    let session = context.host.session(Part::Reader).await?;
    let invoices = payments.invoices(session.client()).await;
    session.close().await;
    let invoices = invoices?;
    match (context.form, is_csv) {
        (_, true) => context.output.write(&csv(&invoices))?,
        (Form::Json, false) => invoices.iter().try_for_each(|invoice| context.output.json(invoice))?,
        (Form::Text, false) if invoices.is_empty() => context.output.line("no invoices yet")?,
        (Form::Text, false) => context.output.line(&page(&invoices))?,
    }
    Ok(Exit::Done)
}

fn page(invoices: &[IssuedInvoice]) -> String {
    let day = |at: Timestamp| at.format("%Y-%m-%d").to_string();
    let row = |invoice: &IssuedInvoice| {
        let number = if invoice.number.is_empty() { &invoice.id } else { &invoice.number };
        vec![
            number.visible().into_owned(),
            day(invoice.issued_at),
            format!("{} to {}", day(invoice.from), day(invoice.until)),
            amount(invoice, invoice.total),
            amount(invoice, invoice.due),
            invoice.state.visible().into_owned(),
        ]
    };
    table(&["NUMBER", "ISSUED", "FOR", "TOTAL", "DUE", "STATE"], &invoices.iter().map(row).collect::<Vec<_>>())
}

/// An amount in another currency is shown in its smallest unit: not every currency has two places.
fn amount(invoice: &IssuedInvoice, amount: Cents) -> String {
    match invoice.currency.raw() {
        "usd" => amount.display(),
        _ => format!("{} smallest units of {}", amount.0, invoice.currency.visible()),
    }
}

fn csv(invoices: &[IssuedInvoice]) -> String {
    let mut text = "id,number,state,issued_at,from,until,currency,total,paid,due\r\n".to_owned();
    for invoice in invoices {
        let cells = [
            cell(&invoice.id.visible()),
            cell(&invoice.number.visible()),
            cell(&invoice.state.visible()),
            invoice.issued_at.to_rfc3339(),
            invoice.from.to_rfc3339(),
            invoice.until.to_rfc3339(),
            cell(&invoice.currency.visible()),
            invoice.total.0.to_string(),
            invoice.paid.0.to_string(),
            invoice.due.0.to_string(),
        ];
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

/// Ends with a failure where something differs.
pub async fn reconcile(context: Context<'_>) -> Result<Exit, Failure> {
    let payments = payments(&context)?;
    let session = context.host.session(Part::Clerk).await?;
    let differences = payments.reconcile(session.client(), SystemClock.now()).await;
    session.close().await;
    let differences = differences?;
    match context.form {
        Form::Json => {
            let mut lines = differences.iter().map(|text| serde_json::json!({ "difference": text }));
            lines.try_for_each(|line| context.output.json(&line))?;
        }
        Form::Text if differences.is_empty() => context.output.line("Stripe has the same as this store")?,
        Form::Text => differences.iter().try_for_each(|text| context.output.line(&visible(text)))?,
    }
    Ok(if differences.is_empty() { Exit::Done } else { Exit::Failed })
}

fn visible(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}

impl From<PaymentError> for Failure {
    fn from(error: PaymentError) -> Self {
        let exit = match error.kind {
            PaymentErrorKind::Usage | PaymentErrorKind::Unreadable => Exit::Usage,
            PaymentErrorKind::Refused => Exit::Refused,
            PaymentErrorKind::ForNow | PaymentErrorKind::Failed => Exit::Failed,
        };
        Self::new(exit, error.message).next(error.hint)
    }
}

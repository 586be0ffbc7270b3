//! What `billing` is asked, as data.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct BillingOptions {
    #[command(subcommand)]
    pub action: BillingAction,
}

#[derive(Clone, Debug, Subcommand)]
pub enum BillingAction {
    /// Show the plan, what it includes and what is used of it
    Plan,
    /// Show the next invoice, line by line, as it would be issued now
    Invoice {
        /// Print the lines as CSV, and nothing else
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
    /// Show the invoices that Stripe issued, and whether they are paid
    Invoices {
        /// Print them as CSV, and nothing else
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
    /// Get a link to Stripe's page to subscribe to a plan
    Checkout {
        plan: String,
        /// Pay by the year
        #[arg(long)]
        annual: bool,
        /// Add an add-on; may be given several times
        #[arg(long, value_name = "NAME")]
        add_on: Vec<String>,
        #[command(flatten)]
        qr: QrOption,
    },
    /// Get a link to Stripe's page to change the plan or the card, pay an invoice, or cancel
    Portal {
        #[command(flatten)]
        qr: QrOption,
    },
    /// Create missing products, prices and meter in Stripe, and show what differs from the plans
    Sync {
        /// Only show what is missing or differs
        #[arg(long)]
        dry_run: bool,
    },
    /// Show what differs between this store and Stripe: subscription, prices, usage, the next invoice
    Reconcile,
}

#[derive(Clone, Copy, Debug, Args)]
pub struct QrOption {
    /// Draw the link as a QR code, even when the output is not a terminal
    #[arg(long)]
    pub qr: bool,
}

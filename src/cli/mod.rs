//! The headless commands: the same Commands and the same Snapshot as the console, for scripts and for people in a
//! hurry. Each command is a file. Nothing here opens a store or starts a model: it asks its `Host`.

mod access_args;
mod accounts;
mod agents;
mod alerts;
mod alerts_args;
mod approvals;
mod args;
mod audit;
mod billing;
mod billing_args;
mod budgets;
mod card;
mod carry_args;
mod context;
mod csv;
mod decide;
mod demo_args;
mod doctor;
mod edit;
mod edit_args;
mod exit;
mod failure;
mod find;
mod follow;
mod host;
mod ingest;
mod ingest_args;
mod kinds;
mod kinds_args;
mod log_args;
mod new_file;
mod oncall;
mod oncall_args;
mod outcome;
mod output;
mod paid;
pub mod password;
mod probes;
mod prune;
mod record;
mod run;
mod runbooks;
mod runbooks_args;
mod runs;
#[cfg(test)]
mod sample;
mod serve_args;
mod shell;
mod steer;
mod store;
mod store_args;
mod subject;
mod subject_args;
mod table;
mod tail;
mod time;
mod tokens;
mod usage;
mod usage_args;

pub use args::{Command, CommandLine, GlobalOptions, Traces};
pub use card::{headline as card_headline, text as card_text};
pub use context::Form;
pub use demo_args::{CastFormat, CastOptions, DemoOptions};
pub use exit::Exit;
pub use failure::Failure;
pub use host::{
    Access, AskModels, CheckedOutputs, Copied, Finding, Host, Linted, Offer, OfferKind, Order, Part, Pruned, Rehearsed,
    Session, StoreKeeper, Trial, Uncommitted, Work,
};
pub use new_file::write_new_file;
#[cfg(test)]
pub(crate) use output::capture;
pub use output::{Output, unwritable};
pub use serve_args::{AttachOptions, ServeOptions};

use context::Context;

use crate::kinds::Budget;

/// Carries a command out. A failure has not been told to anybody yet.
pub async fn perform(
    command: Command,
    options: &GlobalOptions,
    host: &dyn Host,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let context = Context { host, output, form: Form::of(options) };
    match command {
        Command::Run(options) => run::run(context, options).await,
        Command::Runs(options) => runs::runs(context, options).await,
        Command::Approvals(options) => approvals::approvals(context, options).await,
        Command::Agents(options) => agents::agents(context, options).await,
        Command::Accounts(options) => accounts::accounts(context, options).await,
        Command::Tokens(options) => tokens::tokens(context, options).await,
        Command::Audit(options) => audit::audit(context, options).await,
        Command::Approve { id, digest, carry } => {
            decide::decide(context, &id, decide::Decision::Approve { digest }, carry).await
        }
        Command::Edit(options) => edit::edit(context, options).await,
        Command::Deny { id, reason, carry } => {
            decide::decide(context, &id, decide::Decision::Deny { reason }, carry).await
        }
        Command::Answer { id, text, carry } => {
            decide::decide(context, &id, decide::Decision::Answer { text }, carry).await
        }
        Command::Settle { id, outcome, note, carry } => {
            let decision = decide::Decision::Settle { settlement: outcome.into(), note };
            decide::decide(context, &id, decision, carry).await
        }
        Command::Cancel { run, reason, carry } => steer::cancel(context, &run, reason, carry).await,
        Command::Pause { run } => steer::pause(context, &run).await,
        Command::Resume { run, follow, carry } => match (follow, carry.until_waiting) {
            (true, _) => run::resume(context, &run, run::Asking::Here).await,
            (false, true) => run::resume(context, &run, run::Asking::Nobody).await,
            (false, false) => steer::resume(context, &run, carry).await,
        },
        Command::Runbooks(options) => runbooks::runbooks(context, options).await,
        Command::Alerts(options) => alerts::alerts(context, options).await,
        Command::Oncall(options) => oncall::oncall(context, options).await,
        Command::Ingest(options) => ingest::ingest(context, options).await,
        Command::Probes => probes::probes(context).await,
        Command::Record(options) => {
            record::record(context, record::Recorded::Run(&options.run), options.output.as_deref()).await
        }
        Command::Demo(_) | Command::Attach(_) => {
            Err(Failure::usage("this is shown in the console").next("start it on a terminal"))
        }
        Command::Cast(_) => Err(Failure::usage("`cast` is painted by the program itself")),
        Command::Serve(_) => Err(Failure::usage("`serve` is started by the program itself")),
        Command::Usage(options) => usage::usage(context, options).await,
        Command::Billing(options) => billing::billing(context, options.action).await,
        Command::Subject(options) => subject::subject(context, options).await,
        Command::Log { action } => tail::log(context, action).await,
        Command::Db { action } => store::db(context, action).await,
        Command::Doctor { offline } => doctor::doctor(context, offline).await,
        Command::Completions { shell } => shell::completions(context, shell),
        Command::Man => shell::manual(context),
        Command::Kind(asked) if asked.lists::<Budget>() => budgets::budgets(context).await,
        Command::Kind(asked) => kinds::perform(context, asked).await,
        Command::SandboxExec => Err(Failure::usage("this helper is started by the program itself, never by hand")),
    }
}

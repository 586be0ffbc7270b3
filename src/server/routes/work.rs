//! The routes of what is done here: runs, requests, agents, the log, and the server itself.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::routing::{get, post};
use serde_json::Value;

use super::route::{Answer, Route, camel, describe};
use crate::domain::Action;
use crate::feeds::{SOURCES, Source};
use crate::protocol;
use crate::server::api::{
    agents, approvals, billing, doctor, document, hooks, log, oncall, probes, runs, slack, stripe, usage,
};
use crate::server::app::App;
use crate::server::{feed, health};
use crate::shape::{
    ApprovalDetail, ApprovalShape, BillingShape, OfferDetail, RunDetail, RunShape, UsageShape, Verification,
};

pub(super) fn run_routes() -> Vec<Route> {
    let run = || Answer::Json(describe::<RunShape<'static>>());
    vec![
        Route::get(
            "/v1/runs",
            "listRuns",
            "Runs, newest first",
            Answer::Json(describe::<runs::RunList<'static>>()),
            || get(runs::list),
        )
        .params::<runs::Wanted>(),
        Route::post(
            "/v1/runs",
            "startRun",
            "Start a run",
            describe::<runs::Start>(),
            Answer::Made(describe::<RunShape<'static>>()),
            || post(runs::start),
        )
        .needs(Action::StartRuns)
        .once(),
        Route::get(
            "/v1/runs/{id}",
            "showRun",
            "A run, its plan and its calls",
            Answer::Json(describe::<RunDetail<'static>>()),
            || get(runs::show),
        ),
        Route::post(
            "/v1/runs/{id}/cancel",
            "cancelRun",
            "Cancel a run; it cannot be resumed",
            describe::<runs::Cancel>(),
            run(),
            || post(runs::cancel),
        )
        .needs(Action::SteerRuns)
        .once(),
        Route::post(
            "/v1/runs/{id}/pause",
            "pauseRun",
            "Pause a run: let the current call finish, start nothing new",
            describe::<runs::Nothing>(),
            run(),
            || post(runs::pause),
        )
        .needs(Action::SteerRuns)
        .once(),
        Route::post(
            "/v1/runs/{id}/resume",
            "resumeRun",
            "Resume a paused run",
            describe::<runs::Nothing>(),
            run(),
            || post(runs::resume),
        )
        .needs(Action::SteerRuns)
        .once(),
        Route::get("/v1/runs/{id}/recording", "recordRun", "A run as a recording", Answer::Lines, || {
            get(runs::recording)
        })
        .needs(Action::Export)
        .takes_long(),
    ]
}

pub(super) fn approval_routes() -> Vec<Route> {
    let approval = || Answer::Json(describe::<ApprovalShape<'static>>());
    vec![
        Route::get(
            "/v1/approvals",
            "listApprovals",
            "Requests that wait for a person, oldest first",
            Answer::Json(describe::<approvals::ApprovalList<'static>>()),
            || get(approvals::list),
        )
        .params::<approvals::Wanted>()
        .needs(Action::ReadApprovals),
        Route::get(
            "/v1/approvals/{id}",
            "showApproval",
            "A request with everything on its card",
            Answer::Json(describe::<ApprovalDetail<'static>>()),
            || get(approvals::show),
        )
        .needs(Action::ReadApprovals),
        Route::post(
            "/v1/approvals/{id}/approve",
            "approve",
            "Approve an effect",
            describe::<approvals::Approve>(),
            approval(),
            || post(approvals::approve),
        )
        .needs(Action::ApproveLow)
        .once(),
        Route::post(
            "/v1/approvals/{id}/deny",
            "deny",
            "Deny an effect, or decline to answer a question",
            describe::<approvals::Deny>(),
            approval(),
            || post(approvals::deny),
        )
        .needs(Action::Deny)
        .once(),
        Route::post(
            "/v1/approvals/{id}/edit",
            "edit",
            "Change what an agent asks to do; returns the changed card, which needs approval",
            describe::<approvals::Edit>(),
            Answer::Json(describe::<ApprovalDetail<'static>>()),
            || post(approvals::edit),
        )
        .needs(Action::Edit)
        .once(),
        Route::post(
            "/v1/approvals/{id}/answer",
            "answer",
            "Answer an agent's question",
            describe::<approvals::Answer>(),
            approval(),
            || post(approvals::answer),
        )
        .needs(Action::Answer)
        .once(),
        Route::post(
            "/v1/approvals/{id}/settle",
            "settle",
            "Record the outcome of an effect that is in doubt",
            describe::<approvals::Settle>(),
            approval(),
            || post(approvals::settle),
        )
        .needs(Action::Settle)
        .once(),
    ]
}

pub(super) fn other_routes() -> Vec<Route> {
    let health = || Answer::Json(describe::<health::HealthReport>());
    vec![
        Route::get(
            "/v1/agents",
            "listAgents",
            "Agents and procedures that can be run",
            Answer::Json(describe::<agents::AgentList>()),
            || get(agents::list),
        ),
        Route::get(
            "/v1/agents/{name}",
            "showAgent",
            "An agent or a procedure with what it is told",
            Answer::Json(describe::<OfferDetail<'static>>()),
            || get(agents::show),
        ),
        Route::get(
            "/v1/probes",
            "listProbes",
            "The uptime probes: whether each answers, latency and uptime",
            Answer::Json(describe::<probes::ProbeList>()),
            || get(probes::list),
        )
        .needs(Action::ReadIncidents),
        Route::get(
            "/v1/doctor",
            "examine",
            "Check what works on the server, and how to fix what does not; calls no model",
            Answer::Json(describe::<doctor::Findings>()),
            || get(doctor::examine),
        )
        .needs(Action::ReadLog),
        Route::get(
            "/v1/oncall",
            "listOnCall",
            "Who is on call, for each schedule",
            Answer::Json(describe::<oncall::OnCallList>()),
            || get(oncall::list),
        )
        .params::<oncall::Wanted>()
        .needs(Action::ReadIncidents),
        Route::get(
            "/v1/usage",
            "showUsage",
            "What model calls cost, in all and by agent, model, person, run or day",
            Answer::Json(describe::<UsageShape>()),
            || get(usage::show),
        )
        .params::<usage::Wanted>()
        .needs(Action::ReadRuns)
        .note("Days are days in UTC. Where `unpriced_calls` is not 0, the amount beside it is a lower bound."),
        Route::get(
            "/v1/billing",
            "showBilling",
            "The plan, what is used of it, and the next invoice line by line as it would be issued now",
            Answer::Json(describe::<BillingShape>()),
            || get(billing::show),
        )
        .needs(Action::ReadRuns)
        .note("A billing period is a calendar month of UTC. `plan` and `invoice` are `null` where the server has no plan."),
        Route::get(
            "/v1/billing/invoices",
            "listInvoices",
            "Invoices that Stripe issued, newest first, and whether they are paid",
            Answer::Json(describe::<billing::InvoiceList>()),
            || get(billing::invoices),
        )
        .needs(Action::ReadRuns)
        .takes_long()
        .also(&[422]),
        Route::post(
            "/v1/billing/checkout",
            "subscribe",
            "Get a link to Stripe's page to subscribe to a plan; it is stored nowhere",
            describe::<billing::Checkout>(),
            Answer::Json(describe::<billing::PaymentLink>()),
            || post(billing::checkout),
        )
        .needs(Action::ManagePolicies)
        .takes_long(),
        Route::post(
            "/v1/billing/portal",
            "manageSubscription",
            "Get a link to Stripe's page to change the plan or the card, pay an invoice, or cancel; it is stored nowhere",
            describe::<runs::Nothing>(),
            Answer::Json(describe::<billing::PaymentLink>()),
            || post(billing::portal),
        )
        .needs(Action::ManagePolicies)
        .takes_long(),
        Route::get(
            "/v1/log",
            "readLog",
            "Events of the log, a page",
            Answer::Json(describe::<log::EventPage>()),
            || get(log::page),
        )
        .params::<log::Wanted>()
        .needs(Action::ReadLog),
        Route::get("/v1/log/export", "exportLog", "All events, one per line", Answer::Lines, || get(log::export))
            .needs(Action::Export)
            .takes_long(),
        Route::post(
            "/v1/log/verify",
            "verifyLog",
            "Recompute the hash chain and compare it with the saved heads",
            describe::<runs::Nothing>(),
            Answer::Json(describe::<Verification<'static>>()),
            || post(log::verify),
        )
        .needs(Action::Verify)
        .takes_long(),
        Route::get(
            protocol::FEED_PATH,
            "attach",
            "The feed of attached consoles, over a WebSocket",
            Answer::Switched,
            || get(feed::attach),
        )
        .needs(Action::ReadLog)
        .takes_long(),
        Route::post(
            "/v1/hooks/slack",
            "decideInSlack",
            "Take in a decision that somebody made by a button in Slack",
            describe::<Value>(),
            Answer::Json(describe::<slack::Reply>()),
            || post(slack::pressed),
        )
        .signed(),
        Route::post(
            "/v1/hooks/stripe",
            "noticeStripe",
            "Take in what Stripe posts: the subscription is then read again from Stripe",
            describe::<Value>(),
            Answer::Taken(describe::<stripe::Taken>()),
            || post(stripe::posted),
        )
        .signed()
        .also(&[429]),
        Route::get("/healthz", "health", "Whether the process is running", health(), || get(health::health)).open(),
        Route::get("/readyz", "readiness", "Whether the store answers and takes writes", health(), || {
            get(health::ready)
        })
        .open(),
        Route::get("/openapi.json", "describe", "This document", Answer::Document, || get(document::show)).open(),
    ]
}

/// A receiver for each source that posts.
pub(super) fn hook_routes() -> Vec<Route> {
    let receiver = |source: &'static Source| {
        let handler =
            move || post(async move |app: State<Arc<App>>, request: Request| hooks::take(app, source, request).await);
        let (path, name) = (format!("/v1/hooks/{}", source.name), camel(&["take", source.name]));
        Route::post(path, name, source.about, describe::<Value>(), Answer::Taken(describe::<hooks::Taken>()), handler)
            .hook(source.proof)
    };
    SOURCES.iter().map(receiver).collect()
}

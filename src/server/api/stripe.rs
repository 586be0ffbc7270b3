//! `/v1/hooks/stripe`: what Stripe posts. It is answered once what follows from it is on disk.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::feeds::LARGEST_BODY;
use crate::ports::{Noticed, PaymentError, PaymentErrorKind};
use crate::server::app::App;
use crate::server::body::{whole, with_status};
use crate::server::peer::Peer;
use crate::server::problem::Problem;
use crate::stripe::{NotStripe, SIGNATURE, verify};

/// Its name among the receivers.
const NAME: &str = "stripe";

/// What it led to.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct Taken {
    /// Whether the log says something else now.
    changed: bool,
}

/// `POST /v1/hooks/stripe`. Where it cannot be followed up now, Stripe is told so, and posts it again.
pub(in crate::server) async fn posted(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let Some(Peer(from)) = request.extensions().get().copied() else { return Err(Problem::internal()) };
    app.hooks.pace(NAME, from)?;
    let signature = request.headers().get(SIGNATURE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let door = &app.hooks.stripe;
    let Some(payments) = door.payments.as_ref().filter(|_| !door.secrets.is_empty()) else {
        return Err(refused(NotStripe::Closed));
    };
    // Nobody without anything like a signature has a body read.
    let signature = signature.ok_or_else(|| refused(NotStripe::Unsigned))?;
    let body = whole(request, LARGEST_BODY).await?;
    verify(&door.secrets, &signature, &body, app.gate.now()).map_err(refused)?;
    match payments.notice(app.client.as_ref(), &body).await.map_err(failed)? {
        Noticed::Changed => with_status(StatusCode::OK, &Taken { changed: true }),
        Noticed::Known => with_status(StatusCode::OK, &Taken { changed: false }),
        Noticed::Ignored(why) => {
            tracing::debug!(why, "a delivery of Stripe was ignored");
            with_status(StatusCode::ACCEPTED, &Taken { changed: false })
        }
    }
}

fn refused(why: NotStripe) -> Problem {
    tracing::warn!(%why, "a delivery of Stripe was turned away");
    match why {
        NotStripe::Closed => Problem::not_signed(why.to_string(), "set [billing.stripe] webhook_secrets"),
        NotStripe::Unsigned | NotStripe::Late => {
            Problem::not_signed(why.to_string(), "check the endpoint's signing secret and both clocks")
        }
    }
}

fn failed(error: PaymentError) -> Problem {
    tracing::warn!(%error, "a delivery of Stripe could not be followed up");
    match error.kind {
        PaymentErrorKind::Unreadable => Problem::malformed(error.message, error.hint),
        // What exactly is wrong stands in the log file: it is not for the sender.
        PaymentErrorKind::Usage | PaymentErrorKind::Refused | PaymentErrorKind::ForNow | PaymentErrorKind::Failed => {
            Problem::unavailable("it cannot be followed up now", "post it again later")
        }
    }
}

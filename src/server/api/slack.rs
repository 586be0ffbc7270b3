//! `/v1/hooks/slack`: decisions that people make by buttons in Slack, with the rights of their accounts here.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::access::Refusal;
use crate::domain::{ShortId, Untrusted};
use crate::kinds::{Approval, RowKind};
use crate::ports::{Answer, Query, RowFilter, RowQuery};
use crate::server::app::App;
use crate::server::body::{MOST, json, whole};
use crate::server::commit;
use crate::server::problem::Problem;
use crate::server::slack::{NotSlack, Pressed, read};

/// What only the person who pressed sees.
#[derive(Clone, Serialize, JsonSchema)]
pub(in crate::server) struct Reply {
    response_type: &'static str,
    replace_original: bool,
    text: String,
}

/// `POST /v1/hooks/slack`. A decision that is refused is answered like one that is made: Slack shows no other answers.
pub(in crate::server) async fn pressed(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (time, signature) = (header(&request, "x-slack-request-timestamp"), header(&request, "x-slack-signature"));
    let body = whole(request, MOST).await?;
    let now = app.gate.now();
    app.hooks.slack.check((time.as_deref(), signature.as_deref()), &body, now).map_err(refused)?;
    let pressed = read(&body).map_err(refused)?;
    let text = decide(&app, &pressed).await;
    let reply = Reply { response_type: "ephemeral", replace_original: false, text: text.clone() };
    if let Some(url) = pressed.response_url {
        let host = app.host.clone();
        // Slack waits for three seconds, and not for this.
        app.tasks.spawn(async move { host.reply_in_slack(&url, &text).await });
    }
    json(&reply)
}

fn header(request: &Request, name: &str) -> Option<String> {
    request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn refused(why: NotSlack) -> Problem {
    tracing::warn!(%why, "a request of Slack was turned away");
    match why {
        NotSlack::Closed => Problem::not_signed(why.to_string(), "set [oncall] slack_signing_secrets"),
        NotSlack::Unsigned | NotSlack::Late => {
            Problem::not_signed(why.to_string(), "check the signing secret and both clocks")
        }
        NotSlack::Unreadable => {
            Problem::malformed(why.to_string(), "only the buttons of this program's messages are known")
        }
    }
}

/// What the person is told.
async fn decide(app: &App, pressed: &Pressed) -> String {
    let Some(name) = app.hooks.slack.person(&pressed.user) else {
        let user = Untrusted::from(pressed.user.as_str()).cut(40);
        return format!("Nothing was decided: {} is nobody here. [oncall.people] names who is who.", user.visible());
    };
    let refusal = |refusal: Refusal| format!("Nothing was decided: {}. {}", refusal.message, refusal.hint);
    let principal = match app.gate.vouched(name).await {
        Ok(principal) => principal,
        Err(refused) => return refusal(refused),
    };
    if let Some(why) = only_deny(app, pressed).await {
        return format!("Nothing was decided: {why}. Decide in the console.");
    }
    match commit::decide(app, &principal, pressed.command.clone(), None).await {
        Ok(_) => format!("{} as {name}.", if is_approval(pressed) { "Approved" } else { "Denied" }),
        Err(rejection) => format!("Nothing was decided: {}. {}", rejection.message, rejection.hint),
    }
}

/// Why this card cannot be approved here, whatever button was shown.
async fn only_deny(app: &App, pressed: &Pressed) -> Option<&'static str> {
    let id = pressed.command.approval().filter(|_| is_approval(pressed))?;
    let named = ShortId::parse(&id.to_string())?;
    let query = Query::Rows(RowQuery::first(RowKind::Approval, RowFilter::Named(named), 1));
    let found = app.client.query(query).await.and_then(Answer::rows::<Approval>).ok()?;
    found.rows.first()?.ask.only_deny_elsewhere()
}

fn is_approval(pressed: &Pressed) -> bool {
    use crate::kinds::{ApprovalVerb, Command};
    matches!(pressed.command, Command::Approval { verb: ApprovalVerb::Approve { .. }, .. })
}

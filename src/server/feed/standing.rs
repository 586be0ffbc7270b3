//! Whether the person at an attached console may stay, and what they may do there. Looked at every second: what was
//! revoked, has expired, or was taken from an account ends on a connection that is open too.

use std::sync::Arc;
use std::time::Duration;

use super::end::End;
use crate::access::{Principal, Reach, Refusal, RefusalKind};
use crate::domain::Action;
use crate::ports::Observe;
use crate::protocol::close;
use crate::server::app::App;

/// Time between looks.
const LOOK: Duration = Duration::from_secs(1);
/// What a look may take. Without an answer one stays: each command is looked at again, and none passes unseen.
const PATIENCE: Duration = Duration::from_secs(5);

/// Returns when a console has to be left, and says why.
pub(super) async fn over(app: Arc<App>, principal: Principal) -> End {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Ok(now) = tokio::time::timeout(PATIENCE, app.gate.again(&principal)).await
            && let Some(end) = ended(&principal, now)
        {
            return end;
        }
    }
}

/// What a look found, if it is an end.
fn ended(before: &Principal, now: Result<Principal, Refusal>) -> Option<End> {
    match now {
        Err(refusal) if refusal.kind == RefusalKind::Unavailable => None,
        Err(refusal) => Some(End::new(close::OVER, refusal.message)),
        Ok(now) => match now.may(Action::ReadLog) {
            Err(refused) => Some(End::new(close::OVER, refused.to_string())),
            Ok(()) if now.role == before.role && now.reach == before.reach => None,
            Ok(()) => Some(End::new(close::RIGHTS, format!("you are {} now, and were {}", now.role, before.role))),
        },
    }
}

/// Whether a console offers decisions: not where the server makes none, nor to somebody who may make none.
pub(super) fn observe(server: &Observe, principal: &Principal) -> Observe {
    match (server, principal.may_command(), &principal.reach) {
        (Observe::Yes { .. }, _, _) => {
            Observe::Yes { hint: "the server was started with --observe; start one without it".to_owned() }
        }
        (Observe::No, true, _) => Observe::No,
        (Observe::No, false, Reach::Role) => {
            let hint =
                format!("you are {} on this server; deciding and starting runs takes an operator", principal.role);
            Observe::Yes { hint }
        }
        (Observe::No, false, Reach::Scoped(_)) => {
            Observe::Yes { hint: "your token is for looking; attach with one that is for more".to_owned() }
        }
    }
}

//! What was asked for and is not answered yet, kept over cut connections and sent again on the next one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use crate::protocol::{FromConsole, Outcome, Wish};

#[derive(Default)]
pub(super) struct Pending {
    /// By id; UUIDv7, so in the order they were asked.
    waiting: Mutex<BTreeMap<Uuid, Waiting>>,
    place: Mutex<Place>,
    news: Notify,
}

/// What this console looks at, and what was said of that over this connection. Both begin empty: nothing is looked at.
#[derive(Default)]
struct Place {
    name: String,
    said: String,
}

struct Waiting {
    wish: Wish,
    is_sent: bool,
    reply: oneshot::Sender<Outcome>,
}

impl Pending {
    /// Asks, and waits for the outcome over as many connections as it takes. Giving up on it forgets it.
    pub(super) async fn ask(&self, wish: Wish) -> Option<Outcome> {
        let id = Uuid::now_v7();
        let (reply, outcome) = oneshot::channel();
        self.waiting().insert(id, Waiting { wish, is_sent: false, reply });
        let _forgetting = Forgetting { pending: self, id };
        self.news.notify_one();
        outcome.await.ok()
    }

    /// This console looks at something else now.
    pub(super) fn look_at(&self, name: &str) {
        let mut place = self.place();
        if place.name != name {
            name.clone_into(&mut place.name);
            self.news.notify_one();
        }
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something may have to be sent.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// The messages to send now; each is taken for sent.
    pub(super) fn to_send(&self) -> Vec<FromConsole> {
        let mut waiting = self.waiting();
        let unsent = waiting.iter_mut().filter(|(_, waiting)| !waiting.is_sent);
        let requests = unsent.map(|(id, waiting)| {
            waiting.is_sent = true;
            FromConsole::Request { id: *id, wish: Box::new(waiting.wish.clone()) }
        });
        let mut place = self.place();
        let looks = (place.said != place.name).then(|| FromConsole::LooksAt { place: place.name.clone() });
        place.said = place.name.clone();
        requests.chain(looks).collect()
    }

    /// The connection is cut: what was sent over it may have arrived or not, and is sent again over the next one.
    pub(super) fn cut(&self) {
        self.place().said.clear();
        for waiting in self.waiting().values_mut().filter(|waiting| waiting.is_sent) {
            waiting.is_sent = false;
        }
    }

    /// There will be no more connection: callers are told so, and nothing of it is sent again.
    pub(super) fn end(&self) {
        self.waiting().clear();
    }

    /// An outcome that nobody waits for any more is dropped.
    pub(super) fn settle(&self, id: Uuid, outcome: Outcome) {
        if let Some(waiting) = self.waiting().remove(&id) {
            let _ = waiting.reply.send(outcome);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Uuid, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a wish and its caller.
struct Forgetting<'a> {
    pending: &'a Pending,
    id: Uuid,
}

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        self.pending.waiting().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ApprovalId;
    use crate::kinds::ApprovalVerb;

    fn approve() -> Wish {
        let command = ApprovalVerb::Approve { digest: "0".repeat(12) }.on(ApprovalId(Uuid::nil()));
        Wish::Submit { command: Box::new(command) }
    }

    #[tokio::test]
    async fn what_was_sent_is_sent_again_under_the_same_id() {
        let pending = Arc::new(Pending::default());
        let asking = tokio::spawn({
            let pending = pending.clone();
            async move { pending.ask(approve()).await }
        });
        pending.news().await;
        let first = pending.to_send();
        let [FromConsole::Request { id, .. }] = first[..] else { panic!("{first:?}") };
        assert!(pending.to_send().is_empty(), "once over one connection");
        pending.cut();
        assert_eq!(pending.to_send(), first);
        pending.settle(id, Outcome::Remembered {});
        assert_eq!(asking.await.unwrap(), Some(Outcome::Remembered {}));
        assert!(pending.waiting().is_empty());
    }

    #[test]
    fn looking_at_nothing_any_more_is_said_too() {
        let said = |pending: &Pending| match &pending.to_send()[..] {
            [] => None,
            [FromConsole::LooksAt { place }] => Some(place.clone()),
            other => panic!("{other:?}"),
        };
        let pending = Pending::default();
        assert_eq!(said(&pending), None, "a connection begins with nothing looked at");
        pending.look_at("approvals");
        assert_eq!(said(&pending).as_deref(), Some("approvals"));
        assert_eq!(said(&pending), None, "once over one connection");
        pending.cut();
        assert_eq!(said(&pending).as_deref(), Some("approvals"));
        pending.look_at("");
        assert_eq!(said(&pending).as_deref(), Some(""), "a locked console looks at nothing");
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_sent() {
        let pending = Pending::default();
        let given_up = tokio::time::timeout(std::time::Duration::ZERO, pending.ask(approve())).await;
        assert!(given_up.is_err() && pending.to_send().is_empty());
    }
}

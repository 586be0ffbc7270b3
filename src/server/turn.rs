//! One piece of upkeep at a time, each done to its end: the caller may be gone by then, and the next one waits
//! for nobody and is refused.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use tokio_util::task::TaskTracker;

use super::problem::Problem;

/// What is under way, if anything is.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Mutex<Option<&'static str>>>);

/// The right to do it. Dropping it lets the next one begin.
struct Turn(Turns);

impl Turns {
    /// Does `work`, which people know as `what`, unless something else is under way. Who ends `tasks` waits for it.
    pub(super) async fn take_one<T: Send + 'static>(
        &self,
        tasks: &TaskTracker,
        what: &'static str,
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = self.take(what)?;
        let done = tasks.spawn(async move {
            let _turn = turn;
            work.await
        });
        done.await.map_err(|error| {
            tracing::error!(%error, "{what} was cut short");
            Problem::internal()
        })?
    }

    fn take(&self, what: &'static str) -> Result<Turn, Problem> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = *under_way {
            let detail = format!("{other} is under way, and the store is looked after one thing at a time");
            return Err(Problem::new(StatusCode::CONFLICT, "busy", detail, "ask again when it has ended"));
        }
        *under_way = Some(what);
        Ok(Turn(self.clone()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_caller_is_told_what_is_under_way_until_it_ended() {
        let turns = Turns::default();
        let turn = turns.take("a backup").ok().unwrap();
        let refused = serde_json::to_value(turns.take("pruning").err().unwrap()).unwrap();
        assert_eq!(refused["status"], 409);
        assert!(refused["detail"].as_str().unwrap().starts_with("a backup is under way"), "{refused}");
        drop(turn);
        assert!(turns.take("pruning").is_ok());
    }
}

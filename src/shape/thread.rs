//! A run's history, read from its stream and folded.

use crate::domain::RunId;
use crate::fold::Thread;
use crate::kinds::Stream;
use crate::ports::{Answer, Client, ClientError, Query};

/// Events read at once.
const PAGE: u32 = 500;

/// The history of a run, read a page at a time.
pub async fn thread(client: &dyn Client, run: RunId) -> Result<Option<Thread>, ClientError> {
    let mut thread: Option<Thread> = None;
    loop {
        let after = thread.as_ref().map_or(0, |thread| thread.version);
        let query = Query::Stream { stream: Stream::Run(run), after, limit: PAGE };
        let Answer::Events(page) = client.query(query).await? else { return Ok(thread) };
        match &mut thread {
            Some(thread) => page.rows.iter().for_each(|envelope| thread.apply(envelope)),
            None => thread = Thread::of(&page.rows),
        }
        if !page.more || thread.is_none() {
            return Ok(thread);
        }
    }
}

//! Everything that can wake the console up.

use tokio::sync::broadcast::error::RecvError;

use crate::console::terminal::Told;
use crate::console::update::Reply;
use crate::fold::Snapshot;
use crate::ports::{ClientError, Feed};

/// Closed on purpose: whatever wakes the loop can be found by searching for this.
pub enum Wake {
    /// A key, pasted text, the mouse, a new size, a flushed frame, a signal, a lost line.
    Terminal(Told),
    /// What came of a request.
    Reply(Reply),
    /// The source was opened, or not.
    Opened(Result<Box<(Snapshot, Feed)>, ClientError>),
    /// The feed has something, or has ended.
    Feed(Heard),
    /// A frame may be drawn, a toast has been shown long enough, a card can be decided, a clock has moved.
    Time,
}

/// What a feed gives.
pub enum Heard {
    Item(crate::ports::FeedItem),
    /// Items were missed: take a fresh snapshot.
    Missed,
    Ended,
}

impl Heard {
    /// The next thing a feed gives; never, without a feed.
    pub async fn next(feed: Option<&mut Feed>) -> Self {
        match feed {
            Some(feed) => match feed.recv().await {
                Ok(item) => Self::Item(item),
                Err(RecvError::Lagged(_)) => Self::Missed,
                Err(RecvError::Closed) => Self::Ended,
            },
            None => std::future::pending().await,
        }
    }
}

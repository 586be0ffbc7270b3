//! A thing's history for documents: its events, those of what it is about, and of what these asked people.

use std::collections::BTreeMap;

use super::{Answer, Client, ClientError, Query};
use crate::kinds::{Envelope, Event, History, Stream};

/// Events read at once.
const PAGE: u32 = 500;

/// Reads all of it.
pub async fn history(client: &dyn Client, of: Stream, about: Vec<Stream>) -> Result<History, ClientError> {
    let mut streams = BTreeMap::new();
    let mut waiting: Vec<Stream> = about.into_iter().chain([of]).collect();
    while let Some(stream) = waiting.pop() {
        if streams.contains_key(&stream) {
            continue;
        }
        let events = read(client, stream).await?;
        waiting.extend(events.iter().filter_map(|envelope| {
            let Event::Run(event) = &envelope.event else { return None };
            event.asks().map(Stream::Approval)
        }));
        streams.insert(stream, events);
    }
    Ok(History { of, streams })
}

async fn read(client: &dyn Client, stream: Stream) -> Result<Vec<Envelope>, ClientError> {
    let mut events: Vec<Envelope> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.version);
        let page = client.query(Query::Stream { stream, after, limit: PAGE }).await.and_then(Answer::events)?;
        let is_last = !page.more || page.rows.is_empty();
        events.extend(page.rows);
        if is_last {
            return Ok(events);
        }
    }
}

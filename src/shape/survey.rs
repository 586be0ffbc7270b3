//! Surveys of a kind: its events since a time, read from the log and counted.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::Timestamp;
use crate::kinds::{Envelope, Stream, Survey, SurveyLine};
use crate::ports::{Answer, Client, ClientError, Query};

/// Events read at once.
const PAGE: u32 = 500;

/// Reads what happened since then, and the first event of each thing that it happened to.
pub async fn survey(client: &dyn Client, survey: &Survey, since: Timestamp) -> Result<Vec<SurveyLine>, ClientError> {
    let mut events = read(client, survey, since).await?;
    let begun: BTreeSet<Stream> = events.iter().filter(|event| event.version == 1).map(|event| event.stream).collect();
    let older: BTreeSet<_> = events.iter().map(|event| event.stream).filter(|stream| !begun.contains(stream)).collect();
    for stream in older {
        let query = Query::Stream { stream, after: 0, limit: 1 };
        events.extend(client.query(query).await.and_then(Answer::events)?.rows);
    }
    let in_order: BTreeMap<u64, Envelope> = events.into_iter().map(|event| (event.seq, event)).collect();
    Ok((survey.count)(&in_order.into_values().collect::<Vec<_>>(), since))
}

async fn read(client: &dyn Client, survey: &Survey, since: Timestamp) -> Result<Vec<Envelope>, ClientError> {
    let mut found: Vec<Envelope> = Vec::new();
    // As events begin where they are stored; the store finds them by it.
    let text = format!("\"type\":\"{}", survey.family);
    loop {
        let before = found.last().map_or(u64::MAX, |event| event.seq);
        let query = Query::Search { text: text.clone(), before, limit: PAGE };
        let page = client.query(query).await.and_then(Answer::events)?;
        let is_last = !page.more || page.rows.is_empty() || page.rows.iter().any(|event| event.at < since);
        found.extend(page.rows.into_iter().filter(|event| event.at >= since));
        if is_last {
            return Ok(found);
        }
    }
}

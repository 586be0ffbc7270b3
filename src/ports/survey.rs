//! Surveys of a kind: its events since a time, read from the log page by page and counted. What is kept meanwhile does not
//! grow with how long ago that is.

use super::{Answer, Client, ClientError, Query};
use crate::domain::Timestamp;
use crate::kinds::{Survey, SurveyLine};

/// Events read at once.
const PAGE: u32 = 500;

/// Counts what happened since then.
pub async fn read_survey(
    client: &dyn Client,
    survey: &Survey,
    since: Timestamp,
) -> Result<Vec<SurveyLine>, ClientError> {
    let mut tally = (survey.begin)();
    // As events begin where they are stored; the store finds them by it.
    let text = format!("\"type\":\"{}", survey.family);
    let mut before = u64::MAX;
    loop {
        let query = Query::Search { text: text.clone(), before, limit: PAGE };
        let page = client.query(query).await.and_then(Answer::events)?;
        page.rows.iter().filter(|event| event.at >= since).for_each(|event| tally.count(event));
        let last = page.rows.last().map(|event| event.seq).filter(|_| page.more);
        match last.filter(|_| page.rows.iter().all(|event| event.at >= since)) {
            Some(last) => before = last,
            None => break,
        }
    }
    for stream in tally.unknown() {
        let query = Query::Stream { stream, after: 0, limit: 1 };
        client.query(query).await.and_then(Answer::events)?.rows.iter().for_each(|event| tally.learn(event));
    }
    Ok(tally.lines())
}

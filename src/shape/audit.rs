//! Who tried to get in, what changed about accounts, and who decided what: read from the log itself.

use crate::kinds::{Envelope, Event};
use crate::ports::{Log, LogError, Page};

/// Events read at once.
const PAGE: u32 = 500;

/// Which of them.
#[derive(Clone, Copy, Debug)]
pub struct Audited<'a> {
    /// Only what this person did.
    pub who: Option<&'a str>,
    /// Only events before this `seq`.
    pub before: u64,
    /// How many at most.
    pub limit: u32,
}

/// The newest first, and whether there are more.
pub async fn audit(log: &dyn Log, wanted: Audited<'_>) -> Result<Page<Envelope>, LogError> {
    let mut rows = Vec::new();
    for family in Event::audited() {
        // As events begin where they are stored; the store finds them by it.
        rows.extend(newest(log, &format!("\"type\":\"{family}"), wanted).await?);
    }
    rows.sort_by_key(|envelope| std::cmp::Reverse(envelope.seq));
    let more = rows.len() > wanted.limit as usize;
    rows.truncate(wanted.limit as usize);
    Ok(Page { rows, more })
}

/// The newest of one family, one more than is wanted where there is one.
async fn newest(log: &dyn Log, family: &str, wanted: Audited<'_>) -> Result<Vec<Envelope>, LogError> {
    let by_them =
        |envelope: &Envelope| wanted.who.is_none_or(|who| envelope.by.name().eq_ignore_ascii_case(who.trim()));
    let mut found = Vec::new();
    let mut before = wanted.before;
    while found.len() <= wanted.limit as usize {
        let page = log.read_back(before, PAGE, Some(family)).await?;
        let Some(last) = page.rows.last() else { break };
        before = last.seq;
        found.extend(page.rows.into_iter().filter(|envelope| envelope.event.is_audited() && by_them(envelope)));
        if !page.more {
            break;
        }
    }
    Ok(found)
}

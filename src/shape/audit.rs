//! Who tried to get in, what changed about accounts, and who decided what: read from the log itself.

use crate::kinds::{ApprovalEvent, Envelope, Event};
use crate::ports::{Log, LogError, Page};

/// Events read at once.
const PAGE: u32 = 500;
/// How events of these families begin as they are stored; the store finds them by it.
const FAMILIES: [&str; 2] = ["\"type\":\"access.", "\"type\":\"approval."];

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
    for family in FAMILIES {
        rows.extend(newest(log, family, wanted).await?);
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
        found.extend(page.rows.into_iter().filter(|envelope| is_audited(&envelope.event) && by_them(envelope)));
        if !page.more {
            break;
        }
    }
    Ok(found)
}

/// What somebody did or tried. A request is not yet a decision.
fn is_audited(event: &Event) -> bool {
    match event {
        Event::Account(_) => true,
        Event::Approval(ApprovalEvent::Requested { .. }) | Event::Run(_) | Event::Erased(_) => false,
        Event::Approval(_) => true,
    }
}

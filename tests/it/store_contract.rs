//! What every store must do, whatever it is made of: written against `dyn Log`, run by each store's own tests.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use morningai::domain::{Actor, ApprovalId, BlobId, IdempotencyKey, RunId, Timestamp};
use morningai::kinds::{ApprovalEvent, Event, Row, RowKey, RowKind, RunEvent, Stream};
use morningai::ports::{
    Answered, Batch, Fence, Head, Lease, Log, LogErrorKind, NewEvent, RowFilter, RowPlace, RowQuery,
};
use uuid::Uuid;

/// A fresh place to store things, in which logs can be opened again and again, as by several processes.
#[async_trait]
pub trait Storage: Send + Sync {
    async fn open(&self, tenant: &str) -> Arc<dyn Log>;
}

pub fn run(number: u128) -> RunId {
    RunId(Uuid::from_u128(number))
}

pub fn at(microseconds: i64) -> Timestamp {
    Timestamp::from_timestamp_micros(1_790_000_000_000_000 + microseconds).unwrap()
}

/// An event with a text of our choice in it.
pub fn paused(run: RunId, version: u64, reason: &str) -> NewEvent {
    NewEvent {
        stream: Stream::Run(run),
        version,
        at: at(version as i64),
        by: Actor::Person("ana".into()),
        event: Event::Run(RunEvent::Paused { reason: reason.into(), over: None }),
    }
}

pub fn batch(after: u64, events: Vec<NewEvent>) -> Batch {
    Batch { after, events, ..Batch::default() }
}

pub async fn append_one(log: &dyn Log, run: RunId, version: u64, reason: &str) -> u64 {
    let after = log.head().await.unwrap().seq;
    log.append(batch(after, vec![paused(run, version, reason)])).await.unwrap()[0].seq
}

fn row(kind: RowKind, id: &str, is_open: bool, sort: i64, body: &str) -> Row {
    let key = RowKey { kind, id: id.into() };
    Row { key, is_open, sort: at(sort), state: String::new(), parent: None, due: None, body: body.into() }
}

pub async fn what_is_appended_is_read_back_the_same(storage: &dyn Storage) {
    let log = storage.open("local").await;
    assert_eq!(log.head().await.unwrap(), Head::default());
    let approval = ApprovalId(Uuid::from_u128(9));
    let denied = ApprovalEvent::Denied { reason: "не \u{202e}\0\"now\"\n".into() };
    let events = vec![
        paused(run(1), 1, "a \"quoted\" \\ text\u{1}"),
        NewEvent {
            stream: Stream::Approval(approval),
            version: 1,
            at: at(5),
            by: Actor::Agent("d\"ev\u{7f}".into()),
            event: Event::Approval(denied),
        },
        NewEvent { by: Actor::System, ..paused(run(1), 2, "") },
    ];
    let appended = log.append(batch(0, events)).await.unwrap();
    assert_eq!(appended.iter().map(|envelope| envelope.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(log.read(0, 100).await.unwrap(), appended);
    assert_eq!(log.read(1, 1).await.unwrap(), appended[1..2]);
    assert_eq!(log.read_stream(Stream::Run(run(1)), 1, 9).await.unwrap(), appended[2..]);
    assert_eq!(log.read_stream(Stream::Approval(approval), 0, 9).await.unwrap(), appended[1..2]);
    let head = log.head().await.unwrap();
    assert_eq!((head.seq, head.hash.len()), (3, 64));
    let report = log.verify(std::slice::from_ref(&head)).await.unwrap();
    assert_eq!((report.problems, report.events, report.head), (vec![], 3, head));
}

pub async fn several_writers_get_dense_numbers(storage: &dyn Storage) {
    let writers = 4;
    let each = 25;
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..writers {
        let log = storage.open("local").await;
        tasks.spawn(async move {
            let mut written = Vec::new();
            while written.len() < each {
                let after = log.head().await.unwrap().seq;
                let version = written.len() as u64 + 1;
                match log.append(batch(after, vec![paused(run(writer), version, "x")])).await {
                    Ok(done) => written.push(done[0].seq),
                    Err(error) => assert_eq!(error.kind, LogErrorKind::Conflict, "{error}"),
                }
            }
            written
        });
    }
    let mut seqs = BTreeSet::new();
    while let Some(written) = tasks.join_next().await {
        for seq in written.unwrap() {
            assert!(seqs.insert(seq), "{seq} was given twice");
        }
    }
    assert!(seqs.into_iter().eq(1..=(writers as u64 * each as u64)));
    let report = storage.open("local").await.verify(&[]).await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
}

pub async fn a_batch_decided_on_an_old_log_is_a_conflict(storage: &dyn Storage) {
    let (one, other) = (storage.open("local").await, storage.open("local").await);
    append_one(&*one, run(1), 1, "first").await;
    let stale = Batch {
        after: 0,
        events: vec![paused(run(2), 1, "stale")],
        rows: vec![row(RowKind::Run, &run(2).to_string(), true, 1, "{}")],
        ..Batch::default()
    };
    for log in [&other, &one] {
        let error = log.append(stale.clone()).await.unwrap_err();
        assert_eq!(error.kind, LogErrorKind::Conflict, "{error}");
    }
    let early = log_ahead(&*one).await;
    assert_eq!(early, LogErrorKind::Conflict);
    assert_eq!(one.read(0, 9).await.unwrap().len(), 1);
    assert!(one.rows(RowQuery::whole(RowKind::Run, RowFilter::Open)).await.unwrap().rows.is_empty());
    assert_eq!(append_one(&*other, run(2), 1, "anew").await, 2);
}

async fn log_ahead(log: &dyn Log) -> LogErrorKind {
    log.append(batch(7, vec![paused(run(3), 1, "from a future")])).await.unwrap_err().kind
}

/// Longer than any test lasts.
const LONG: Duration = Duration::from_secs(9);
const SHORT: Duration = Duration::from_millis(200);

/// The lease, once whoever holds the run has let it lapse.
async fn claimed_in_the_end(log: &dyn Log, owner: &str) -> Lease {
    loop {
        match log.claim(run(1), owner, LONG).await.unwrap() {
            Some(lease) => return lease,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

pub async fn a_lease_has_one_holder_and_growing_tokens(storage: &dyn Storage) {
    let log = storage.open("local").await;
    let asked = Instant::now();
    let first = log.claim(run(1), "a", SHORT).await.unwrap().unwrap();
    assert_eq!(log.claim(run(1), "b", LONG).await.unwrap(), None);
    let taken = claimed_in_the_end(&*log, "b").await;
    assert!(asked.elapsed() >= SHORT, "taken after {:?}", asked.elapsed());
    assert!(taken.token > first.token);
    assert_eq!(log.claim(run(1), "a", LONG).await.unwrap(), None);
    log.release(&first).await.unwrap();
    assert_eq!(log.claim(run(1), "a", LONG).await.unwrap(), None, "a lease that is no longer ours was given back");
    log.release(&taken).await.unwrap();
    let again = log.claim(run(1), "a", LONG).await.unwrap().unwrap();
    assert!(again.token > taken.token);
}

pub async fn a_renewed_lease_lasts_on(storage: &dyn Storage) {
    let log = storage.open("local").await;
    let first = log.claim(run(1), "a", SHORT).await.unwrap().unwrap();
    let began = Instant::now();
    while began.elapsed() < 2 * SHORT {
        assert_eq!(log.claim(run(1), "a", LONG).await.unwrap(), Some(first.clone()), "the token stays");
        assert_eq!(log.claim(run(1), "b", LONG).await.unwrap(), None);
        tokio::time::sleep(SHORT / 10).await;
    }
}

pub async fn a_lease_asked_for_ever_is_a_lease_like_any_other(storage: &dyn Storage) {
    let log = storage.open("local").await;
    let lease = log.claim(run(1), "a", Duration::MAX).await.unwrap().unwrap();
    assert_eq!(log.claim(run(1), "b", LONG).await.unwrap(), None);
    log.release(&lease).await.unwrap();
    assert!(log.claim(run(1), "b", LONG).await.unwrap().is_some());
}

pub async fn an_append_without_its_lease_is_fenced(storage: &dyn Storage) {
    let log = storage.open("local").await;
    let lease = log.claim(run(1), "a", SHORT).await.unwrap().unwrap();
    let fence = Fence { run: run(1), token: lease.token };
    let fenced =
        |after, fences| Batch { after, events: vec![paused(run(1), after + 1, "x")], fences, ..Batch::default() };
    log.append(fenced(0, vec![fence])).await.unwrap();

    let newer = claimed_in_the_end(&*log, "b").await;
    let error = log.append(fenced(1, vec![fence])).await.unwrap_err();
    assert_eq!(error.kind, LogErrorKind::Fenced);
    assert!(error.message.contains(&run(1).to_string()), "{}", error.message);
    let good = Fence { run: run(1), token: newer.token };
    assert_eq!(log.append(fenced(1, vec![good, fence])).await.unwrap_err().kind, LogErrorKind::Fenced);
    log.append(fenced(1, vec![good])).await.unwrap();
    log.release(&newer).await.unwrap();
    assert_eq!(log.append(fenced(2, vec![good])).await.unwrap_err().kind, LogErrorKind::Fenced);
    let unknown = Fence { run: run(8), token: 1 };
    assert_eq!(log.append(fenced(2, vec![unknown])).await.unwrap_err().kind, LogErrorKind::Fenced);
    assert_eq!(log.head().await.unwrap().seq, 2);
}

pub async fn rows_are_found_newest_first_by_state(storage: &dyn Storage) {
    let log = storage.open("local").await;
    let id = |number: u128| run(number).to_string();
    let rows: Vec<_> =
        (1..=7).map(|n| row(RowKind::Run, &id(n), n % 3 == 0, n as i64 / 2, &format!("[{n}]"))).collect();
    let others = [row(RowKind::Spend, "2026-11-24", false, 3, "{}"), row(RowKind::Approval, &id(1), true, 1, "1")];
    log.append(Batch { rows: [&rows[..], &others[..]].concat(), ..batch(0, vec![]) }).await.unwrap();

    let bodies = |filter| {
        let log = Arc::clone(&log);
        async move {
            let page = log.rows(filter).await.unwrap();
            (page.rows.into_iter().map(|row| row.body).collect::<Vec<_>>(), page.more)
        }
    };
    let kind = RowKind::Run;
    let named = |numbers: &[u32]| numbers.iter().map(|n| format!("[{n}]")).collect::<Vec<_>>();
    let first = |filter, limit| RowQuery::first(kind, filter, limit);
    let behind = |row: &Row| Some(RowPlace { sort: row.sort, id: row.key.id.clone() });
    assert_eq!(bodies(RowQuery::whole(kind, RowFilter::Open)).await, (named(&[6, 3]), false));
    assert_eq!(bodies(first(RowFilter::All, 4)).await, (named(&[7, 6, 5, 4]), true));
    let all = RowQuery { after: behind(&rows[3]), ..first(RowFilter::All, 3) };
    assert_eq!(bodies(all).await, (named(&[3, 2, 1]), false));
    assert_eq!(bodies(RowQuery::ended(kind, behind(&rows[6]), 2)).await, (named(&[5, 4]), true));
    assert_eq!(bodies(RowQuery::ended(kind, behind(&rows[3]), 9)).await, (named(&[2, 1]), false));
    let one = |number| first(RowFilter::One(Uuid::from_u128(number)), 1);
    assert_eq!(log.rows(one(5)).await.unwrap().rows, rows[4..5]);
    assert_eq!(log.rows(one(50)).await.unwrap().rows, []);
    let spend = log.rows(RowQuery::first(RowKind::Spend, RowFilter::All, 5)).await.unwrap();
    assert_eq!(spend.rows, others[..1]);
}

pub async fn rows_are_found_by_their_state_their_parent_and_the_time_they_wait_for(storage: &dyn Storage) {
    let log = storage.open("local").await;
    let kind = RowKind::Approval;
    let asked = |number: u128, state: &str, of: u128, due: Option<i64>| Row {
        state: state.to_owned(),
        parent: Some(Stream::Run(run(of))),
        due: due.map(at),
        ..row(kind, &Uuid::from_u128(number).to_string(), due.is_some(), number as i64, &format!("[{number}]"))
    };
    let mut rows = vec![
        asked(1, "denied", 1, None),
        asked(2, "pending", 2, Some(50)),
        asked(3, "pending", 1, Some(20)),
        asked(4, "denied", 2, None),
    ];
    log.append(Batch { rows: rows.clone(), ..batch(0, vec![]) }).await.unwrap();
    let found = |filter| {
        let log = Arc::clone(&log);
        async move { log.rows(RowQuery::whole(kind, filter)).await.unwrap().rows }
    };
    let in_state = |state: &str| found(RowFilter::InState(state.to_owned()));
    assert_eq!(in_state("denied").await, [rows[3].clone(), rows[0].clone()]);
    assert_eq!(found(RowFilter::PartOf(Stream::Run(run(1)))).await, [rows[2].clone(), rows[0].clone()]);
    assert_eq!(found(RowFilter::PartOf(Stream::Approval(ApprovalId(run(1).0)))).await, []);
    assert_eq!(found(RowFilter::DueBefore(at(50))).await, [rows[2].clone()]);
    let newest = RowQuery::first(kind, RowFilter::InState("denied".to_owned()), 1);
    let page = log.rows(newest.clone()).await.unwrap();
    let place = RowPlace { sort: page.rows[0].sort, id: page.rows[0].key.id.clone() };
    assert_eq!((page.rows, page.more), (vec![rows[3].clone()], true));
    let rest = log.rows(RowQuery { after: Some(place), ..newest }).await.unwrap();
    assert_eq!((rest.rows, rest.more), (vec![rows[0].clone()], false));

    rows[2] = asked(3, "expired", 1, None);
    log.append(Batch { rows: vec![rows[2].clone()], ..batch(0, vec![]) }).await.unwrap();
    assert_eq!(in_state("pending").await, [rows[1].clone()]);
    assert_eq!(in_state("expired").await, [rows[2].clone()]);
    assert_eq!(found(RowFilter::DueBefore(at(100))).await, [rows[1].clone()]);
}

pub async fn a_request_is_remembered_with_what_came_of_it_and_never_carried_out_twice(storage: &dyn Storage) {
    let log = storage.open("local").await;
    let key = |id: &str| IdempotencyKey::new(&Actor::Person("ana".to_owned()), id, &"pause");
    let answered = |id: &str, first, events, time| Answered { key: key(id), first, events, at: at(time) };
    let carried_out = |after, events, answers| Batch { answers, ..batch(after, events) };
    assert_eq!(log.answer_to(&key("a")).await.unwrap(), None);
    let two = vec![paused(run(1), 1, "x"), paused(run(1), 2, "y")];
    log.append(carried_out(0, two, vec![answered("a", 1, 2, 5)])).await.unwrap();
    assert_eq!(log.append(carried_out(2, vec![], vec![answered("b", 3, 0, 6)])).await.unwrap(), []);
    assert_eq!(log.answer_to(&key("a")).await.unwrap(), Some(answered("a", 1, 2, 5)));
    assert_eq!(log.answer_to(&key("b")).await.unwrap(), Some(answered("b", 3, 0, 6)));
    let other = IdempotencyKey { asked: [7; 32], ..key("a") };
    assert_eq!(log.answer_to(&other).await.unwrap(), Some(answered("a", 1, 2, 5)), "whoever asks compares");
    assert_eq!(storage.open("other").await.answer_to(&key("a")).await.unwrap(), None);

    for known in ["a", "b"] {
        for events in [vec![], vec![paused(run(1), 3, "z")]] {
            let again =
                log.append(carried_out(2, events, vec![answered("c", 3, 0, 7), answered(known, 3, 1, 7)])).await;
            assert_eq!(again.unwrap_err().kind, LogErrorKind::Conflict);
        }
    }
    assert_eq!((log.head().await.unwrap().seq, log.answer_to(&key("c")).await.unwrap()), (2, None));
    log.forget_answers(at(6)).await.unwrap();
    assert_eq!(log.answer_to(&key("a")).await.unwrap(), None);
    assert_eq!(log.answer_to(&key("b")).await.unwrap(), Some(answered("b", 3, 0, 6)));
}

pub async fn a_row_is_replaced_under_its_key_and_all_of_them_at_once(storage: &dyn Storage) {
    let log = storage.open("local").await;
    let id = run(1).to_string();
    let first = row(RowKind::Run, &id, true, 1, "\"ü\"");
    let ended = row(RowKind::Run, &id, false, 1, "\"ended\"");
    log.append(Batch { rows: vec![first.clone()], ..batch(0, vec![paused(run(1), 1, "x")]) }).await.unwrap();
    assert_eq!(log.rows(RowQuery::whole(RowKind::Run, RowFilter::Open)).await.unwrap().rows, [first]);
    log.append(Batch { rows: vec![ended.clone()], ..batch(1, vec![paused(run(1), 2, "x")]) }).await.unwrap();
    let all = || RowQuery::first(RowKind::Run, RowFilter::All, 1_000);
    assert_eq!(log.rows(all()).await.unwrap().rows, [ended]);

    let other = storage.open("other").await;
    other.replace_rows(0, &[row(RowKind::Run, &id, true, 1, "0")]).await.unwrap();
    let rebuilt: Vec<_> = (0..600).rev().map(|n| row(RowKind::Run, &run(n).to_string(), true, n as i64, "1")).collect();
    let late = log.replace_rows(1, &rebuilt).await.unwrap_err();
    assert_eq!(late.kind, LogErrorKind::Conflict, "{late}");
    assert_eq!(log.rows(all()).await.unwrap().rows.len(), 1, "nothing of it happened");
    log.replace_rows(2, &rebuilt).await.unwrap();
    assert_eq!(log.rows(all()).await.unwrap().rows, rebuilt);
    assert_eq!(other.rows(all()).await.unwrap().rows.len(), 1);
}

pub async fn reading_back_goes_page_by_page(storage: &dyn Storage) {
    let log = storage.open("local").await;
    let events = (1..=5).map(|version| paused(run(1), version, "x")).collect();
    log.append(batch(0, events)).await.unwrap();
    let mut before = u64::MAX;
    let mut seen = Vec::new();
    loop {
        let page = log.read_back(before, 2, None).await.unwrap();
        seen.push(page.rows.iter().map(|envelope| envelope.seq).collect::<Vec<_>>());
        before = page.rows.last().unwrap().seq;
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, [vec![5, 4], vec![3, 2], vec![1]]);
}

pub async fn a_search_takes_its_text_literally(storage: &dyn Storage) {
    let log = storage.open("local").await;
    let texts = ["say \"hi\" to all", "100% sure", "100 times", "under_score", "underXscore", "back\\slash", "Größe"];
    let events = (1..).zip(texts).map(|(version, text)| paused(run(1), version, text)).collect();
    log.append(batch(0, events)).await.unwrap();
    let search = |text: &'static str| {
        let log = Arc::clone(&log);
        async move {
            let page = log.read_back(u64::MAX, 10, Some(text)).await.unwrap();
            page.rows.iter().map(|envelope| envelope.seq).collect::<Vec<_>>()
        }
    };
    assert_eq!(search("\"hi\"").await, [1]);
    assert_eq!(search("100%").await, [2]);
    assert_eq!(search("100").await, [3, 2]);
    assert_eq!(search("r_s").await, [4]);
    assert_eq!(search("k\\s").await, [6]);
    assert_eq!(search("SURE").await, [2]);
    assert_eq!(search("Größe").await, [7]);
    assert_eq!(search("run.paused").await.len(), 7);
    assert_eq!(search("nowhere").await, [0; 0]);
    let page = log.read_back(6, 2, Some("run.paused")).await.unwrap();
    assert_eq!((page.rows.iter().map(|envelope| envelope.seq).collect::<Vec<_>>(), page.more), (vec![5, 4], true));
    assert!(!log.read_back(3, 2, Some("run.paused")).await.unwrap().more);
}

pub async fn a_blob_is_found_under_its_hash(storage: &dyn Storage) {
    let log = storage.open("local").await;
    let content: Vec<u8> = (0..300_000u32).map(|n| (n * 7) as u8).collect();
    let id = log.put_blob(&content).await.unwrap();
    assert_eq!(id, BlobId::of(&content));
    assert_eq!(log.put_blob(&content).await.unwrap(), id);
    assert_eq!(log.get_blob(&id).await.unwrap(), Some(content));
    let empty = log.put_blob(b"").await.unwrap();
    assert_eq!(log.get_blob(&empty).await.unwrap(), Some(vec![]));
    assert_eq!(log.get_blob(&BlobId("00".repeat(32))).await.unwrap(), None);
    assert_eq!(log.get_blob(&BlobId("not hex".into())).await.unwrap(), None);
}

pub async fn tenants_do_not_see_each_other(storage: &dyn Storage) {
    let (ours, theirs) = (storage.open("ours").await, storage.open("th'e\"irs").await);
    append_one(&*ours, run(1), 1, "mine").await;
    append_one(&*theirs, run(1), 1, "yours").await;
    append_one(&*theirs, run(1), 2, "yours").await;
    let blob = theirs.put_blob(b"secret").await.unwrap();
    theirs.claim(run(1), "them", LONG).await.unwrap().unwrap();

    assert_eq!(ours.head().await.unwrap().seq, 1);
    assert_eq!(ours.read(0, 9).await.unwrap().len(), 1);
    assert_eq!(ours.read_stream(Stream::Run(run(1)), 0, 9).await.unwrap().len(), 1);
    assert_eq!(ours.read_back(u64::MAX, 9, Some("yours")).await.unwrap().rows, []);
    assert_eq!(ours.get_blob(&blob).await.unwrap(), None);
    assert!(ours.claim(run(1), "us", LONG).await.unwrap().is_some());
    for log in [ours, theirs] {
        assert_eq!(log.verify(&[]).await.unwrap().problems, Vec::<String>::new());
    }
}

pub async fn a_commit_elsewhere_is_noticed_in_time(storage: &dyn Storage) {
    let (watching, writing) = (storage.open("local").await, storage.open("local").await);
    let mut head = watching.watch_head();
    assert_eq!(*head.borrow_and_update(), 0);
    for version in 1..=5 {
        let seq = append_one(&*writing, run(1), version, "x").await;
        let committed = Instant::now();
        let noticed = tokio::time::timeout(Duration::from_secs(5), head.wait_for(|known| *known >= seq)).await;
        noticed.expect("never noticed").unwrap();
        assert!(committed.elapsed() <= Duration::from_millis(250), "noticed after {:?}", committed.elapsed());
    }
}

pub async fn ones_own_commit_is_announced_before_append_returns(storage: &dyn Storage) {
    let log = storage.open("local").await;
    let head = log.watch_head();
    let seq = append_one(&*log, run(1), 1, "x").await;
    assert_eq!(*head.borrow(), seq);
}

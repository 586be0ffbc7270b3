//! What an encrypted log must do, whatever it is made of: written against the ports, run by each store's own tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use morningai::domain::{Actor, RunId, SubjectId};
use morningai::fold::Snapshot;
use morningai::kinds::{AccessEvent, Envelope, ErasedEvent, Event, RowKind, Stream};
use morningai::ports::{
    Batch, EncryptionState, EraseError, Erasure, Log, LogError, LogErrorKind, NewEvent, RowFilter, RowQuery, Subjects,
};
use morningai::runtime;
use morningai::store::{Encryption, StoreKey};
use serde_json::{Value, json};

use crate::store_contract::{append_one, at, batch, paused, run};

/// Stands in everything that is stored, and must be found nowhere.
pub const CANARY: &str = "cAnArYwOrD";
/// Who most of it is about; the name is one too.
pub const ANA: &str = "ana-canaryname";

/// An opened log.
pub struct Opened {
    pub log: Arc<dyn Log>,
    pub subjects: Arc<dyn Subjects>,
}

/// A fresh place to store things, in which logs can be opened with and without keys.
#[async_trait]
pub trait SealedStorage: Send + Sync {
    async fn open_with(&self, tenant: &str, encryption: &Encryption) -> Result<Opened, LogError>;

    /// Runs a statement on the stored events, rows and blobs of the tenant `local` as somebody who can do anything.
    async fn tamper(&self, sql: &str);

    /// All that is stored, as bytes, in clear and in hex where the store writes hex.
    async fn everything(&self) -> Vec<u8>;
}

pub fn key(byte: u8) -> Encryption {
    Encryption::Key(StoreKey::parse(&hex::encode([byte; 32])).unwrap())
}

impl dyn SealedStorage + '_ {
    pub async fn sealed(&self) -> Opened {
        self.open_with("local", &key(1)).await.unwrap()
    }
}

/// Whether a text is stored anywhere, in clear or in hex.
pub async fn is_stored(storage: &dyn SealedStorage, text: &str) -> bool {
    let everything = storage.everything().await;
    let hex = hex::encode(text);
    [text.as_bytes().to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()]
        .iter()
        .any(|form| everything.windows(form.len()).any(|window| window == form.as_slice()))
}

/// Writes events with the rows that follow from them, as the program does.
pub struct Desk {
    log: Arc<dyn Log>,
    snapshot: Snapshot,
    versions: BTreeMap<Stream, u64>,
}

impl Desk {
    pub fn new(log: &Arc<dyn Log>) -> Self {
        Self { log: log.clone(), snapshot: Snapshot::default(), versions: BTreeMap::new() }
    }

    pub async fn happens(&mut self, stream: Stream, by: &str, event: Value) -> Envelope {
        let version = self.versions.entry(stream).and_modify(|version| *version += 1).or_insert(1);
        let event: Event = serde_json::from_value(event).unwrap();
        let by = Actor::Person(by.to_owned());
        let seq = self.snapshot.cursor + 1;
        let envelope = Envelope { seq, stream, version: *version, at: at(seq as i64), by, event };
        let rows = self.snapshot.apply(&envelope).iter().filter_map(|key| self.snapshot.row(key)).collect();
        let Envelope { stream, version, at, by, event, .. } = envelope.clone();
        let events = vec![NewEvent { stream, version, at, by, event }];
        self.log.append(Batch { after: seq - 1, events, rows, ..Batch::default() }).await.unwrap();
        envelope
    }

    /// A run of somebody's that asks, is answered by another, costs something and ends.
    pub async fn whole_run(&mut self, id: RunId, whose: &str, decider: &str, words: &str) {
        let (stream, approval) = (Stream::Run(id), approval_of(id));
        self.started(id, whose, words).await;
        let reply = json!({"model": "m", "text": words, "finish": "stop", "cost": 250_000_000});
        self.happens(stream, whose, json!({"type": "run.turn_started", "turn": 1, "attempt": 1, "purpose": "act"}))
            .await;
        self.happens(stream, whose, json!({"type": "run.turn_finished", "turn": 1, "attempt": 1, "reply": reply}))
            .await;
        let ask = json!({"ask": "question", "text": words});
        let requested = json!({"type": "approval.requested", "run": id, "call": 1, "tool": "ask", "ask": ask,
            "digest": "00", "rule": "r", "reason": words});
        self.happens(Stream::Approval(approval), whose, requested).await;
        self.happens(Stream::Approval(approval), decider, json!({"type": "approval.answered", "text": words})).await;
        self.happens(stream, whose, json!({"type": "run.succeeded", "summary": words})).await;
    }

    pub async fn started(&mut self, id: RunId, whose: &str, words: &str) {
        let spec = json!({"goal": words, "agent": "dev", "tools": []});
        self.happens(Stream::Run(id), whose, json!({"type": "run.started", "spec": spec})).await;
    }
}

fn approval_of(id: RunId) -> morningai::domain::ApprovalId {
    morningai::domain::ApprovalId(uuid::Uuid::from_u128(id.0.as_u128() + 1000))
}

fn erasure(name: &str) -> Erasure {
    Erasure { name: name.to_owned(), by: Actor::Person("root".into()), at: at(99) }
}

fn erased_subject(envelope: &Envelope) -> SubjectId {
    match envelope.event {
        Event::Account(AccessEvent::SubjectErased { subject }) => subject,
        ref other => panic!("{other:?}"),
    }
}

pub async fn nothing_that_was_said_is_stored_in_clear(storage: &dyn SealedStorage) {
    let Opened { log, subjects } = storage.sealed().await;
    let EncryptionState::Encrypted { key } = subjects.encryption() else { panic!("it is plain") };
    assert_eq!(key.len(), 8);
    Desk::new(&log).whole_run(run(1), ANA, ANA, CANARY).await;
    let blob = log.put_output(run(1), CANARY.as_bytes()).await.unwrap();
    assert_eq!(log.get_blob(&blob).await.unwrap().as_deref(), Some(CANARY.as_bytes()));
    for text in [CANARY, ANA, &blob.0, "ana-canary"] {
        assert!(!is_stored(storage, text).await, "{text} is stored in clear");
    }
    // What is looked for would be found if it were there.
    assert!(is_stored(storage, "run.turn_finished").await);
    let found = log.read_back(u64::MAX, 9, Some(&CANARY.to_lowercase())).await.unwrap();
    assert_eq!(found.rows.len(), 5);
    let again = storage.sealed().await.log;
    assert_eq!(again.read(0, 99).await.unwrap(), log.read(0, 99).await.unwrap());
    assert_eq!(again.read(0, 1).await.unwrap()[0].by, Actor::Person(ANA.into()));
    assert_eq!(runtime::compare_rows(&*again).await.unwrap(), Vec::<String>::new());
    assert_eq!(again.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}

pub async fn only_the_right_key_opens_it(storage: &dyn SealedStorage) {
    append_one(&*storage.sealed().await.log, run(1), 1, "x").await;
    append_one(&*storage.open_with("plain", &Encryption::None).await.unwrap().log, run(1), 1, "x").await;
    for (tenant, encryption, words) in [
        ("local", Encryption::None, ["is encrypted under key", "MORNINGAI_STORE_KEY"]),
        ("local", key(2), ["and the one given is", "the key that the store was made with"]),
        ("plain", key(1), ["is not encrypted, and a key is given", "from its first event or never"]),
    ] {
        let error = storage.open_with(tenant, &encryption).await.err().expect("it was opened");
        assert_eq!(error.kind, LogErrorKind::Unusable, "{error}");
        let told = format!("{} {}", error.message, error.hint);
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
        assert!(!told.contains("0101"), "{told}");
    }
    assert_eq!(storage.sealed().await.log.head().await.unwrap().seq, 1);
}

/// Two that open the same empty log, one with a key and one without, never both write to it.
pub async fn a_log_is_plain_or_encrypted_from_its_first_event(storage: &dyn SealedStorage) {
    let plain = storage.open_with("local", &Encryption::None).await.unwrap().log;
    let sealed = storage.sealed().await.log;
    let first = batch(0, vec![paused(run(1), 1, "x")]);
    let error = plain.append(first.clone()).await.unwrap_err();
    assert!(error.message.contains("an encrypted one meanwhile"), "{error}");
    assert_eq!(sealed.append(first.clone()).await.unwrap()[0].seq, 1);
    let plain = storage.open_with("other", &Encryption::None).await.unwrap().log;
    plain.append(first).await.unwrap();
    assert!(storage.open_with("other", &key(1)).await.is_err());
}

/// `forget` leaves rows as an earlier version wrote them.
pub async fn rows_of_an_earlier_version_are_found_like_others(storage: &dyn SealedStorage, forget: &[&str]) {
    let mut desk = Desk::new(&storage.sealed().await.log);
    for number in 1..=3 {
        desk.whole_run(run(number), ANA, "bo", CANARY).await;
    }
    desk.started(run(4), ANA, CANARY).await;
    let whole = |filter| RowQuery::whole(RowKind::Approval, filter);
    let before = storage.sealed().await.log.rows(whole(RowFilter::All)).await.unwrap().rows;
    for sql in forget {
        storage.tamper(sql).await;
    }
    let log = storage.sealed().await.log;
    assert_eq!(log.rows(whole(RowFilter::All)).await.unwrap().rows, before);
    assert_eq!(log.rows(whole(RowFilter::InState("approved".to_owned()))).await.unwrap().rows, before);
    let of_one = log.rows(whole(RowFilter::PartOf(Stream::Run(run(2))))).await.unwrap().rows;
    assert_eq!(of_one, before[1..2]);
    let running = RowQuery::whole(RowKind::Run, RowFilter::InState("planning".to_owned()));
    assert_eq!(log.rows(running).await.unwrap().rows.len(), 1);
}

/// Statements that move or change what is sealed, each to be noticed by what reads it.
pub async fn what_was_moved_or_changed_does_not_open(storage: &dyn SealedStorage, statements: &[&str]) {
    let log = storage.sealed().await.log;
    let mut desk = Desk::new(&log);
    desk.whole_run(run(1), ANA, "bo", "first").await;
    desk.whole_run(run(2), ANA, "bo", "second").await;
    let blob = log.put_output(run(1), b"true output").await.unwrap();
    drop(log);
    for statement in statements {
        storage.tamper("SAVE").await;
        storage.tamper(statement).await;
        let log = storage.sealed().await.log;
        let events = log.read(0, 99).await.map(|_| ());
        let rows = log.rows(RowQuery::first(RowKind::Run, RowFilter::All, 9)).await.map(|_| ());
        let output = log.get_blob(&blob).await.map(|_| ());
        let error = events.and(rows).and(output).expect_err(statement);
        assert!(matches!(error.kind, LogErrorKind::Unusable | LogErrorKind::Unsound), "{statement}: {error}");
        let is_told = ["does not open", "is not sealed", "key"].iter().any(|word| error.message.contains(word));
        assert!(is_told, "{statement}: {error}");
        storage.tamper("RESTORE").await;
    }
    let log = storage.sealed().await.log;
    assert_eq!(log.read(0, 99).await.unwrap().len(), 12);
}

pub async fn somebody_is_erased_and_nobody_else(storage: &dyn SealedStorage) {
    let Opened { log, subjects } = storage.sealed().await;
    let elsewhere = storage.sealed().await.log;
    let mut desk = Desk::new(&log);
    desk.whole_run(run(1), ANA, "bo", CANARY).await;
    desk.whole_run(run(2), "bo", ANA, "of bo").await;
    let (theirs, others) =
        (log.put_output(run(1), b"same").await.unwrap(), log.put_output(run(2), b"same").await.unwrap());
    let alone = log.put_output(run(1), CANARY.as_bytes()).await.unwrap();
    assert_eq!(theirs, others);
    let before = log.read(6, 99).await.unwrap();
    // Another process knows the keys by now.
    assert_eq!(elsewhere.read(0, 99).await.unwrap().len(), 12);

    let erased = subjects.erase(erasure(ANA)).await.unwrap();
    let pseudonym = erased_subject(&erased.event).pseudonym();
    assert_eq!((erased.event.seq, erased.rows, erased.outputs), (13, 2, 2));
    for log in [&elsewhere, &storage.sealed().await.log, &log] {
        let events = log.read(0, 99).await.unwrap();
        let events = if events.iter().take(6).all(is_erased) { events } else { log.read(0, 99).await.unwrap() };
        assert!(events[..6].iter().all(is_erased), "{:?}", events[0]);
        assert_eq!(events[0].by, Actor::Person(pseudonym.clone()));
        assert_eq!(events[6..10], before[..4], "what is bo's stays");
        assert_eq!(events[10].event, before[4].event, "what was decided stays");
        assert_eq!(events[10].by, Actor::Person(pseudonym.clone()), "by whom does not");
        assert_eq!(log.get_blob(&alone).await.unwrap(), None);
        assert_eq!(log.get_blob(&others).await.unwrap().as_deref(), Some(b"same".as_slice()));
        assert_eq!(log.read_back(u64::MAX, 9, Some(CANARY)).await.unwrap().rows, []);
    }
    let log = storage.sealed().await.log;
    assert_eq!(runtime::compare_rows(&*log).await.unwrap(), Vec::<String>::new());
    assert_eq!(runtime::rebuild(&*log).await.unwrap().events, 13);
    assert_eq!(runtime::compare_rows(&*log).await.unwrap(), Vec::<String>::new());
    let runs = log.rows(RowQuery::first(RowKind::Run, RowFilter::All, 9)).await.unwrap().rows;
    assert_eq!(runs.iter().map(|row| row.key.id.clone()).collect::<Vec<_>>(), [run(2).to_string()]);
    let days = log.rows(RowQuery::first(RowKind::Spend, RowFilter::All, 9)).await.unwrap().rows;
    assert!(days[0].body.contains("500000000"), "what it cost is still counted: {}", days[0].body);
    assert_eq!(log.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}

fn is_erased(envelope: &Envelope) -> bool {
    matches!(envelope.event, Event::Erased(ErasedEvent::Erased { .. }))
}

pub async fn who_is_erased_can_begin_anew_in_every_process(storage: &dyn SealedStorage) {
    let Opened { log, subjects } = storage.sealed().await;
    let elsewhere = storage.sealed().await.log;
    Desk::new(&log).whole_run(run(1), ANA, ANA, CANARY).await;
    assert_eq!(elsewhere.read(0, 99).await.unwrap().len(), 6);
    assert_eq!(append_by(&*elsewhere, ANA, run(2)).await, 7);
    let busy = subjects.erase(erasure("nobody at all")).await.unwrap_err();
    assert!(matches!(busy, EraseError::Unknown(_)), "{busy}");
    subjects.erase(erasure(ANA)).await.unwrap();
    let again = subjects.erase(erasure(ANA)).await.unwrap_err();
    assert!(matches!(again, EraseError::Unknown(_)), "{again}");
    // The other process still remembers the key that was destroyed, and must not seal anything with it.
    append_by(&*elsewhere, ANA, run(3)).await;
    append_by(&*log, ANA, run(4)).await;
    let events = storage.sealed().await.log.read(8, 9).await.unwrap();
    assert_eq!(events.len(), 2);
    assert!(
        events.iter().all(|envelope| !is_erased(envelope) && envelope.by == Actor::Person(ANA.into())),
        "{events:?}"
    );
}

/// As the program does it: where another process was faster, once more.
async fn append_by(log: &dyn Log, name: &str, id: RunId) -> u64 {
    loop {
        let after = log.head().await.unwrap().seq;
        let event = NewEvent { by: Actor::Person(name.into()), ..paused(id, 1, "anew") };
        match log.append(batch(after, vec![event])).await {
            Ok(appended) => return appended[0].seq,
            Err(error) => assert_eq!(error.kind, LogErrorKind::Conflict, "{error}"),
        }
    }
}

pub async fn nobody_is_erased_while_a_run_of_theirs_goes_on(storage: &dyn SealedStorage) {
    let Opened { log, subjects } = storage.sealed().await;
    let mut desk = Desk::new(&log);
    desk.started(run(7), ANA, "go on").await;
    let EraseError::Busy(runs) = subjects.erase(erasure(ANA)).await.unwrap_err() else { panic!("not busy") };
    assert_eq!(runs, [run(7)]);
    assert_eq!(log.head().await.unwrap().seq, 1);
    desk.happens(Stream::Run(run(7)), ANA, json!({"type": "run.cancelled", "reason": "enough"})).await;
    subjects.erase(erasure(ANA)).await.unwrap();
    let plain = storage.open_with("plain", &Encryption::None).await.unwrap();
    append_one(&*plain.log, run(1), 1, "x").await;
    let refused = plain.subjects.erase(erasure("ana")).await.unwrap_err();
    assert!(matches!(refused, EraseError::NotEncrypted) && refused.hint().contains("encrypted store"), "{refused}");
}

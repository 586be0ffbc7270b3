//! Upkeep is done one thing at a time, and to its end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use morningai::domain::*;
use morningai::ports::*;
use morningai::runtime::Turns;
use morningai::server::{Unprepared, Upkeep, Whose};
use morningai::shape::{BackupFile, BackupShape, Pruned, Rebuilt, StoreShape, Trial};
use morningai::store::SqliteLog;
use serde_json::json;
use tokio::sync::{Mutex, mpsc};

use super::post::Post;

/// Looks after nothing, and takes as long for a backup as the test says.
pub struct TestUpkeep {
    log: Arc<SqliteLog>,
    subjects: Arc<dyn Subjects>,
    pause: Mutex<Option<Pause>>,
}

/// Where a backup waits.
struct Pause {
    begun: mpsc::Sender<()>,
    go_on: mpsc::Receiver<Result<(), Whose>>,
}

/// The test's end of it.
struct Held {
    begun: mpsc::Receiver<()>,
    go_on: mpsc::Sender<Result<(), Whose>>,
}

impl TestUpkeep {
    pub fn new(log: Arc<SqliteLog>) -> Self {
        let subjects = Turns::default().subjects(log.clone(), log.clone());
        Self { log, subjects, pause: Mutex::default() }
    }

    /// From now on a backup waits until the test lets it go on, and comes to what it says.
    async fn hold(&self) -> Held {
        let (begin, begun) = mpsc::channel(8);
        let (go_on, going) = mpsc::channel(8);
        *self.pause.lock().await = Some(Pause { begun: begin, go_on: going });
        Held { begun, go_on }
    }
}

#[async_trait]
impl Upkeep for TestUpkeep {
    fn subjects(&self) -> &dyn Subjects {
        self.subjects.as_ref()
    }

    fn keep_ended_runs(&self) -> Option<Duration> {
        None
    }

    async fn describe(&self) -> Result<StoreShape, Unprepared> {
        Ok(StoreShape {
            kind: "sqlite",
            store: "test.db".to_owned(),
            tenant: "local".to_owned(),
            version: 1,
            head: self.log.head().await.unwrap(),
            encrypted_under: None,
            bytes: None,
            backups: Vec::new(),
        })
    }

    async fn back_up(&self) -> Result<BackupShape, Unprepared> {
        let mut pause = self.pause.lock().await;
        let went = match pause.as_mut() {
            Some(Pause { begun, go_on }) => {
                begun.send(()).await.unwrap();
                go_on.recv().await.unwrap()
            }
            None => Ok(()),
        };
        let head = self.log.head().await.unwrap();
        let done = BackupShape { file: BackupFile { backup: "a.db".to_owned(), bytes: 1 }, head };
        let failed = |whose| Unprepared { whose, message: "it is full".to_owned(), hint: "make room".to_owned() };
        went.map(|()| done).map_err(failed)
    }

    async fn prune(&self, _by: Actor, ended_before: Timestamp, trial: Trial) -> Result<Pruned, Unprepared> {
        let (store, trial) = ("test.db".to_owned(), trial == Trial::Yes);
        Ok(Pruned { store, ended_before, runs: 0, events: 0, outputs: 0, outputs_left: false, trial })
    }

    async fn compare_rows(&self) -> Result<Vec<String>, Unprepared> {
        Ok(Vec::new())
    }

    async fn rebuild(&self) -> Result<Rebuilt, Unprepared> {
        Ok(Rebuilt { events: 0, rows: 0 })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_backup_is_under_way_nothing_else_begins_even_when_nobody_waits_for_it_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let mut held = post.upkeep.hold().await;
    let first = tokio::spawn({
        let http = post.http();
        async move { http.post("/v1/db/backup", json!({})).await }
    });
    held.begun.recv().await.unwrap();
    let http = post.http();
    let is_busy = |(status, problem): (u16, serde_json::Value)| {
        assert_eq!((status, &problem["type"]), (409, &json!("urn:morningai:problem:busy")), "{problem}");
        assert!(problem["detail"].as_str().unwrap().starts_with("a backup is under way"), "{problem}");
        assert_eq!(problem["hint"], "ask again when it has ended");
    };
    is_busy(http.post("/v1/db/backup", json!({})).await);
    is_busy(http.post("/v1/db/prune", json!({ "before": "1d" })).await);
    is_busy(http.get("/v1/db/check").await);
    is_busy(http.post("/v1/db/rebuild", json!({})).await);
    // What only looks for a moment is answered.
    assert_eq!(http.get("/v1/db").await.0, 200);

    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    is_busy(http.post("/v1/db/backup", json!({})).await);
    held.go_on.send(Ok(())).await.unwrap();

    // The turn is over a moment after the work is.
    http.get_until("/v1/db/check", 200).await;
    held.go_on.send(Err(Whose::Disk)).await.unwrap();
    let (status, problem) = http.post("/v1/db/backup", json!({})).await;
    assert_eq!((status, &problem["type"]), (507, &json!("urn:morningai:problem:no-room")), "{problem}");
    held.go_on.send(Ok(())).await.unwrap();
    let (status, backup) = http.post("/v1/db/backup", json!({})).await;
    assert_eq!((status, &backup["backup"]), (201, &json!("a.db")), "{backup}");
    post.end().await;
}

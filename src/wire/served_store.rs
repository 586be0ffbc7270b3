//! The store of a running server, looked after through that server: the same upkeep as from the command line, on the
//! store that the orchestrator works on.
//!
//! Backups go where the server keeps what is its own, under a name that it chooses. What goes wrong is told without places
//! on this machine, to people who cannot see it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::store::OpenStore;
use super::{Wire, prune};
use crate::cli::Failure;
use crate::domain::{Actor, Tenant, Timestamp};
use crate::ports::{Clock, EncryptionState, Head, Log, LogError, LogErrorKind, Subjects, SystemClock};
use crate::runtime;
use crate::runtime::Turns;
use crate::server::{Unprepared, Upkeep, Whose};
use crate::shape::{BackupFile, BackupShape, Pruned, Rebuilt, StoreShape, Trial};
use crate::store::{OpenMode, SqliteLog, back_up};

/// What a backup leaves free at least: the log grows meanwhile, and may be on the same disk.
const LEFT_FREE: u64 = 16 * 1024 * 1024;
/// Characters of a tenant's name that go into that of a backup.
const LONGEST_NAME: usize = 64;
/// When it was taken, as its name says it.
const TAKEN_AT: &str = "%Y%m%dT%H%M%S%.3fZ";

const MAKE_ROOM: &str = "free some space on the server's disk, or move older backups away: they are in backups/ in its \
                         data directory";

/// The store, and the program that knows where things are.
pub(super) struct ServedStore {
    wire: Arc<Wire>,
    store: OpenStore,
    turns: Turns,
    subjects: Arc<dyn Subjects>,
}

impl ServedStore {
    pub(super) fn new(wire: Arc<Wire>, store: OpenStore, turns: Turns) -> Self {
        Self { subjects: turns.clone().subjects(store.subject_keys(), store.account_rows()), wire, store, turns }
    }

    async fn write_backup(&self) -> Result<BackupShape, LogError> {
        let dir = self.wire.places.make_backup_dir().map_err(unusable)?;
        self.look_for_room(&dir)?;
        let name = backup_name(&self.wire.places.tenant, SystemClock.now());
        let target = dir.join(&name);
        let aside = self.aside().await?;
        let written = back_up(aside.any_log().map_err(unusable)?, &target).await;
        done_with(aside).await;
        written?;
        let looked_at = self.look_at(&target).await;
        if looked_at.is_err() {
            // What cannot be opened is no backup, and nobody is told of it.
            let _ = std::fs::remove_file(&target);
        }
        let (bytes, head) = looked_at?;
        Ok(BackupShape { file: BackupFile { backup: name, bytes }, head })
    }

    /// The store once more, to read from: what takes long must not keep the orchestrator's own reads waiting.
    async fn aside(&self) -> Result<OpenStore, LogError> {
        self.wire.store_to_read().await.map_err(unusable)
    }

    async fn rows_that_differ(&self) -> Result<Vec<String>, LogError> {
        let aside = self.aside().await?;
        let compared = runtime::compare_rows(aside.shared().as_ref()).await;
        done_with(aside).await;
        compared
    }

    /// A disk that is full stops all work, which is worse than no backup.
    fn look_for_room(&self, dir: &Path) -> Result<(), LogError> {
        let Some(needed) = self.store.bytes()? else { return Ok(()) };
        let disk = rustix::fs::statvfs(dir).map_err(|error| unusable(Failure::failed(error.to_string())))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free >= needed.saturating_add(LEFT_FREE) {
            return Ok(());
        }
        let megabytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
        Err(LogError::new(
            LogErrorKind::NotSaved,
            format!(
                "a backup may take {} MB, the server's disk has {} MB free, and {} MB of it are left for the log",
                megabytes(needed),
                free / (1024 * 1024),
                megabytes(LEFT_FREE)
            ),
            MAKE_ROOM,
        ))
    }

    /// What a backup turned out to be: how large, and where the log ends in it.
    async fn look_at(&self, backup: &Path) -> Result<(u64, Head), LogError> {
        let encryption = self.wire.key.encryption(&self.wire.places).await.map_err(unusable)?;
        let tenant = self.wire.places.tenant.clone();
        let log = SqliteLog::open_with(backup, tenant, OpenMode::ReadOnly, &encryption).await?;
        let head = log.head().await;
        log.close().await?;
        Ok((log.bytes()?, head?))
    }

    /// The backups that are there, newest first; their names end in when they were made.
    fn backups(&self) -> Vec<BackupFile> {
        let entries = std::fs::read_dir(self.wire.places.backup_dir()).into_iter().flatten().flatten();
        let backup = |entry: std::fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            let found = entry.metadata().ok()?;
            let is_backup = found.is_file() && is_backup_of(&self.wire.places.tenant, &name);
            Some((found.modified().ok()?, BackupFile { bytes: found.len(), backup: name })).filter(|_| is_backup)
        };
        let mut backups: Vec<_> = entries.filter_map(backup).collect();
        backups.sort_by(|(this, _), (that, _)| that.cmp(this));
        backups.into_iter().map(|(_, backup)| backup).collect()
    }

    /// The same words without places on this machine.
    fn told(&self, whose: Whose, message: &str, hint: String) -> Unprepared {
        let data = format!("{}/", self.wire.places.paths.data_dir().display());
        let message = message.replace(&self.store.place(), "the store").replace(&data, "");
        Unprepared { whose, message, hint }
    }

    fn undone(&self, doing: &str, error: LogError) -> Unprepared {
        tracing::warn!(%error, "{doing} failed");
        self.told(Whose::Server, &error.message, error.hint)
    }
}

#[async_trait]
impl Upkeep for ServedStore {
    fn subjects(&self) -> &dyn Subjects {
        self.subjects.as_ref()
    }

    fn keep_ended_runs(&self) -> Option<Duration> {
        self.wire.config.retention.ended_runs.map(Duration::from_secs)
    }

    async fn describe(&self) -> Result<StoreShape, Unprepared> {
        let failed = |error| self.undone("a look at the store", error);
        Ok(StoreShape {
            kind: self.store.kind(),
            store: self.store.place(),
            tenant: self.wire.places.tenant.0.clone(),
            version: self.store.schema_version(),
            head: self.store.shared().head().await.map_err(failed)?,
            encrypted_under: match self.subjects.encryption() {
                EncryptionState::Plain => None,
                EncryptionState::Encrypted { key } => Some(key),
            },
            bytes: self.store.bytes().map_err(failed)?,
            backups: self.backups(),
        })
    }

    async fn back_up(&self) -> Result<BackupShape, Unprepared> {
        match self.write_backup().await {
            Err(error) if error.kind == LogErrorKind::NotSaved => {
                tracing::warn!(%error, "a backup failed");
                let message = format!("there is no room for a backup, and nothing of it was kept: {}", error.message);
                Err(self.told(Whose::Disk, &message, MAKE_ROOM.to_owned()))
            }
            done => done.map_err(|error| self.undone("a backup", error)),
        }
    }

    async fn prune(&self, by: Actor, ended_before: Timestamp, trial: Trial) -> Result<Pruned, Unprepared> {
        prune::prune_store(&self.store, &self.turns, &by, ended_before, trial).await.map_err(|failure| {
            tracing::warn!(error = failure.message(), "pruning failed");
            self.told(Whose::Server, &failure.message(), failure.hint())
        })
    }

    async fn compare_rows(&self) -> Result<Vec<String>, Unprepared> {
        self.rows_that_differ().await.map_err(|error| self.undone("comparing rows", error))
    }

    async fn rebuild(&self) -> Result<Rebuilt, Unprepared> {
        let report = runtime::rebuild(self.store.shared().as_ref()).await;
        let report = report.map_err(|error| self.undone("a rebuild", error))?;
        Ok(Rebuilt { events: report.events, rows: report.rows })
    }
}

/// It was only read from, so nothing is lost with what cannot be closed.
async fn done_with(store: OpenStore) {
    if let Err(error) = store.close().await {
        tracing::warn!(%error, "what was read from beside the server's own store was not closed in order");
    }
}

fn unusable(failure: Failure) -> LogError {
    LogError::new(LogErrorKind::Unusable, failure.message(), failure.hint())
}

/// `TENANT-20261125T221846.123Z.db`.
fn backup_name(tenant: &Tenant, at: Timestamp) -> String {
    format!("{}-{}.db", name_part(tenant), at.format(TAKEN_AT))
}

/// Of a tenant's name only what is harmless in that of a file.
fn name_part(tenant: &Tenant) -> String {
    let harmless = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    tenant.0.chars().take(LONGEST_NAME).map(harmless).collect()
}

/// Another tenant's may lie beside them, and are nobody's business here.
fn is_backup_of(tenant: &Tenant, name: &str) -> bool {
    let rest = name.strip_prefix(&name_part(tenant)).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".db"));
    rest.is_some_and(|time| chrono::NaiveDateTime::parse_from_str(time, TAKEN_AT).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_named_after_tenant_and_time_and_leads_nowhere_else() {
        let at: Timestamp = "2026-11-25T22:18:46.123456Z".parse().unwrap();
        for (tenant, named) in [
            ("local", "local-20261125T221846.123Z.db"),
            ("../../etc/passwd\0", "______etc_passwd_-20261125T221846.123Z.db"),
            ("é ops", "__ops-20261125T221846.123Z.db"),
        ] {
            assert_eq!(backup_name(&Tenant(tenant.to_owned()), at), named);
        }
        assert!(backup_name(&Tenant("x".repeat(1_000)), at).len() < 100);
        let is_of = |tenant: &str, name: &str| is_backup_of(&Tenant(tenant.to_owned()), name);
        assert!(is_of("a", &backup_name(&Tenant("a".to_owned()), at)));
        assert!(
            !is_of("a", &backup_name(&Tenant("a-b".to_owned()), at))
                && !is_of("a-b", &backup_name(&Tenant("a".to_owned()), at))
        );
        assert!(!is_of("a", "a-notes.db") && !is_of("a", ".a-20261125T221846.123Z.db") && !is_of("é", ""));
    }
}

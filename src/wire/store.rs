//! The store that was chosen: where it is, and an open one of either kind.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::ExposeSecret;

use crate::cli::Failure;
use crate::config::is_absent;
use crate::domain::Tenant;
use crate::ports::{AccountRows, Log, LogError, Prunable, StoredOutput, StoredOutputs, SubjectKeys};
use crate::store::{
    AbsentAccounts, AbsentLog, AnyLog, Encryption, OpenMode, OutputsPruned, PostgresAddress, PostgresLog, SqliteLog,
    back_up,
};

/// Where a store is.
#[derive(Clone, Debug)]
pub(super) enum StorePlace {
    Sqlite(PathBuf),
    Postgres(Box<PostgresAddress>),
}

impl StorePlace {
    /// What a store's URL names; a path alone is an SQLite file.
    pub(super) fn named(url: &str) -> Result<Self, Failure> {
        if PostgresAddress::is_meant_by(url) {
            let address = url.parse().map_err(|error| Failure::from(error).at("--db"))?;
            return Ok(Self::Postgres(Box::new(address)));
        }
        let path = url.strip_prefix("sqlite:").unwrap_or(url);
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.contains("://") {
            // It is not repeated: in a URL that is not understood, anything may be a password.
            return Err(Failure::usage("a store cannot be kept here")
                .at("--db")
                .next("give sqlite:PATH, postgres://USER@HOST/DATABASE, or nothing for the default"));
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }

    /// Opens it; for writing it is created or brought up to date where needed. `data` is for what lies beside it.
    pub(super) async fn open_with(
        &self,
        tenant: Tenant,
        mode: OpenMode,
        data: &Path,
        encryption: &Encryption,
    ) -> Result<OpenStore, LogError> {
        match self {
            Self::Sqlite(path) => {
                Ok(OpenStore::Sqlite(Arc::new(SqliteLog::open_with(path, tenant, mode, encryption).await?)))
            }
            Self::Postgres(address) => {
                let log = PostgresLog::open_with(address, tenant, mode, data, encryption).await?;
                Ok(OpenStore::Postgres(Arc::new(log)))
            }
        }
    }

    /// The file that is not there. A place that cannot be looked at is not an empty one; opening it says what is wrong.
    pub(super) fn missing(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => {
                Some(path.as_path()).filter(|path| std::fs::metadata(path).is_err_and(|error| is_absent(&error)))
            }
            Self::Postgres(_) => None,
        }
    }

    /// Whether there is something to look at; a database's schema is its owner's to make, so it is taken to be there.
    pub(super) fn exists(&self) -> bool {
        match self {
            Self::Sqlite(path) => path.exists(),
            Self::Postgres(_) => true,
        }
    }

    /// The password in its URL.
    pub(super) fn password(&self) -> Option<String> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(address) => address.password().map(|password| password.expose_secret().to_owned()),
        }
    }

    /// What no tool may see or reach.
    pub(super) fn hidden(&self, data: &Path) -> Vec<PathBuf> {
        match self {
            // Outside our data directory, what else lies beside the store is not ours to hide.
            Self::Sqlite(path) if path.parent() != Some(data) => {
                let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
                vec![path.clone(), beside("-wal"), beside("-shm"), crate::store::file_beside(path)]
            }
            Self::Sqlite(_) => Vec::new(),
            Self::Postgres(address) => address.sockets(),
        }
    }
}

impl fmt::Display for StorePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

/// An open store, or the place where none was made yet.
#[derive(Clone, Debug)]
pub(super) enum OpenStore {
    Sqlite(Arc<SqliteLog>),
    Postgres(Arc<PostgresLog>),
    Absent(PathBuf),
}

impl OpenStore {
    pub(super) fn shared(&self) -> Arc<dyn Log> {
        match self {
            Self::Sqlite(log) => log.clone(),
            Self::Postgres(log) => log.clone(),
            Self::Absent(_) => Arc::new(AbsentLog),
        }
    }

    pub(super) fn account_rows(&self) -> Arc<dyn AccountRows> {
        match self {
            Self::Sqlite(log) => log.clone(),
            Self::Postgres(log) => log.clone(),
            Self::Absent(_) => Arc::new(AbsentAccounts),
        }
    }

    /// Its outputs as they are stored.
    pub(super) fn outputs(&self) -> Arc<dyn StoredOutputs> {
        match self {
            Self::Sqlite(log) => log.clone(),
            Self::Postgres(log) => log.clone(),
            Self::Absent(_) => Arc::new(AbsentLog),
        }
    }

    /// The people in it.
    pub(super) fn subject_keys(&self) -> Arc<dyn SubjectKeys> {
        match self {
            Self::Sqlite(log) => log.clone(),
            Self::Postgres(log) => log.clone(),
            Self::Absent(_) => Arc::new(AbsentLog),
        }
    }

    /// Where it is, as people know it.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Sqlite(log) => log.path().display().to_string(),
            Self::Postgres(log) => log.place().to_owned(),
            Self::Absent(path) => path.display().to_string(),
        }
    }

    /// `sqlite` or `postgres`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) | Self::Absent(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// Of the schema; 0 where there is none yet.
    pub(super) fn schema_version(&self) -> u64 {
        match self {
            Self::Sqlite(_) => SqliteLog::schema_version(),
            Self::Postgres(_) => PostgresLog::schema_version(),
            Self::Absent(_) => 0,
        }
    }

    /// What it takes on the disk of this machine; `None` where that is not known at once, or is another's.
    pub(super) fn bytes(&self) -> Result<Option<u64>, LogError> {
        match self {
            Self::Sqlite(log) => log.bytes().map(Some),
            Self::Postgres(_) | Self::Absent(_) => Ok(None),
        }
    }

    /// Saves the head outside the database and lets go of it.
    pub(super) async fn close(&self) -> Result<(), LogError> {
        match self {
            Self::Sqlite(log) => log.close().await,
            Self::Postgres(log) => log.close().await,
            Self::Absent(_) => Ok(()),
        }
    }

    /// The log with all that belongs to it, to be copied.
    pub(super) fn any_log(&self) -> Result<AnyLog<'_>, Failure> {
        match self {
            Self::Sqlite(log) => Ok(AnyLog::Sqlite(log)),
            Self::Postgres(log) => Ok(AnyLog::Postgres(log)),
            Self::Absent(_) => Err(Failure::failed("there is no store yet that could be copied")
                .at(self.place())
                .next("start `morningai` once to create it, or name another with --db")),
        }
    }

    /// The log, to remove runs from it; `None` where nothing is.
    pub(super) fn prunable(&self) -> Option<&dyn Prunable> {
        match self {
            Self::Sqlite(log) => Some(log.as_ref()),
            Self::Postgres(log) => Some(log.as_ref()),
            Self::Absent(_) => None,
        }
    }

    /// Removes outputs that nothing names in the log up to `after`.
    pub(super) async fn prune_outputs(
        &self,
        after: u64,
        outputs: Vec<StoredOutput>,
    ) -> Result<OutputsPruned, LogError> {
        match self {
            Self::Sqlite(log) => log.prune_outputs(after, outputs).await,
            Self::Postgres(log) => log.prune_outputs(after, outputs).await,
            Self::Absent(_) => Ok(OutputsPruned::Removed(0)),
        }
    }

    pub(super) async fn back_up(&self, target: &Path) -> Result<(), Failure> {
        Ok(back_up(self.any_log()?, target).await?)
    }

    /// Lets a role of the database do what the program does.
    pub(super) async fn grant(&self, role: &str) -> Result<(), Failure> {
        match self {
            Self::Sqlite(_) | Self::Absent(_) => {
                Err(Failure::usage("an SQLite file has no roles to grant anything to")
                    .at(self.place())
                    .next("leave out --grant; anyone who can write the file can use it"))
            }
            Self::Postgres(log) => Ok(log.grant(role).await?),
        }
    }

    /// What is not as it should be, though the store can be used.
    pub(super) async fn weaknesses(&self) -> Result<Vec<String>, LogError> {
        match self {
            Self::Sqlite(_) | Self::Absent(_) => Ok(Vec::new()),
            Self::Postgres(log) => log.weaknesses().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_named_by_url_or_path() {
        for url in ["sqlite:/s/a.db", "sqlite:///s/a.db", "/s/a.db"] {
            assert_eq!(StorePlace::named(url).unwrap().to_string(), "sqlite:/s/a.db", "{url}");
        }
        assert_eq!(StorePlace::named("sqlite:a.db").unwrap().to_string(), "sqlite:a.db");
        assert_eq!(StorePlace::named("postgres://u:hunter2@h/d").unwrap().to_string(), "postgres:h:5432/d");
        for url in ["mysql://u:hunter2@h/d", "sqlite:", "postgres:hunter2", "postgres://u:hunter2@h:x/d"] {
            let failure = StorePlace::named(url).unwrap_err();
            assert_eq!(failure.exit, crate::cli::Exit::Usage, "{url}");
            assert!(!failure.rendered().contains("hunter2"), "{}", failure.rendered());
        }
    }
}

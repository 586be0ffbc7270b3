//! Heads saved outside the database, in a small file beside it: what makes a cut or rewritten log visible.
//!
//! One JSON object a line: `{"tenant":…,"seq":…,"hash":…}`. Knows nothing of the database; who calls `save` says which
//! of the heads saved before still lie on the chain.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::domain::Tenant;
use crate::ports::{Head, LogError, LogErrorKind};

/// More than this many heads off the chain say nothing new.
const MOST_EVIDENCE: usize = 16;

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedHead {
    pub tenant: Tenant,
    #[serde(flatten)]
    pub head: Head,
}

/// Where the saved heads of a database are: `store.db` → `store.db.head`.
pub fn file_beside(database: &Path) -> PathBuf {
    with_suffix(database, ".head")
}

/// The heads saved for one tenant, the lowest `seq` first; none when there is no file yet.
pub fn load(database: &Path, tenant: &Tenant) -> Result<Vec<Head>, LogError> {
    let of_tenant = |saved: SavedHead| (saved.tenant == *tenant).then_some(saved.head);
    let mut heads: Vec<_> = load_all(&file_beside(database))?.into_iter().filter_map(of_tenant).collect();
    heads.sort_by_key(|head| head.seq);
    Ok(heads)
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

pub(super) fn load_all(file: &Path) -> Result<Vec<SavedHead>, LogError> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(file, &error.to_string())),
    };
    let parse = |(at, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| unreadable(file, &format!("line {}: {error}", at + 1)))
    };
    text.lines().enumerate().map(parse).collect()
}

/// Replaces the file, readable by its owner only; either the old or the new content survives a crash.
pub(super) fn save(file: &Path, heads: &[SavedHead]) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    let mut fresh = tempfile::NamedTempFile::with_prefix_in(".head-", directory)?;
    for head in heads {
        serde_json::to_writer(&mut fresh, head)?;
        fresh.write_all(b"\n")?;
    }
    fresh.as_file().sync_data()?;
    fresh.persist(file)?;
    Ok(())
}

/// What is kept once `ours` is saved: heads of other tenants, and those of this one that are `off_chain`, as evidence.
pub(super) fn replaced(saved: Vec<SavedHead>, ours: SavedHead, off_chain: &[Head]) -> Vec<SavedHead> {
    let (own, mut kept): (Vec<_>, Vec<_>) = saved.into_iter().partition(|old| old.tenant == ours.tenant);
    kept.extend(own.into_iter().filter(|old| off_chain.contains(&old.head)).take(MOST_EVIDENCE));
    kept.push(ours);
    kept
}

fn unreadable(file: &Path, why: &str) -> LogError {
    LogError::new(
        LogErrorKind::Unusable,
        format!("cannot read the saved heads in {}: {why}", file.display()),
        "restore the file from a backup; move it away only if you know who changed it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(tenant: &str, seq: u64) -> SavedHead {
        SavedHead { tenant: Tenant(tenant.into()), head: Head { seq, hash: "ab".repeat(32) } }
    }

    #[test]
    fn each_tenant_gets_its_own_heads_back_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("store.db");
        assert_eq!(load(&database, &Tenant::default()).unwrap(), []);
        save(&file_beside(&database), &[saved("local", 9), saved("other", 5), saved("local", 3)]).unwrap();
        let seqs = |tenant: &str| -> Vec<u64> {
            load(&database, &Tenant(tenant.into())).unwrap().iter().map(|head| head.seq).collect()
        };
        assert_eq!(seqs("local"), [3, 9]);
        assert_eq!(seqs("other"), [5]);
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_the_line() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("store.db");
        fs::write(file_beside(&database), "{\"tenant\":\"local\",\"seq\":1,\"hash\":\"\"}\nnonsense\n").unwrap();
        let error = load(&database, &Tenant::default()).unwrap_err();
        assert_eq!(error.kind, LogErrorKind::Unusable);
        assert!(error.message.contains("store.db.head: line 2"), "{}", error.message);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.head");
        save(&file, &[saved("local", 1)]).unwrap();
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

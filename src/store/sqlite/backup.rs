//! A consistent copy of the whole file, made while others go on reading and writing.
//!
//! It gets its name once it is whole and on the disk: half a copy is never taken for a backup.

use std::path::Path;
use std::{fs, io};

use tempfile::TempPath;

use super::error::{explain, explain_io};
use super::open;
use super::store::Store;
use crate::ports::LogError;
use crate::store::Scratch;

pub(super) async fn backup(store: &Store, target: &Path) -> Result<(), LogError> {
    let failed = |error: io::Error| explain_io(target, "write a backup to", &error);
    let target = std::path::absolute(target).map_err(failed)?;
    let failed = |error: io::Error| explain_io(&target, "write a backup to", &error);
    if target.try_exists().map_err(failed)? {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    let directory = target.parent().unwrap_or(Path::new("/"));
    let scratch = Scratch::within(directory).map_err(failed)?;
    let fresh = scratch.path().join("backup.db");
    // Made by us, so that nobody else can read it; VACUUM INTO fills an empty file.
    open::new_private_file(&fresh).map_err(failed)?;
    let name = fresh.to_str().ok_or_else(|| failed(io::ErrorKind::InvalidData.into()))?.to_owned();
    sqlx::query("VACUUM INTO $1")
        .bind(name)
        .execute(&store.readers)
        .await
        .map_err(|error| explain(&target, "write a backup to", &error))?;
    fs::File::open(&fresh).and_then(|file| file.sync_all()).map_err(failed)?;
    let whole = TempPath::try_from_path(&fresh).map_err(failed)?;
    whole.persist_noclobber(&target).map_err(|refused| failed(refused.error))?;
    fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
}

//! A consistent copy of the whole file, made while others go on reading and writing.

use std::fs;
use std::path::Path;

use super::Store;
use super::error::explain_io;
use super::open::new_private_file;
use crate::ports::LogError;

pub(super) async fn backup(store: &Store, target: &Path) -> Result<(), LogError> {
    let failed = |error| explain_io(target, "write a backup to", &error);
    let target = std::path::absolute(target).map_err(failed)?;
    let name = target.to_str().ok_or_else(|| failed(std::io::ErrorKind::InvalidData.into()))?.to_owned();
    // Made by us, so that nobody else can read it; VACUUM INTO fills an empty file.
    new_private_file(&target).map_err(failed)?;
    let copied = copy(store, name, &target).await;
    if copied.is_err() {
        // Half a copy must not be taken for a backup; should this fail too, the first error says what to look at.
        let _ = fs::remove_file(&target);
    }
    copied
}

async fn copy(store: &Store, name: String, target: &Path) -> Result<(), LogError> {
    sqlx::query("VACUUM INTO $1")
        .bind(name)
        .execute(&store.readers)
        .await
        .map_err(|error| super::error::explain(target, "write a backup to", &error))?;
    fs::File::open(target).and_then(|file| file.sync_all()).map_err(|error| explain_io(target, "sync", &error))
}

//! `morningai record`: a run as a recording, to be watched again with `morningai demo`.

use std::path::Path;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::find;
use super::host::{Access, Part};
use crate::domain::RunId;

pub async fn record(context: Context<'_>, run: &str, target: Option<&Path>) -> Result<Exit, Failure> {
    let run = resolve(&context, run).await?;
    let store = context.host.store(Access::Read).await?;
    let recording = store.record(run).await;
    store.close().await?;
    let text = recording?;
    match target {
        None => context.output.write(&text)?,
        Some(path) => {
            write(path, &text)?;
            context.output.diagnose(&format!("recorded to {}; `morningai demo FILE` replays it", path.display()));
        }
    }
    Ok(Exit::Done)
}

async fn resolve(context: &Context<'_>, given: &str) -> Result<RunId, Failure> {
    let session = context.host.session(Part::Reader).await?;
    let found = async {
        let (snapshot, _) = session.client().open().await?;
        find::run(session.client(), &snapshot, given).await
    };
    let found = found.await;
    session.close().await;
    Ok(found?.id)
}

/// All of it or nothing, and never over something that is already there.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| {
        Failure::failed(format!("the recording cannot be written: {error}"))
            .at(path.display().to_string())
            .next("name a file that does not exist yet, in a directory you may write to")
    };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(directory).map_err(|error| failed(&error))?;
    std::fs::write(file.path(), text).map_err(|error| failed(&error))?;
    file.persist_noclobber(path).map_err(|error| failed(&error.error))?;
    Ok(())
}

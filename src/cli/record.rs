//! `morningai record`: a run as a recording, to be watched again with `morningai demo`.

use std::path::Path;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::find;
use super::host::{Access, Part};
use super::new_file::write_new_file;
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
            write_new_file(path, &text, "recording")?;
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

//! `morningai record` and `PLURAL export`: a run, or a thing with its runs, as a recording for `morningai demo`.

use std::path::Path;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::find;
use super::host::{Access, Part};
use super::new_file::write_new_file;
use crate::kinds::{Stream, Surface};
use crate::ports::{Client, history};

/// What is recorded.
#[derive(Clone, Copy)]
pub enum Recorded<'a> {
    Run(&'a str),
    Thing(&'a Surface, &'a str),
}

pub async fn record(context: Context<'_>, what: Recorded<'_>, target: Option<&Path>) -> Result<Exit, Failure> {
    let session = context.host.session(Part::Reader).await?;
    let found = find(session.client(), what).await;
    session.close().await;
    let (title, of) = found?;
    let store = context.host.store(Access::Read).await?;
    let recording = store.record(&title, &of).await;
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

/// Its title, its stream, and those of what it is about.
async fn find(client: &dyn Client, what: Recorded<'_>) -> Result<(String, Vec<Stream>), Failure> {
    let (title, of, about) = match what {
        Recorded::Run(given) => {
            let (snapshot, _) = client.open().await?;
            let run = find::run(client, &snapshot, given).await?;
            (run.goal.raw().to_owned(), Stream::Run(run.id), Vec::new())
        }
        Recorded::Thing(surface, given) => {
            let thing = find::thing(client, surface, given).await?;
            let title = format!("{} {}", surface.name(), thing.title(surface).raw());
            (title, thing.stream, thing.about())
        }
    };
    let history = history(client, of, about).await?;
    Ok((title, history.streams.into_keys().collect()))
}

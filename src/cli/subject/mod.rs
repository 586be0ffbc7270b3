//! `morningai subject`: all that the store holds of a person, exported or erased for good.

mod erase;
mod export;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::host::Access;
use super::subject_args::{SubjectAction, SubjectOptions};

pub async fn subject(mut context: Context<'_>, options: SubjectOptions) -> Result<Exit, Failure> {
    let access = match &options.action {
        SubjectAction::Export { .. } => Access::Read,
        SubjectAction::Erase { .. } => Access::Write,
    };
    let store = context.host.store(access).await?;
    let done = match options.action {
        SubjectAction::Export { name, output } => {
            export::export(&mut context, store.as_ref(), &name, output.as_deref()).await
        }
        SubjectAction::Erase { name, yes } => {
            let asked = if yes { erase::Asked::Already } else { erase::Asked::NotYet };
            erase::erase(&mut context, store.as_ref(), &name, asked).await
        }
    };
    let closed = store.close().await;
    done?;
    closed.map(|()| Exit::Done)
}

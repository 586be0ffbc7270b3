//! `morningai subject erase`: asks once more, then has the store destroy the person's key.

use crate::access::people;
use crate::cli::accounts::administrator;
use crate::cli::context::{Context, Form};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::host::StoreKeeper;
use crate::cli::password;
use crate::domain::{AccountName, Untrusted};
use crate::ports::{Clock, EncryptionState, EraseError, Erasure, SystemClock};
use crate::shape::ErasedShape;

/// Whether the person at the terminal has said that they mean it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Already,
    NotYet,
}

pub(super) async fn erase(
    context: &mut Context<'_>,
    store: &dyn StoreKeeper,
    name: &str,
    asked: Asked,
) -> Result<(), Failure> {
    if store.subjects().encryption() == EncryptionState::Plain {
        return Err(Failure::from(EraseError::NotEncrypted).at(store.place()));
    }
    let others = store.accounts().accounts().await?;
    let by = administrator(&context.host.person(), &others)?;
    let target = AccountName::parse(name).ok();
    let target = others.iter().find(|account| Some(&account.name) == target.as_ref());
    people::may_erase(&by, target, &others)?;
    if asked == Asked::NotYet {
        ask(name)?;
    }
    let erasure = Erasure { name: name.to_owned(), by: by.actor(), at: SystemClock.now() };
    let erased = store.subjects().erase(erasure).await?;
    tell(context, &ErasedShape::of(&erased))
}

fn ask(name: &str) -> Result<(), Failure> {
    let shown = Untrusted::from(name);
    let question =
        format!("Everything about {} will be erased permanently. Type the name to confirm: ", shown.visible());
    match password::shown(&question)? {
        Some(typed) if typed == name => Ok(()),
        Some(_) => Err(Failure::new(Exit::Refused, "that is not the name; nothing was erased")),
        None => {
            Err(Failure::usage("there is no terminal to confirm at; nothing was erased").next("repeat it with --yes"))
        }
    }
}

fn tell(context: &mut Context<'_>, erased: &ErasedShape) -> Result<(), Failure> {
    let ErasedShape { event, pseudonym, rows, outputs, leftovers } = erased;
    match context.form {
        Form::Json => context.output.json(erased),
        Form::Text => {
            let line = format!(
                "erased: the log knows them as {pseudonym} (event {event}); {rows} rows and {outputs} outputs removed"
            );
            context.output.line(&line)?;
            context.output.diagnose("Backups made before, workspaces and exports are not part of the store.");
            if !leftovers.is_empty() {
                context.output.diagnose(&format!("Not yet gone: {leftovers}"));
            }
            Ok(())
        }
    }
}

impl From<EraseError> for Failure {
    fn from(error: EraseError) -> Self {
        let hint = error.hint();
        match error {
            EraseError::Log(error) => error.into(),
            EraseError::NotEncrypted | EraseError::Unknown(_) => Self::usage(error.to_string()).next(hint),
            EraseError::Busy(_) => Self::failed(error.to_string()).next(hint),
        }
    }
}

//! `morningai subject export`: everything the log holds of a person, to standard output or into a new file.

use std::io::Write;
use std::path::Path;

use crate::access::people::PeopleError;
use crate::cli::accounts::administrator;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::host::StoreKeeper;
use crate::cli::output::{Output, Reader};
use crate::domain::Action;
use crate::ports::{Clock, SystemClock};
use crate::shape::{ExportError, Sources, SubjectExport};

pub(super) async fn export(
    context: &mut Context<'_>,
    store: &dyn StoreKeeper,
    name: &str,
    target: Option<&Path>,
) -> Result<(), Failure> {
    let others = store.accounts().accounts().await?;
    let by = administrator(&context.host.person(), &others)?;
    by.may(Action::Export).map_err(PeopleError::from)?;
    let Some(path) = target else {
        return write_all(&mut Sink::Output(&mut *context.output), store, name).await.map(|_| ());
    };
    let failed = |error: std::io::Error| unwritable(path, &error);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    let mut sink = Sink::File { file: std::io::BufWriter::new(file.as_file_mut()), path };
    let lines = write_all(&mut sink, store, name).await?;
    sink.flush()?;
    drop(sink);
    file.persist_noclobber(path).map_err(|error| failed(error.error))?;
    context.output.diagnose(&format!("exported {lines} lines to {}", path.display()));
    Ok(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("the export cannot be written: {error}"))
        .at(path.display().to_string())
        .next("name a file that does not exist yet, in a directory you may write to")
}

/// All lines; how many there were before the last.
async fn write_all(sink: &mut Sink<'_>, store: &dyn StoreKeeper, name: &str) -> Result<u64, Failure> {
    let failed = |error: ExportError| match error {
        ExportError::Nothing(_) => Failure::from(error).at(store.place()),
        _ => Failure::from(error),
    };
    let from = Sources { log: store.log(), accounts: store.accounts() };
    let mut export = SubjectExport::begin(from.log, name).await?;
    while sink.is_wanted()
        && let Some(lines) = export.next(from, SystemClock.now()).await.map_err(failed)?
    {
        lines.iter().try_for_each(|line| sink.write(line))?;
    }
    Ok(export.lines())
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        let (message, hint) = (error.to_string(), error.hint());
        match error {
            ExportError::Nothing(_) => Self::usage(message).next(hint),
            ExportError::Unwritable(_) => Self::failed(message).next(hint),
            ExportError::Log(error) => error.into(),
        }
    }
}

/// Where lines go.
enum Sink<'a> {
    Output(&'a mut Output),
    File { file: std::io::BufWriter<&'a mut std::fs::File>, path: &'a Path },
}

impl Sink<'_> {
    fn write(&mut self, line: &str) -> Result<(), Failure> {
        match self {
            Self::Output(output) => output.line(line),
            Self::File { file, path } => writeln!(file, "{line}").map_err(|error| unwritable(path, &error)),
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Self::Output(_) => Ok(()),
            Self::File { file, path } => file.flush().map_err(|error| unwritable(path, &error)),
        }
    }

    fn is_wanted(&self) -> bool {
        match self {
            Self::Output(output) => output.reader() == Reader::There,
            Self::File { .. } => true,
        }
    }
}

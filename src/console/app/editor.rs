//! Hands the terminal to the person's own editor and takes it back.

use std::io;
use std::io::Write;

use tokio::process::Command;

use super::{App, Surface};
use crate::console::update::{Edit, Reply, Written};
use crate::domain::written_text;

impl<S: Surface> App<S> {
    pub(super) fn edit(&mut self, edit: Edit) {
        self.surface.leave();
        self.is_away = true;
        let command = self.options.editor.clone();
        self.spawn(async move {
            let result = edit_text(&command, &edit).await;
            Reply::Edited { edit, result }
        });
    }

    pub(super) fn come_back(&mut self) -> io::Result<()> {
        self.is_away = false;
        self.surface.enter()?;
        self.redraw()
    }
}

/// Runs the editor on a file that only its owner reads, and gives back what it left there.
///
/// It runs in a directory of its own, since editors obey files of the one they run in. `command` is the editor with its
/// arguments; an empty one means `vi`. An error says what went wrong.
pub async fn edit_text(command: &[String], edit: &Edit) -> Result<String, String> {
    let (program, arguments) = match command.split_first() {
        Some((program, arguments)) => (program.as_str(), arguments),
        None => ("vi", command),
    };
    let failed = |error: io::Error| format!("cannot edit with {program}: {error}");
    let suffix = match edit.written {
        Written::Markdown => ".md",
        Written::Json => ".json",
    };
    let place = tempfile::Builder::new().prefix("morningai-").tempdir().map_err(failed)?;
    let mut file = tempfile::Builder::new().prefix("text-").suffix(suffix).tempfile_in(&place).map_err(failed)?;
    file.write_all(edit.text.as_bytes()).map_err(failed)?;
    // A path is meant from where this program was started.
    let executable = if program.contains('/') { std::path::absolute(program).map_err(failed)? } else { program.into() };
    let mut editor = Command::new(executable);
    editor.args(arguments).arg(file.path()).current_dir(&place).kill_on_drop(true);
    let status = editor.status().await;
    let status = status.map_err(failed)?;
    if !status.success() {
        return Err(format!("{program} exited with {status}; the text is unchanged"));
    }
    let bytes = std::fs::read(file.path()).map_err(failed)?;
    written_text(bytes).map_err(|error| format!("cannot use what {program} saved: {error}; {}", error.hint))
}

//! Hands the terminal to the person's own editor and takes it back.

use std::io;
use std::io::Write;

use tokio::process::Command;

use super::App;
use super::Surface;
use crate::console::update::Edit;
use crate::console::update::Reply;

impl<S: Surface> App<S> {
    pub(super) fn edit(&mut self, edit: Edit) {
        self.surface.leave();
        self.is_away = true;
        let mut command = self.options.editor.clone();
        if command.is_empty() {
            command.push("vi".to_owned());
        }
        self.spawn(async move {
            let result = edited(&command, &edit.text).await;
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
async fn edited(command: &[String], text: &str) -> Result<String, String> {
    let Some((program, arguments)) = command.split_first() else { return Err("no editor is set".to_owned()) };
    let failed = |error: io::Error| format!("cannot edit with {program}: {error}");
    let mut file = tempfile::Builder::new().prefix("morningai-").suffix(".md").tempfile().map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    let status = Command::new(program).args(arguments).arg(file.path()).kill_on_drop(true).status().await;
    let status = status.map_err(failed)?;
    if !status.success() {
        return Err(format!("{program} ended with {status}; the text is as it was"));
    }
    std::fs::read_to_string(file.path()).map_err(failed)
}

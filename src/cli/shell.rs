//! `morningai completions` and `man`: the command line described for shells and for `man`, from its own table.

use super::args::CommandLine;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;

pub fn completions(context: Context<'_>, shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command_of_all(), "morningai", &mut script);
    context.output.write(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

pub fn manual(context: Context<'_>) -> Result<Exit, Failure> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(CommandLine::command_of_all()).render(&mut page);
    rendered.map_err(|error| Failure::failed(format!("the manual page cannot be written: {error}")))?;
    context.output.write(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Done)
}

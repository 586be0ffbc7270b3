//! The program: reads the command line and starts what it asks for.

use std::io::ErrorKind;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use morningai::cli;
use morningai::cli::{Command, CommandLine, Exit, Failure, Output};
use morningai::wire::Wire;

/// Enough for a console beside busy runs; each one costs memory.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    // A process started as the sandbox's helper must do that and nothing else.
    if let Some(code) = morningai::tools::sandbox::run_if_child() {
        return code;
    }
    let mut output = Output::standard();
    let line = match CommandLine::read(std::env::args_os()) {
        Ok(line) => line,
        Err(error) => {
            let exit = ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code()));
            return match error.print() {
                // Help that nobody reads to its end is no error.
                Err(error) if error.kind() != ErrorKind::BrokenPipe => end(&cli::unwritable(&error), &mut output),
                Ok(()) | Err(_) => exit,
            };
        }
    };
    // Where it broke is for the log. A panic may quote what it broke on, and that came from outside.
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a task failed")));
    let performed = std::panic::catch_unwind(AssertUnwindSafe(|| perform(line, &mut output)));
    match performed.unwrap_or_else(|_| Err(broken())) {
        Ok(exit) => exit.into(),
        Err(failure) => end(&failure, &mut output),
    }
}

fn end(failure: &Failure, output: &mut Output) -> ExitCode {
    output.diagnose_part(&failure.rendered());
    failure.exit.into()
}

fn broken() -> Failure {
    Failure::failed("something inside the program failed; this is a defect of it")
        .next("look into the program's log, then try again; what was decided is in the store")
}

fn perform(line: CommandLine, output: &mut Output) -> Result<Exit, Failure> {
    let wire = Wire::open(&line.global, line.traces())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("the program cannot start its threads: {error}")))?;
    let done = runtime.block_on(async {
        match line.command {
            Some(Command::Demo(options)) => wire.demo(options, output).await,
            Some(Command::Cast(options)) => wire.cast(options, output).await,
            Some(Command::Serve(options)) => wire.serve(options, output).await,
            Some(Command::Attach(options)) => wire.attach(options).await,
            Some(command) => cli::perform(command, &line.global, wire.as_ref(), output).await,
            None => wire.console().await,
        }
    });
    // What still blocks a thread, such as a read from the terminal, is not waited for.
    runtime.shutdown_background();
    done
}

//! The program's own log: JSON lines in a file a day, fourteen kept. Nothing of it ever reaches the screen.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

use crate::cli::Traces;

/// Writes what is left when it is dropped.
pub(super) type Guard = WorkerGuard;

/// Days kept.
const FILES: usize = 14;

/// Starts logging to `dir`; `None` where that cannot be written. A program on call works without its log.
pub(super) fn start(dir: &Path, traces: Traces) -> Option<Guard> {
    if traces == Traces::None && !dir.is_dir() {
        return None;
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(dir).ok()?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("morningai")
        .filename_suffix("jsonl")
        .max_log_files(FILES)
        .build(dir)
        .ok()?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let wanted = std::env::var("MORNINGAI_LOG").unwrap_or_else(|_| "info,sqlx=warn,hyper=warn,reqwest=warn".to_owned());
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|_| EnvFilter::new("info"));
    // It repeats malformed lines of the password file.
    let filter = "sqlx_postgres::options=off"
        .parse()
        .map_or_else(|_| EnvFilter::new("off"), |quiet| filter.add_directive(quiet));
    let subscriber = tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(writer).finish();
    tracing::subscriber::set_global_default(subscriber).ok()?;
    Some(guard)
}

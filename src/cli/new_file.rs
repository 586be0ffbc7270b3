//! A file that a command writes: all of it or nothing, and never over something that is already there.

use std::path::Path;

use super::failure::Failure;

/// Writes `text`; `what` names it in the error.
pub fn write_new_file(path: &Path, text: &str, what: &str) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| {
        Failure::failed(format!("the {what} cannot be written: {error}"))
            .at(path.display().to_string())
            .next("name a file that does not exist yet, in a directory you may write to")
    };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(directory).map_err(|error| failed(&error))?;
    std::fs::write(file.path(), text).map_err(|error| failed(&error))?;
    file.persist_noclobber(path).map_err(|error| failed(&error.error))?;
    Ok(())
}

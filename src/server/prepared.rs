//! Runs that were prepared here and not yet started. What a console sends as a run's specification is not believed:
//! it could name any directory and any tool, so only what this server prepared itself is started.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::host::{Unprepared, Whose};
use crate::domain::{Rejection, RejectionKind, RunId, RunSpec, Untrusted};
use crate::ports::Work;

/// Most runs kept; the oldest are forgotten.
const MOST: usize = 256;

#[derive(Default)]
pub(super) struct Prepared(Mutex<VecDeque<(RunId, RunSpec)>>);

impl Prepared {
    pub(super) fn keep(&self, run: RunId, spec: &RunSpec) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((run, spec.clone()));
        while kept.len() > MOST {
            kept.pop_front();
        }
    }

    /// Forgets what was prepared for a run that is not started after all.
    pub(super) fn take(&self, run: RunId) -> Option<RunSpec> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| *known == run)?;
        kept.remove(at).map(|(_, spec)| spec)
    }

    /// The specification that was prepared for `run`.
    pub(super) fn of(&self, run: RunId) -> Result<RunSpec, Rejection> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(known, _)| *known == run).map(|(_, spec)| spec.clone());
        found.ok_or_else(|| {
            Rejection::new(RejectionKind::Invalid, "this run was not prepared by this server")
                .hint("it may have restarted in between: start the goal again")
        })
    }
}

/// A procedure of the library. A file is read for nobody elsewhere: what is wrong with one is told with its lines.
pub(super) fn procedure(name: String) -> Result<Work, Unprepared> {
    if !name.contains('/') && !name.ends_with(".md") {
        return Ok(Work::Procedure(name));
    }
    Err(Unprepared {
        whose: Whose::Asker,
        message: "a procedure is named, not given as a file".to_owned(),
        hint: "put the file into the procedures directory of the server, and use its name".to_owned(),
    })
}

/// A directory on this machine that somebody elsewhere names; there is none here that a relative path could begin at.
pub(super) fn workspace(named: Option<PathBuf>) -> Result<Option<PathBuf>, Unprepared> {
    match named {
        Some(path) if path.is_relative() && !path.starts_with("~") => Err(Unprepared {
            whose: Whose::Asker,
            message: format!("the workspace `{}` is a relative path", Untrusted::new(path.to_string_lossy()).visible()),
            hint: "give the whole path on the server's machine, from `/` on".to_owned(),
        }),
        named => Ok(named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_server_are_not_read_for_others() {
        assert!(procedure("check-this-machine".to_owned()).is_ok());
        for path in ["/etc/shadow", "../x", "notes.md"] {
            assert_eq!(procedure(path.to_owned()).unwrap_err().whose, Whose::Asker, "{path}");
        }
    }

    #[test]
    fn a_workspace_is_named_by_its_whole_path() {
        for path in ["rel", "./x", "../x", ""] {
            assert_eq!(workspace(Some(path.into())).unwrap_err().whose, Whose::Asker, "{path}");
        }
        for path in ["/srv/x", "~/x"] {
            assert_eq!(workspace(Some(path.into())), Ok(Some(path.into())));
        }
        assert_eq!(workspace(None), Ok(None));
    }

    #[test]
    fn only_what_was_prepared_here_is_known_and_memory_is_bounded() {
        let prepared = Prepared::default();
        let spec: RunSpec =
            serde_json::from_value(serde_json::json!({ "goal": "g", "agent": "dev", "tools": [] })).unwrap();
        let id = |number: usize| RunId(uuid::Uuid::from_u128(number as u128));
        assert!(prepared.of(id(0)).is_err());
        for number in 0..MOST + 1 {
            prepared.keep(id(number), &spec);
        }
        assert!(prepared.of(id(0)).is_err());
        assert_eq!(prepared.of(id(MOST)).unwrap(), spec);
        assert_eq!((prepared.take(id(MOST)), prepared.take(id(MOST))), (Some(spec), None));
    }
}

//! The user's runbooks while the program runs: which one is for an alert as they are now, what is wrong with one, and where a
//! new one goes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::config::{Agents, Procedure, Procedures, with_alert};
use crate::domain::{EffectClass, Fault, Faults, Matching, SourceText, StepPart};
use crate::kinds::Labels;
use crate::tools::Toolbox;
use crate::tools::runbook::{ProposeRunbook, Shelf};

use super::places::Places;

/// How long what was read holds without another look at the directory.
const FRESH: Duration = Duration::from_secs(1);

/// The tool that proposes runbooks. `toolbox` has all tools that a runbook may name.
pub(super) fn propose(toolbox: &Toolbox, places: &Places) -> ProposeRunbook {
    let (toolbox, agents) = (toolbox.clone(), places.paths.agents_dir());
    let check = move |name: &str, text: &str| {
        let source = SourceText::new(format!("{name}.md"), text);
        let procedure = Procedure::read(&source, name)?;
        if procedure.matching.is_empty() {
            let fault = Fault::new(&source, 0..0, "it does not say which alerts it is for");
            return Err(fault.help("name their labels in the front matter: match: { alertname: NodeDown }").into());
        }
        lint(&toolbox, &Agents::load(Some(&agents)), &procedure)?;
        Ok(procedure.matching.line())
    };
    let directory = places.paths.procedures_dir();
    let bundled = Procedures::bundled;
    ProposeRunbook::new(Some(Shelf { directory, lint: Arc::new(check), bundled, widened: with_alert }))
}

/// What is wrong with a procedure whose file could be read.
pub(super) fn lint(toolbox: &Toolbox, agents: &Agents, procedure: &Procedure) -> Result<(), Faults> {
    let known: Vec<_> = toolbox.specs().map(|spec| spec.name.0.as_str()).collect();
    procedure.check_tools(&known)?;
    procedure.check_agents(agents)?;
    let mut faults = Vec::new();
    for (step, part, call, place) in procedure.calls() {
        let Some(tool) = toolbox.get(&call.tool) else { continue };
        let fault = |message: String| Fault::new(&procedure.source, place.clone(), message);
        if let Some(problem) = tool.spec().misfit(&call.args) {
            let help = format!("{} takes: {}", call.tool, tool.spec().signature());
            faults.push(fault(format!("{}: {problem}", call.tool)).help(help));
        }
        // Whatever comes after a change, and looks, verifies it.
        let is_last = procedure.steps.last().is_some_and(|last| std::ptr::eq(last, step));
        let changes = matches!(tool.spec().class, EffectClass::Host | EffectClass::External);
        let is_runbook = !procedure.matching.is_empty();
        if part == StepPart::Act && changes && is_last && step.verify.is_none() && is_runbook {
            let message = format!("{} changes something, and nothing verifies that it helped", call.tool);
            faults.push(fault(message).help("add a block ```verify tool NAME or ```verify sh"));
        }
    }
    Faults::none_in(faults)
}

/// Which runbook is for which alerts. It follows the directory of the user's own.
pub(super) struct Runbooks {
    directory: PathBuf,
    read: Mutex<Read>,
}

/// What was read, and what the directory looked like.
struct Read {
    looked: Instant,
    files: Files,
    runbooks: Vec<(String, Matching)>,
}

/// The size of each file, and when it was written.
type Files = BTreeMap<OsString, (u64, Option<SystemTime>)>;

impl Runbooks {
    pub(super) fn new(directory: PathBuf) -> Self {
        let files = files(&directory);
        let read = Read { looked: Instant::now(), files, runbooks: runbooks(&directory) };
        Self { directory, read: Mutex::new(read) }
    }

    /// Of the runbooks that fit, the one that asks for most labels; of several such, the first by name.
    pub(super) fn best(&self, labels: &Labels) -> Option<String> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.looked.elapsed() >= FRESH {
            let files = files(&self.directory);
            if files != read.files {
                read.runbooks = runbooks(&self.directory);
            }
            (read.looked, read.files) = (Instant::now(), files);
        }
        let fit = |(name, matching): &'_ (String, Matching)| {
            Some((matching.fits(|label| labels.get(label))?, std::cmp::Reverse(name.clone())))
        };
        read.runbooks.iter().filter_map(fit).max().map(|(_, std::cmp::Reverse(name))| name)
    }
}

fn runbooks(directory: &Path) -> Vec<(String, Matching)> {
    let procedures = Procedures::load(Some(directory));
    let with_labels = procedures.iter().filter(|(_, procedure)| !procedure.matching.is_empty());
    with_labels.map(|(name, procedure)| (name.to_owned(), procedure.matching.clone())).collect()
}

fn files(directory: &Path) -> Files {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let file = |entry: std::fs::DirEntry| {
        let metadata = std::fs::metadata(entry.path()).ok()?;
        Some((entry.file_name(), (metadata.len(), metadata.modified().ok())))
    };
    entries.filter_map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runbook_that_is_written_while_the_program_runs_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let own = directory.path().join("procedures");
        let runbooks = Runbooks::new(own.clone());
        let best = |alertname: &str| {
            runbooks.read.lock().unwrap().looked -= FRESH;
            runbooks.best(&Labels::bounded([("alertname".to_owned(), alertname.to_owned())]))
        };
        assert_eq!((best("WebGone"), best("DiskFilling").as_deref()), (None, Some("disk-filling")));
        std::fs::create_dir(&own).unwrap();
        let text = "---\nname: web\ndescription: d\nmatch:\n  alertname: WebGone\n---\n## Look\n\n```sh\ntrue\n```\n";
        std::fs::write(own.join("web.md"), text).unwrap();
        assert_eq!(best("WebGone").as_deref(), Some("web"));
        std::fs::write(own.join("web.md"), text.replace("WebGone", "WebIsGone")).unwrap();
        assert_eq!((best("WebGone"), best("WebIsGone").as_deref()), (None, Some("web")));
        std::fs::remove_file(own.join("web.md")).unwrap();
        assert_eq!(best("WebIsGone"), None);
    }
}

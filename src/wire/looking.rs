//! What `doctor` says of pollers, probes and watches.

use super::Wire;
use crate::cli::{AskModels, Failure, Finding};
use crate::feeds::{ProbeBoard, check_all};

const SUBJECT: &str = "probes";

impl Wire {
    /// Whether what is to be looked at can be, and where others may be asked, whether it answers.
    pub(super) async fn looking_finding(&self, ask: AskModels) -> Option<Finding> {
        let broken = |failure: Failure| Some(Finding::fail(SUBJECT, failure.message(), failure.hint()));
        let probes = match (self.probes(), self.lookouts()) {
            (Err(failure), _) | (_, Err(failure)) => return broken(failure),
            (Ok(probes), Ok(_)) => probes,
        };
        let watches = self.config.watch.len();
        if probes.is_empty() && watches == 0 {
            return None;
        }
        let mut lines = vec![format!("{} probes and {watches} watches", probes.len())];
        let is_missing = |file: &std::path::PathBuf| !self.places.paths.config_dir().join(file).exists();
        let files = self.config.watch.iter().filter_map(|watch| watch.file.as_ref());
        lines.extend(files.filter(|file| is_missing(file)).map(|file| format!("{} is not there yet", file.display())));
        let mut failed = Vec::new();
        if ask == AskModels::Yes {
            let board = ProbeBoard::default();
            check_all(probes, &board, chrono::Utc::now()).await;
            failed = board.problems();
            lines.extend(failed.iter().map(|(name, problem)| format!("{name} does not answer: {problem}")));
        }
        let detail = lines.join("\n");
        Some(match failed.is_empty() {
            true => Finding::ok(SUBJECT, detail),
            false => Finding::warn(SUBJECT, detail, "look at what is probed, or at [[probe]] in the configuration"),
        })
    }
}

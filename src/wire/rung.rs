//! The rung of the sandbox that programs run on here, and the better one that this machine had before, which is
//! remembered in the data directory.

use std::path::{Path, PathBuf};

use super::Wire;
use crate::client::LocalClient;
use crate::domain::RungChoice;
use crate::tools::sandbox::Rung;

/// File in the data directory that names the best rung that has worked so far.
const REMEMBERED: &str = "sandbox-rung";

impl Wire {
    /// Tells the header and the overview which rung programs run on, once that is known.
    pub(super) async fn learn_sandbox(&self, client: &LocalClient) {
        let rung = self.sandbox.rung().await;
        let before = self.better_rung_before().await.unwrap_or_default();
        client.learn(|status| {
            rung.name().clone_into(&mut status.sandbox);
            status.sandbox_before = before;
        });
        if !self.options.observe {
            remember(&self.rung_file(), self.config.sandbox.rung, rung);
        }
    }

    /// The better rung that this machine had before, where the best is wanted and it is not to be had any more.
    pub(super) async fn better_rung_before(&self) -> Option<String> {
        better(self.config.sandbox.rung, &remembered(&self.rung_file()), self.sandbox.rung().await)
    }

    fn rung_file(&self) -> PathBuf {
        self.places.paths.data_dir().join(REMEMBERED)
    }
}

fn remembered(file: &Path) -> String {
    std::fs::read_to_string(file).map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// A configuration that names a rung has accepted it, however good it is.
fn better(choice: RungChoice, before: &str, now: &Rung) -> Option<String> {
    let fell = choice == RungChoice::Best && now.is_weaker_than(before);
    fell.then(|| before.to_owned())
}

/// Keeps the best rung that has worked. Where that fails, a fall from it is not noticed, and nothing else.
fn remember(file: &Path, choice: RungChoice, now: &Rung) {
    let before = remembered(file);
    if choice != RungChoice::Best || now.name() == before || now.is_weaker_than(&before) {
        return;
    }
    if let Err(error) = std::fs::write(file, now.name()) {
        tracing::warn!(%error, file = %file.display(), "the rung of the sandbox is not remembered");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fall_from_the_best_rung_that_worked_is_noticed_until_it_works_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(REMEMBERED);
        let start = |choice, now: Rung| {
            let before = better(choice, &remembered(&file), &now);
            remember(&file, choice, &now);
            before
        };
        let best = Some("bubblewrap".to_owned());
        let none = Rung::None { reason: "no namespaces".to_owned() };
        assert_eq!(start(RungChoice::Best, none.clone()), None, "there was nothing to fall from");
        assert_eq!(start(RungChoice::Best, Rung::Namespaces), None);
        assert_eq!(start(RungChoice::Best, Rung::Bubblewrap), None);
        assert_eq!(start(RungChoice::Best, Rung::Namespaces), best);
        assert_eq!(start(RungChoice::Best, none), best);
        assert_eq!(start(RungChoice::Landlock, Rung::LandlockSeccomp), None, "it was asked for");
        assert_eq!(start(RungChoice::Best, Rung::LandlockSeccomp), best);
        assert_eq!(start(RungChoice::Best, Rung::Bubblewrap), None);
    }
}

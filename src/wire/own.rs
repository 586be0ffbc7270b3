//! What may be wrong with the machine under this program: looked at while it works, for incidents of its own.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::feeds::{Machine, MachineTrouble};
use crate::kinds::Severity;
use crate::ports::Log;
use crate::tools::sandbox::Sandbox;

/// The file in the data directory that names the best rung of the sandbox that there was here.
const RUNG_FILE: &str = "sandbox.rung";
/// Rungs, the best first.
const RUNGS: [&str; 4] = ["bubblewrap", "namespaces", "landlock+seccomp", "none"];
/// A disk with less than both of these free is nearly full.
const LEAST_SHARE: f64 = 0.05;
const LEAST_BYTES: u64 = 1024 * 1024 * 1024;
/// When the whole chain of the log is verified first, and how often then.
const FIRST_VERIFIED: Duration = Duration::from_secs(600);
const VERIFIED_EVERY: Duration = Duration::from_secs(24 * 3600);

/// This machine.
pub(super) struct ThisMachine {
    data_dir: PathBuf,
    sandbox: Arc<Sandbox>,
    log: Arc<dyn Log>,
    chain: Mutex<Chain>,
}

/// What is known of the chain of the log.
struct Chain {
    next: Instant,
    problem: Option<String>,
}

impl ThisMachine {
    pub(super) fn new(data_dir: &Path, sandbox: Arc<Sandbox>, log: Arc<dyn Log>) -> Self {
        let chain = Chain { next: Instant::now() + FIRST_VERIFIED, problem: None };
        Self { data_dir: data_dir.to_owned(), sandbox, log, chain: Mutex::new(chain) }
    }

    async fn chain(&self) -> Option<String> {
        let is_due = {
            let mut chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
            let is_due = Instant::now() >= chain.next;
            if is_due {
                chain.next = Instant::now() + VERIFIED_EVERY;
            }
            is_due
        };
        let report = if is_due { Some(self.log.verify(&[]).await) } else { None };
        let mut chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        match report {
            Some(Ok(report)) => chain.problem = report.problems.into_iter().next(),
            Some(Err(error)) => tracing::warn!(%error, "the chain of the log could not be verified"),
            None => {}
        }
        chain.problem.clone()
    }
}

#[async_trait]
impl Machine for ThisMachine {
    async fn troubles(&self) -> Vec<MachineTrouble> {
        let rung = self.sandbox.rung().await.name();
        let chain = self.chain().await.map(|problem| MachineTrouble {
            name: "LogChainBroken",
            severity: Severity::Critical,
            about: Vec::new(),
            summary: format!("the log is not what was written: {problem}; see `morningai log verify`"),
        });
        disk(&self.data_dir).into_iter().chain(fallen(&self.data_dir.join(RUNG_FILE), rung)).chain(chain).collect()
    }
}

fn disk(dir: &Path) -> Option<MachineTrouble> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    let (free, all) = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize);
    is_nearly_full(free, all).then(|| MachineTrouble {
        name: "DiskNearlyFull",
        severity: Severity::Warning,
        about: vec![("directory", dir.display().to_string())],
        summary: format!(
            "{} MB are left on the disk of {}; nothing is approved when it is full",
            free >> 20,
            dir.display()
        ),
    })
}

fn is_nearly_full(free: u64, all: u64) -> bool {
    free < LEAST_BYTES && (free as f64) < all as f64 * LEAST_SHARE
}

/// Whether programs are confined less well than they once were here; a better rung than before is written down.
fn fallen(file: &Path, rung: &str) -> Option<MachineTrouble> {
    let rank = |name: &str| RUNGS.iter().position(|known| *known == name);
    let before = std::fs::read_to_string(file).ok().unwrap_or_default();
    let (is, was) = (rank(rung)?, rank(before.trim()));
    match was {
        Some(was) if was < is => Some(MachineTrouble {
            name: "SandboxWeaker",
            severity: Severity::Warning,
            about: Vec::new(),
            summary: format!("programs run on the rung {rung}, where {} was; see `morningai doctor`", before.trim()),
        }),
        Some(was) if was == is => None,
        _ => {
            // Where it cannot be written, the next start has nothing to compare with.
            if let Err(error) = std::fs::write(file, format!("{rung}\n")) {
                tracing::debug!(%error, "the rung of the sandbox was not written down");
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_that_fell_is_told_until_it_is_back() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(RUNG_FILE);
        let told = |rung| fallen(&file, rung).map(|trouble| trouble.summary);
        assert_eq!(told("namespaces"), None);
        assert!(told("none").unwrap().contains("on the rung none, where namespaces was"));
        assert!(told("landlock+seccomp").is_some());
        assert_eq!((told("namespaces"), told("bubblewrap")), (None, None));
        assert!(told("namespaces").is_some(), "the better one is remembered");
    }

    #[test]
    fn a_disk_is_nearly_full_by_share_and_by_bytes() {
        const GB: u64 = 1024 * 1024 * 1024;
        assert!(is_nearly_full(GB / 4, 10 * GB) && is_nearly_full(GB - 1, 1000 * GB));
        assert!(!is_nearly_full(GB / 2, GB) && !is_nearly_full(20 * GB, 1000 * GB));
    }
}

//! What may be wrong with the machine under this program: looked at while it works, for incidents of its own.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::Wire;
use crate::feeds::{Machine, MachineTrouble};
use crate::kinds::Severity;
use crate::ports::Log;

/// A disk with less than both of these free is nearly full.
const LEAST_SHARE: f64 = 0.05;
const LEAST_BYTES: u64 = 1024 * 1024 * 1024;
/// When the whole chain of the log is verified first, and how often then.
const FIRST_VERIFIED: Duration = Duration::from_secs(600);
const VERIFIED_EVERY: Duration = Duration::from_secs(24 * 3600);

/// This machine.
pub(super) struct ThisMachine {
    wire: Weak<Wire>,
    log: Arc<dyn Log>,
    chain: Mutex<Chain>,
}

/// What is known of the chain of the log.
struct Chain {
    next: Instant,
    problem: Option<String>,
}

impl ThisMachine {
    pub(super) fn new(wire: Weak<Wire>, log: Arc<dyn Log>) -> Self {
        let chain = Chain { next: Instant::now() + FIRST_VERIFIED, problem: None };
        Self { wire, log, chain: Mutex::new(chain) }
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
        let Some(wire) = self.wire.upgrade() else { return Vec::new() };
        let fallen = wire.better_rung_before().await.map(|before| MachineTrouble {
            name: "SandboxWeaker",
            severity: Severity::Warning,
            about: Vec::new(),
            summary: format!(
                "programs are confined less well than by {before}, which worked here; see `morningai doctor`"
            ),
        });
        let chain = self.chain().await.map(|problem| MachineTrouble {
            name: "LogChainBroken",
            severity: Severity::Critical,
            about: Vec::new(),
            summary: format!("the log is not what was written: {problem}; see `morningai log verify`"),
        });
        disk(wire.places.paths.data_dir()).into_iter().chain(fallen).chain(chain).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_nearly_full_by_share_and_by_bytes() {
        const GB: u64 = 1024 * 1024 * 1024;
        assert!(is_nearly_full(GB / 4, 10 * GB) && is_nearly_full(GB - 1, 1000 * GB));
        assert!(!is_nearly_full(GB / 2, GB) && !is_nearly_full(20 * GB, 1000 * GB));
    }
}

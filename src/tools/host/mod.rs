//! Checks of this host, or another that is reached over SSH, read-only: what each asks the kernel, and the tools around them.
//!
//! A reading is taken from `/proc` and its like, judged by thresholds that stand beside each check, and can be
//! saved into the workspace, where `write_report` finds it.

mod certificate;
mod check;
mod chosen;
mod disks;
mod load;
mod memory;
mod over_ssh;
mod ports;
mod processes;
mod protected;
mod reading;
mod release;
mod report;
mod services;
mod stop;
mod stop_over_ssh;
mod system;
mod take;
mod what;

pub use certificate::CheckCertificate;
pub use check::HostCheck;
pub use release::SwitchRelease;
pub use report::WriteReport;
pub use stop::StopProcess;

/// A text file, whatever bytes are in it; `None` when it cannot be read.
fn lossy(path: &str) -> Option<String> {
    std::fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

//! Services of this machine or a host reached over SSH, under systemd or runit: whether one runs, and restarting it.

mod check;
mod manager;
mod over_ssh;
mod restart;

pub use check::CheckService;
pub use manager::Services;
pub use restart::RestartService;

//! Services of this machine, under systemd or runit: whether one runs, and restarting it.

mod check;
mod manager;
mod restart;

pub use check::CheckService;
pub use manager::Services;
pub use restart::RestartService;

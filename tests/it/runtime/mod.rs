//! The orchestrator on a real store: approvals, crashes, two processes, a store that takes no writes.

mod crash;
mod decisions;
pub mod desk;
mod leases;
mod rough_tools;
mod trouble;

//! The sandbox against programs that try to leave it, on every rung this machine has.
//!
//! Every attempt is also made unconfined, where it must succeed: an attempt that fails anyway proves nothing.

mod bench;
mod elsewhere;
mod files;
mod lifetime;
mod limits;
mod memory;
mod others;
mod programs;
mod reach;
mod refusal;
mod run_tests;
mod tool;

//! Upkeep of a store from the command line: copies, backups and what is found when they are not what they should be.

mod broken;
mod copying;
mod kill_rounds;
mod killed;
mod originals;
mod outputs;
mod pruning;
mod restoring;
pub mod store;

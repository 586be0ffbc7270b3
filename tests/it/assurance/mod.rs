//! Nothing lost, nothing twice: processes that die, stop and race for real, on real stores.

mod full_disk;
mod kill_rounds;
mod order;
mod people;
mod place;
mod process;
mod props;
mod races;
mod stopped;
mod story;
mod transitions;

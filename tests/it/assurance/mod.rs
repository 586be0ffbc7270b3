//! Nothing lost, nothing twice: processes that die, stop and race for real, on real stores.

mod full_disk;
mod kill_rounds;
mod ledger;
mod order;
mod people;
mod place;
mod process;
mod promotion;
mod props;
mod races;
mod server_rounds;
mod stopped;
mod story;
mod transitions;
mod unheard;

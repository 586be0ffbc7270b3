//! Which machine the tools of a run act on: this one, or a host of the configuration over SSH.

mod host;
mod hosts;
mod script;
mod sections;
mod ssh;
mod whose;

#[cfg(test)]
pub use host::Unheard;
pub use host::{NamedHost, Ran, Seen, script_of};
pub use hosts::{Hosts, Machine};
pub use sections::Sections;

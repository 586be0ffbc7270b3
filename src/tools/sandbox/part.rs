//! The parts that this program plays when it is started as a helper, by the hidden first argument that names each.

/// Hidden first argument: starts a supervisor and outlives it, so that nothing else does.
pub(crate) const GUARD: &str = "sandbox-guard";
/// Hidden first argument: keeps watch over one confined program.
pub(crate) const SUPERVISE: &str = "sandbox-exec";
/// Hidden first argument: makes namespaces, and then the first process in them.
pub(crate) const DIVIDE: &str = "sandbox-divide";
/// Hidden first argument: builds a root, and then starts the way inside there.
pub(crate) const ROOT: &str = "sandbox-root";
/// Hidden first argument: confines itself and becomes the program.
pub(crate) const ENTER: &str = "sandbox-enter";
/// Hidden first argument: starts a program that must not outlive this process.
pub(crate) const TETHER: &str = "sandbox-tether";

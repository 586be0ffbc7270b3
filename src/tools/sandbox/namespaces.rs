//! The back-end of our own namespaces, for machines that allow them but have no bubblewrap: a root built as there, and
//! Landlock inside.

use std::path::{Path, PathBuf};

use super::confinement::Resolved;
use super::order::{Access, Order, SHARED_MEMORY, Walls};
use super::part::DIVIDE;
use super::target::Target;
use super::{layout, order};

/// The order for a machine that allows user namespaces.
pub(super) fn order(helper: &Path, confinement: &Resolved, target: Target<'_>) -> Result<Order, String> {
    let layout = layout::layout(helper, confinement, target.scratch);
    let mut writable = confinement.writable.clone();
    writable.extend([layout.scratch.to_owned(), SHARED_MEMORY.into()]);
    // What is there may be read: the root holds nothing else. Devices are those made for it, terminals included.
    let access = Access { writable, readable: vec![PathBuf::from("/")], devices: vec![PathBuf::from("/dev")] };
    let plan = serde_json::to_string(&layout.places).map_err(|error| error.to_string())?;
    let launch = vec!["/proc/self/exe".to_owned(), DIVIDE.to_owned(), plan];
    Ok(order::order(launch, confinement, target, layout.scratch, Walls::Divided(access)))
}

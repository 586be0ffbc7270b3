//! The file-system wall of the Landlock rung. Everything not granted is denied, and anything less than full
//! enforcement is an error: a kernel without Landlock would otherwise report success and deny nothing.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use crate::tools::sandbox::order::Access;

/// Linux 6.12: the first that keeps signals and abstract sockets inside, without which a confined program could
/// kill its user's other processes.
const NEEDED: ABI = ABI::V6;

/// Whether this kernel can do all of it. Creates a ruleset and drops it; restricts nothing.
pub(in crate::tools::sandbox) fn is_supported() -> Result<(), String> {
    ruleset().map(drop).map_err(|error| format!("Landlock needs Linux 6.12 or later with Landlock enabled: {error}"))
}

/// Restricts this process and all it will start.
pub(super) fn restrict(access: &Access) -> Result<(), String> {
    let status = grant_all(access).map_err(|error| format!("Landlock: {error}"))?;
    match status.ruleset {
        RulesetStatus::FullyEnforced if status.no_new_privs => Ok(()),
        other => Err(format!("Landlock is not fully enforced: {other:?}")),
    }
}

fn ruleset() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(NEEDED))?
        .scope(Scope::from_all(NEEDED))?
        .create()
}

fn grant_all(granted: &Access) -> Result<landlock::RestrictionStatus, RulesetError> {
    let read = AccessFs::from_read(NEEDED);
    // No device files can be made, and an ioctl reaches only devices that are granted as such.
    let make_devices = AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev;
    let write = AccessFs::from_all(NEEDED) & !make_devices;
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    let mut created = ruleset()?;
    for (paths, access) in [(&granted.writable, write), (&granted.readable, read), (&granted.devices, device)] {
        for path in paths {
            created = grant(created, path, access)?;
        }
    }
    created.restrict_self()
}

/// One that vanished or cannot be opened stays denied, which is the safe side.
fn grant(ruleset: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
    let Ok(place) = PathFd::new(path) else { return Ok(ruleset) };
    // Rights over directories mean nothing for a file, and the kernel refuses a rule that names them.
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(NEEDED) };
    ruleset.add_rule(PathBeneath::new(place, access))
}

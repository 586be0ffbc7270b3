//! The file systems of a program with a root of its own, as a list of what is put where. Pure but for looking at what
//! kind of file a path is; bubblewrap and our own namespaces carry it out.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::confinement::Resolved;
use super::order::SHARED_MEMORY;

/// Where the helper is found inside.
pub(super) const HELPER: &str = "/run/morningai-helper";
/// Where the scratch directory is found inside: `/tmp`, so that programs with that built in work too.
const SCRATCH: &str = "/tmp";
/// And where, when something visible lies below `/tmp`: what is written beside it must not seem to succeed.
const SCRATCH_APART: &str = "/run/morningai-scratch";

/// One thing in the new root. Later ones cover earlier ones; paths are absolute and real.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    Writable {
        from: PathBuf,
        at: PathBuf,
    },
    Readable {
        from: PathBuf,
        at: PathBuf,
    },
    Link {
        to: PathBuf,
        at: PathBuf,
    },
    /// A directory with nothing in it but what follows.
    Empty {
        at: PathBuf,
    },
    /// A file that cannot be opened.
    Blank {
        at: PathBuf,
    },
    /// Shared memory for all of the programs inside together.
    Memory {
        at: PathBuf,
    },
    /// Nothing more is made in this directory of the new root.
    Closed {
        at: PathBuf,
    },
}

/// A new root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub places: Vec<Place>,
    /// Where the scratch directory is inside.
    pub scratch: &'static Path,
}

/// First the scratch directory, then what may be read (some keep tools in `/tmp`), then what hides parts of it, then
/// what may be written (a workspace can lie inside our hidden data directory), then what is protected inside that.
pub(super) fn layout(helper: &Path, confinement: &Resolved, scratch: &Path) -> Layout {
    let same = |path: &PathBuf| (path.clone(), path.clone());
    let shown = || {
        confinement
            .readable
            .iter()
            .chain(&confinement.writable)
            .chain(confinement.aliases.iter().map(|alias| &alias.name))
    };
    let is_used = |place: &str| shown().any(|path| path.starts_with(place));
    let inside = Path::new(if is_used(SCRATCH) { SCRATCH_APART } else { SCRATCH });
    let mut places = vec![
        Place::Memory { at: SHARED_MEMORY.into() },
        Place::Writable { from: scratch.to_owned(), at: inside.to_owned() },
    ];
    places.extend(confinement.readable.iter().map(same).map(|(from, at)| Place::Readable { from, at }));
    places.extend(
        confinement.aliases.iter().map(|alias| Place::Link { to: alias.target.clone(), at: alias.name.clone() }),
    );
    let mut closed = Vec::new();
    for hidden in confinement.hidden_in_readable() {
        if hidden.is_dir() {
            places.push(Place::Empty { at: hidden.clone() });
            closed.push(hidden.clone());
        } else {
            places.push(Place::Blank { at: hidden.clone() });
        }
    }
    places.extend(confinement.writable.iter().map(same).map(|(from, at)| Place::Writable { from, at }));
    places.extend(confinement.protected.iter().map(same).map(|(from, at)| Place::Readable { from, at }));
    places.push(Place::Readable { from: helper.to_owned(), at: HELPER.into() });
    if is_used(SHARED_MEMORY) {
        closed.push(SHARED_MEMORY.into());
    }
    closed.extend(["/dev", "/"].map(PathBuf::from));
    places.extend(closed.into_iter().map(|at| Place::Closed { at }));
    Layout { places, scratch: inside }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::ResourceLimits;
    use super::super::confinement::Alias;
    use super::*;

    fn resolved(writable: &[&str], readable: &[&str]) -> Resolved {
        let paths = |texts: &[&str]| texts.iter().map(PathBuf::from).collect::<Vec<_>>();
        Resolved {
            writable: paths(writable),
            protected: paths(writable).iter().map(|path| path.join(".git")).collect(),
            readable: paths(readable),
            hidden: paths(&["/home/ada/.ssh", "/opt/data"]),
            aliases: vec![Alias { name: PathBuf::from("/bin"), target: PathBuf::from("/usr/bin") }],
            env: BTreeMap::new(),
            limits: ResourceLimits::default(),
        }
    }

    fn laid_out(writable: &[&str], readable: &[&str]) -> Layout {
        layout(Path::new("/helper"), &resolved(writable, readable), Path::new("/scratch"))
    }

    #[test]
    fn what_covers_comes_after_what_it_covers() {
        let places = laid_out(&["/opt/data/work"], &["/opt", "/usr"]).places;
        let position = |place: Place| places.iter().position(|other| *other == place).unwrap();
        let readable = |path: &str| Place::Readable { from: path.into(), at: path.into() };
        let work = "/opt/data/work";
        let order = [
            position(readable("/opt")),
            // Not a directory on this machine; then a blank file is what hides it.
            position(Place::Blank { at: "/opt/data".into() }),
            position(Place::Writable { from: work.into(), at: work.into() }),
            position(readable("/opt/data/work/.git")),
            position(Place::Closed { at: "/".into() }),
        ];
        assert!(order.is_sorted(), "{places:?}");
        let said = format!("{places:?}");
        assert!(!said.contains(".ssh"), "what is not readable needs no cover: {said}");
    }

    #[test]
    fn scratch_is_where_programs_look_for_it_unless_something_else_is_there() {
        assert_eq!(laid_out(&["/work"], &["/usr"]).scratch, Path::new("/tmp"));
        assert_eq!(laid_out(&["/tmp/work"], &["/usr"]).scratch, Path::new(SCRATCH_APART));
        assert_eq!(laid_out(&["/work"], &["/usr", "/tmp/tools"]).scratch, Path::new(SCRATCH_APART));
    }

    #[test]
    fn shared_memory_with_a_workspace_in_it_takes_nothing_else() {
        let closed = Place::Closed { at: SHARED_MEMORY.into() };
        assert!(laid_out(&["/dev/shm/work"], &[]).places.contains(&closed));
        assert!(!laid_out(&["/work"], &[]).places.contains(&closed));
    }
}

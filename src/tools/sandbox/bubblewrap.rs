//! The bubblewrap back-end: a confinement as its command line.

use std::path::Path;

use super::confinement::Resolved;
use super::layout::Place;
use super::order::{Order, SHARED_MEMORY_BYTES, Walls};
use super::part::ENTER;
use super::target::Target;
use super::{layout, order};

/// A new root with nothing in it, its own users, processes, network, IPC and host name; no capability; no terminal.
const NAMESPACES: &[&str] = &[
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--cap-drop",
    "ALL",
    "--die-with-parent",
    "--new-session",
    "--hostname",
    "sandbox",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
];

/// The order for a machine with bubblewrap at `program`.
pub(super) fn order(
    program: &Path,
    helper: &Path,
    confinement: &Resolved,
    target: Target<'_>,
) -> Result<Order, String> {
    let layout = layout::layout(helper, confinement, target.scratch);
    let mut line = CommandLine(vec![text(program)?]);
    line.0.extend(NAMESPACES.iter().map(|&option| option.to_owned()));
    for place in &layout.places {
        match place {
            Place::Writable { from, at } => line.push("--bind", [from, at])?,
            Place::Readable { from, at } => line.push("--ro-bind", [from, at])?,
            Place::Link { to, at } => line.push("--symlink", [to, at])?,
            Place::Empty { at } => line.push("--tmpfs", [at])?,
            Place::Blank { at } => line.push("--ro-bind", [Path::new("/dev/null"), at])?,
            Place::Memory { at } => {
                line.0.extend(["--size".to_owned(), SHARED_MEMORY_BYTES.to_string()]);
                line.push("--tmpfs", [at])?;
            }
            Place::Closed { at } => line.push("--remount-ro", [at])?,
        }
    }
    line.0.extend(["--".to_owned(), layout::HELPER.to_owned(), ENTER.to_owned()]);
    Ok(order::order(line.0, confinement, target, layout.scratch, Walls::Namespaces))
}

/// A command line under construction.
struct CommandLine(Vec<String>);

impl CommandLine {
    fn push<const N: usize>(&mut self, option: &str, paths: [impl AsRef<Path>; N]) -> Result<(), String> {
        self.0.push(option.to_owned());
        for path in paths {
            self.0.push(text(path.as_ref())?);
        }
        Ok(())
    }
}

pub(super) fn text(path: &Path) -> Result<String, String> {
    path.to_str().map(str::to_owned).ok_or_else(|| format!("{}: not a UTF-8 path", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::super::ResourceLimits;
    use super::*;

    #[test]
    fn the_command_line_ends_in_our_helper_and_has_a_network_of_its_own() {
        let confinement = Resolved {
            writable: vec![PathBuf::from("/opt/data/work")],
            protected: vec![PathBuf::from("/opt/data/work/.git")],
            readable: vec![PathBuf::from("/opt")],
            hidden: Vec::new(),
            aliases: Vec::new(),
            env: BTreeMap::new(),
            limits: ResourceLimits::default(),
        };
        let (scratch, cwd) = (PathBuf::from("/scratch"), PathBuf::from("/opt/data/work"));
        let target = Target { argv: &["true".to_owned()], cwd: &cwd, env: &[], scratch: &scratch };
        let order = order(Path::new("/usr/bin/bwrap"), Path::new("/helper"), &confinement, target).unwrap();
        let has = |words: [&str; 3]| order.launch.windows(3).any(|window| window == words);
        assert!(has(["--ro-bind", "/opt", "/opt"]));
        assert!(has(["--bind", "/opt/data/work", "/opt/data/work"]));
        assert!(has(["--ro-bind", "/opt/data/work/.git", "/opt/data/work/.git"]));
        assert_eq!(order.launch[order.launch.len() - 2..], [layout::HELPER, ENTER]);
        assert!(order.launch.iter().any(|word| word == "--unshare-net"));
        assert_eq!(order.entry.env["HOME"], "/tmp");
    }
}

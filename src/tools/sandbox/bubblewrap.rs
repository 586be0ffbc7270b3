//! The bubblewrap back-end: a confinement as its command line. Pure but for looking at what kind of file a path is.

use std::path::Path;

use super::ENTER;
use super::Target;
use super::confinement::Resolved;
use super::order;
use super::order::Order;
use super::order::Walls;

/// Where the helper is found inside.
const HELPER_INSIDE: &str = "/run/morningai-helper";
/// Where the scratch directory is found inside, so that programs with `/tmp` built in work too.
const SCRATCH_INSIDE: &str = "/tmp";
/// Shared memory for all of the programs inside together; Linux itself allows half of the machine's memory.
const SHARED_MEMORY_BYTES: u64 = 512 * 1024 * 1024;

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
    let mut line = CommandLine(vec![text(program)?]);
    line.0.extend(NAMESPACES.iter().map(|&option| option.to_owned()));
    line.0.extend(["--size".to_owned(), SHARED_MEMORY_BYTES.to_string()]);
    line.push("--tmpfs", [Path::new(order::SHARED_MEMORY)])?;
    file_systems(&mut line, helper, confinement, target)?;
    line.0.extend(["--".to_owned(), HELPER_INSIDE.to_owned(), ENTER.to_owned()]);
    Ok(order::order(line.0, confinement, target, Path::new(SCRATCH_INSIDE), Walls::Namespaces))
}

/// Later mounts cover earlier ones: first `/tmp`, then what may be read (some keep tools there), then what hides parts of it, then what may be written
/// (a workspace can lie inside our hidden data directory), then what is protected inside that.
fn file_systems(
    line: &mut CommandLine,
    helper: &Path,
    confinement: &Resolved,
    target: Target<'_>,
) -> Result<(), String> {
    line.push("--bind", [target.scratch, Path::new(SCRATCH_INSIDE)])?;
    for path in &confinement.readable {
        line.push("--ro-bind", [path, path])?;
    }
    for alias in &confinement.aliases {
        line.push("--symlink", [&alias.target, &alias.name])?;
    }
    let mut emptied = Vec::new();
    for hidden in confinement.hidden_in_readable() {
        if hidden.is_dir() {
            line.push("--tmpfs", [hidden])?;
            emptied.push(hidden);
        } else {
            line.push("--ro-bind", [Path::new("/dev/null"), hidden])?;
        }
    }
    for path in &confinement.writable {
        line.push("--bind", [path, path])?;
    }
    for path in &confinement.protected {
        line.push("--ro-bind", [path, path])?;
    }
    line.push("--ro-bind", [helper, Path::new(HELPER_INSIDE)])?;
    for hidden in emptied {
        line.push("--remount-ro", [hidden])?;
    }
    for made in ["/dev", "/"] {
        line.push("--remount-ro", [Path::new(made)])?;
    }
    Ok(())
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

fn text(path: &Path) -> Result<String, String> {
    path.to_str().map(str::to_owned).ok_or_else(|| format!("{}: not a UTF-8 path", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::super::ResourceLimits;
    use super::super::confinement::Alias;
    use super::*;

    /// The words that name `path`, with the option before them.
    fn uses<'a>(line: &'a [String], path: &str) -> Vec<(usize, &'a str)> {
        let options: Vec<_> = line.iter().enumerate().filter(|(_, word)| word.starts_with("--")).collect();
        let before = |at| options.iter().rev().find(|(option, _)| *option < at).map(|(_, word)| word.as_str());
        let named = line.iter().enumerate().filter(|(_, word)| *word == path);
        let mut found: Vec<_> = named.filter_map(|(at, _)| Some((at, before(at)?))).collect();
        found.dedup_by_key(|(_, option)| *option);
        found
    }

    #[test]
    fn what_covers_comes_after_what_it_covers() {
        let confinement = Resolved {
            writable: vec![PathBuf::from("/opt/data/work")],
            protected: vec![PathBuf::from("/opt/data/work/.git")],
            readable: vec![PathBuf::from("/opt"), PathBuf::from("/usr")],
            hidden: vec![PathBuf::from("/home/ada/.ssh"), PathBuf::from("/opt/data")],
            aliases: vec![Alias { name: PathBuf::from("/bin"), target: PathBuf::from("/usr/bin") }],
            env: BTreeMap::new(),
            limits: ResourceLimits::default(),
        };
        let (scratch, cwd) = (PathBuf::from("/scratch"), PathBuf::from("/opt/data/work"));
        let target = Target { argv: &["true".to_owned()], cwd: &cwd, env: &[], scratch: &scratch };
        let order = order(Path::new("/usr/bin/bwrap"), Path::new("/helper"), &confinement, target).unwrap();
        let position = |path: &str| uses(&order.launch, path)[0];
        assert_eq!(position("/opt").1, "--ro-bind");
        assert!(position("/opt").0 < position("/opt/data").0);
        assert!(position("/opt/data").0 < position("/opt/data/work").0);
        assert!(position("/opt/data/work").0 < position("/opt/data/work/.git").0);
        assert_eq!(position("/opt/data/work").1, "--bind");
        assert_eq!(position("/opt/data/work/.git").1, "--ro-bind");
        assert_eq!(position("/usr/bin").1, "--symlink");
        assert!(uses(&order.launch, "/home/ada/.ssh").is_empty(), "what is not readable needs no cover");
        assert_eq!(order.launch[order.launch.len() - 2..], [HELPER_INSIDE, ENTER]);
        assert!(order.launch.iter().any(|word| word == "--unshare-net"));
        assert_eq!(order.entry.env["HOME"], SCRATCH_INSIDE);
    }
}

//! The same attempts again, from other places and by another user: below `/tmp`, where programs on most rungs have
//! something of their own, and as a user without privileges, for whom no control group can be had.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::bench::{helper, is_root, say};

/// Who owns nothing, on every Linux.
const NOBODY: &str = "65534";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Us,
    Nobody,
}

#[test]
fn a_workspace_below_tmp_is_confined_as_anywhere() {
    again(Who::Us, &["sandbox::files"]);
}

#[test]
fn a_workspace_in_shared_memory_is_confined_as_anywhere() {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("sandbox::files::no_attempt").env("TEST_SANDBOX_PLACE", directory.path());
    assert_passes(&mut command, "in shared memory");
}

#[test]
fn a_user_without_privileges_is_confined_as_well() {
    if !is_root() {
        say("sandbox: tried as a user without privileges only, because that is what runs the tests");
        return;
    }
    again(
        Who::Nobody,
        &[
            "sandbox::files",
            "sandbox::lifetime",
            "sandbox::limits",
            "sandbox::memory",
            "sandbox::others",
            "sandbox::reach",
        ],
    );
    say("sandbox: tried as root, and as a user without privileges");
}

/// Runs these tests in a copy of this program below `/tmp`, with their workspaces there.
fn again(who: Who, tests: &[&str]) {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let place = directory.path().join("place");
    fs::create_dir(&place).unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
    let copy = |from: &Path, name: &str| {
        let to = directory.path().join(name);
        fs::hard_link(from, &to).or_else(|_| fs::copy(from, &to).map(drop)).unwrap();
        to
    };
    let (program, helper) = (copy(&std::env::current_exe().unwrap(), "it"), copy(&helper(), "morningai"));
    let mut command = if who == Who::Nobody {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--inh-caps=-all"]);
        command.arg(program).env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", &place);
        command
    } else {
        Command::new(program)
    };
    command.args(tests).env("TEST_SANDBOX_HELPER", helper).env("TEST_SANDBOX_PLACE", &place).env("TMPDIR", &place);
    assert_passes(command.current_dir(&place), &format!("below /tmp, {who:?}"));
}

fn assert_passes(command: &mut Command, what: &str) {
    let done = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && !said.contains(" 0 passed"), "{what}: {said}");
}

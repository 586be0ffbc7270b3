//! Attempts to read, change or make files that are none of the program's business.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use morningai::domain::RungChoice;
use morningai::tools::process::Ending;
use morningai::tools::sandbox::SandboxSettings;

use super::bench::{Bench, attempt, directory, helper, is_root, printed, rungs, rungs_with_namespaces, unconfined};

/// A name, and what is tried; `OUT` is the directory around the workspace.
const ATTEMPTS: &[(&str, &str)] = &[
    ("read a secret", "assert open('OUT/secret').read() == 'swordfish'"),
    ("list the directory above", "assert 'secret' in os.listdir('..')"),
    ("make a file outside", "open('OUT/planted', 'w').write('x')"),
    ("change a file outside", "open('OUT/secret', 'a').write('x')"),
    ("empty a file outside", "os.truncate('OUT/secret', 0)"),
    ("delete a file outside", "os.unlink('OUT/secret')"),
    ("follow a link out", "os.symlink('OUT/secret', 'link')\nopen('link').read()"),
    ("write through a link out", "os.symlink('OUT/secret', 'link')\nopen('link', 'w').write('x')"),
    ("link a directory out", "os.symlink('OUT', 'd')\nopen('d/planted', 'w').write('x')"),
    ("hard-link a secret in", "os.link('OUT/secret', 'mine')\nopen('mine').read()"),
    ("move a file out", "open('a', 'w').close()\nos.rename('a', 'OUT/a')"),
    ("move a secret in", "os.rename('OUT/secret', 'mine')"),
    ("by its own root", "open('/proc/self/root' + 'OUT/secret').read()"),
    (
        "by any process's root or directory",
        "def tries(pid):\n    for way in ('root' + 'OUT/secret', 'cwd/../secret', 'cwd/secret'):\n        try:\n            \
         return 'sword' in open(f'/proc/{pid}/{way}').read()\n        except OSError: pass\n\
         assert any(tries(pid) for pid in os.listdir('/proc') if pid.isdigit())",
    ),
    ("mark a program set-user-id", "open('p', 'w').close()\nos.chmod('p', 0o4755)"),
    ("make a set-user-id program", "os.umask(0)\nos.open('p', os.O_CREAT | os.O_WRONLY, 0o4755)"),
    ("make a device", "os.mknod('disk', stat.S_IFBLK | 0o600, os.makedev(7, 0))"),
    (
        "mount over something",
        "os.mkdir('m')\ncall(libc.mount(b'none', b'm', b'tmpfs', 0, None))\nlibc.umount2(b'm', 2)",
    ),
    ("read the password hashes", "open('/etc/shadow').read()"),
    ("change a system file's time", "open('/usr/planted-by-a-test', 'w').close()\nos.unlink('/usr/planted-by-a-test')"),
];

#[tokio::test]
async fn no_attempt_gets_out_and_each_would_without_the_sandbox() {
    for (name, body) in ATTEMPTS {
        let control = Bench::new(RungChoice::Refuse);
        let said = unconfined(&attempt(&aimed(body, &control)), &control.root());
        assert!(said.contains("ESCAPED") || !is_root(), "control of {name:?}: {said}");
        for rung in rungs() {
            let bench = Bench::new(rung);
            let said = bench.attempt(&aimed(body, &bench)).await;
            assert!(said.starts_with("exit 0 held"), "{rung:?}, {name:?}: {said}");
            let secret = fs::read_to_string(bench.outside().join("secret")).unwrap();
            assert_eq!(secret, "swordfish", "{rung:?}, {name:?}");
            assert_eq!(
                fs::read_dir(bench.outside()).unwrap().count(),
                2,
                "{rung:?}, {name:?}: something is new outside"
            );
        }
    }
}

fn aimed(body: &str, bench: &Bench) -> String {
    body.replace("OUT", &bench.outside().display().to_string())
}

#[tokio::test]
async fn the_workspace_can_be_changed_in_every_way() {
    let body = "os.makedirs('a/b')\nopen('a/b/f', 'w').write('x')\nos.rename('a/b/f', 'a/g')\nos.symlink('g', 'a/l')\n\
                os.link('a/g', 'h')\nos.chmod('h', 0o755)\nos.truncate('h', 0)\nos.rmdir('a/b')\nos.unlink('a/l')\n\
                open(os.environ['TMPDIR'] + '/t', 'w').close()\nopen(os.environ['HOME'] + '/.rc', 'w').close()";
    for rung in rungs() {
        let bench = Bench::new(rung);
        let said = bench.attempt(body).await;
        assert!(said.contains("ESCAPED"), "{rung:?}: {said}");
        assert!(bench.root().join("h").exists());
    }
}

#[tokio::test]
async fn what_another_process_holds_open_or_in_its_environment_stays_there() {
    let victim = |bench: &Bench| {
        let secret = fs::File::open(bench.outside().join("secret")).unwrap();
        Command::new("sleep").arg("600").env("CANARY", "tweet").stdin(Stdio::from(secret)).spawn().unwrap()
    };
    let ways = [
        ("environment", "assert b'tweet' in open('/proc/PID/environ', 'rb').read()"),
        ("descriptor", "assert open('/proc/PID/fd/0').read() == 'swordfish'"),
        ("memory", "open('/proc/PID/mem', 'rb')"),
    ];
    for (name, body) in ways {
        for rung in [RungChoice::Refuse].into_iter().chain(rungs()) {
            let bench = Bench::new(rung);
            let mut sleeper = victim(&bench);
            let body = body.replace("PID", &sleeper.id().to_string());
            if rung == RungChoice::Refuse {
                let said = unconfined(&attempt(&body), &bench.root());
                assert!(said.contains("ESCAPED"), "control of {name}: {said}");
            } else {
                let said = bench.attempt(&body).await;
                assert!(said.starts_with("exit 0 held"), "{rung:?}, {name}: {said}");
            }
            sleeper.kill().unwrap();
            sleeper.wait().unwrap();
        }
    }
}

#[tokio::test]
async fn shared_memory_is_not_shared_with_the_outside() {
    let planted = tempfile::Builder::new().prefix("morningai-canary").tempfile_in("/dev/shm").unwrap();
    let path = planted.path().display().to_string();
    let read = format!("open({path:?})");
    assert!(unconfined(&attempt(&read), Path::new("/")).contains("ESCAPED"));
    for rung in rungs() {
        let bench = Bench::new(rung);
        let said = bench.attempt(&read).await;
        assert!(said.starts_with("exit 0 held"), "{rung:?}: {said}");
        let made = format!("{path}-made-by-{rung:?}");
        bench.attempt(&format!("open({made:?}, 'w')")).await;
        assert!(!Path::new(&made).exists(), "{rung:?}");
    }
}

/// A home with credentials of every kind, and a toolchain.
fn home_with_secrets(home: &Path) -> Vec<PathBuf> {
    let places = [
        ".ssh/id_ed25519",
        ".aws/credentials",
        ".gnupg/key",
        ".config/gh/hosts.yml",
        ".config/morningai/config.toml",
        ".netrc",
        ".git-credentials",
        ".docker/config.json",
        ".kube/config",
        ".npmrc",
        ".pypirc",
        ".cargo/credentials.toml",
        ".cargo/config.toml",
        ".bash_history",
        "notes.txt",
    ];
    let write = |place: &&str| {
        let path = home.join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "token = \"swordfish\"").unwrap();
        path
    };
    let secrets = places.iter().map(write).collect();
    fs::create_dir_all(home.join(".cargo/bin")).unwrap();
    fs::write(home.join(".cargo/bin/tool"), "#!/bin/sh\n").unwrap();
    secrets
}

#[tokio::test]
async fn credentials_in_the_home_do_not_exist_but_toolchains_do() {
    for rung in rungs() {
        let outside = directory();
        let home = outside.path().canonicalize().unwrap();
        let secrets = home_with_secrets(&home);
        fs::create_dir(home.join("work")).unwrap();
        let settings = SandboxSettings {
            helper: Some(helper()),
            home: Some(home.clone()),
            // Even a person who makes all of the home readable does not mean these.
            readable: vec![home.clone()],
            hidden: vec![home.join(".config/morningai"), home.join("notes.txt")],
            choice: rung,
        };
        let bench = Bench::with(settings, outside);
        for secret in &secrets {
            let read = format!("open({:?}).read()", secret.display().to_string());
            assert!(unconfined(&attempt(&read), &home).contains("ESCAPED"));
            let said = bench.attempt(&format!("assert 'swordfish' in {read}")).await;
            assert!(said.starts_with("exit 0 held"), "{rung:?}, {}: {said}", secret.display());
        }
        let tool = format!("open({:?}).read()", home.join(".cargo/bin/tool").display().to_string());
        let said = bench.attempt(&tool).await;
        assert!(said.contains("ESCAPED"), "{rung:?}: {said}");
    }
}

#[tokio::test]
async fn the_repository_in_a_plain_workspace_cannot_be_changed() {
    let write = "open('.git/config', 'a').write('[core]')";
    let replace = "os.rename('.git', 'old')";
    for body in [write, replace] {
        let control = with_repository(RungChoice::Refuse);
        assert!(unconfined(&attempt(body), &control.root()).contains("ESCAPED"));
        for rung in rungs_with_namespaces() {
            let said = with_repository(rung).attempt(body).await;
            assert!(said.starts_with("exit 0 held"), "{rung:?}: {said}");
        }
        // Landlock cannot take a part out of a writable directory, so there nothing runs at all.
        let refused = with_repository(RungChoice::Landlock).python(&attempt(body)).await;
        assert!(matches!(&refused.ending, Ending::Unconfined { reason } if reason.contains(".git")), "{refused:?}");
        assert!(printed(&refused).is_empty());
    }
}

fn with_repository(rung: RungChoice) -> Bench {
    let bench = Bench::new(rung);
    fs::create_dir(bench.root().join(".git")).unwrap();
    fs::write(bench.root().join(".git/config"), "").unwrap();
    bench
}

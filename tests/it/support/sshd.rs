//! A real `sshd` on a free port of loopback, run by this user, and an `ssh` that reaches it by the names of its own
//! configuration.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What reaches it.
pub const ALIASES: &str = "web3-alias web3-other";

pub struct Sshd {
    place: tempfile::TempDir,
    program: PathBuf,
    port: u16,
    server: Option<Child>,
}

impl Sshd {
    /// What programs started over it find in their environment; without `sshd` it says so and gives `None`.
    pub fn start(environment: &[(&str, &Path)]) -> Option<Self> {
        let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/debian/usr/sbin/sshd");
        let places = [unpacked, "/usr/sbin/sshd".into(), "/usr/bin/sshd".into()];
        let Some(program) = places.into_iter().find(|place| place.is_file()) else {
            eprintln!("not tested: there is no `sshd`, of the package openssh-server");
            return None;
        };
        if rustix::process::geteuid().is_root() && !std::path::Path::new("/run/sshd").is_dir() {
            eprintln!("not tested: root's `sshd` wants /run/sshd, which `tests/run --install-only` makes");
            return None;
        }
        let place = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = |name: &str| place.path().join(name);
        for key in ["host", "person"] {
            let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(at(key)).status();
            assert!(made.unwrap().success());
        }
        let set: String = environment.iter().map(|(name, value)| format!(" \"{name}={}\"", value.display())).collect();
        let path = std::env::var("PATH").unwrap();
        let here = place.path().display();
        let settings = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {here}/host\nAuthorizedKeysFile {here}/person.pub\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\nSetEnv \"PATH={path}\"{set}\n"
        );
        fs::write(at("sshd.conf"), settings).unwrap();
        let host = |names: &str, port: u16| {
            format!(
                "Host {names}\nHostName 127.0.0.1\nPort {port}\nIdentityFile {here}/person\nIdentitiesOnly yes\n\
                 UserKnownHostsFile {here}/known\nStrictHostKeyChecking accept-new\n"
            )
        };
        // Nobody listens on port 1.
        fs::write(at("ssh.conf"), host(ALIASES, port) + &host("down-alias", 1)).unwrap();
        fs::create_dir(at("bin")).unwrap();
        fs::write(at("bin/ssh"), format!("#!/bin/sh\nexec /usr/bin/ssh -F {here}/ssh.conf \"$@\"\n")).unwrap();
        fs::set_permissions(at("bin/ssh"), fs::Permissions::from_mode(0o755)).unwrap();
        let mut sshd = Self { place, program, port, server: None };
        sshd.listen();
        Some(sshd)
    }

    /// A PATH on which its `ssh` comes first.
    pub fn path(&self) -> String {
        format!("{}:{}", self.place.path().join("bin").display(), std::env::var("PATH").unwrap())
    }

    pub fn listen(&mut self) {
        let log = fs::File::create(self.place.path().join("log")).unwrap();
        let mut server = Command::new(&self.program);
        server.args(["-D", "-e", "-f"]).arg(self.place.path().join("sshd.conf"));
        // Of the package libwrap0, unpacked beside it.
        let libraries = self.program.ancestors().nth(2).unwrap().join("lib");
        let libraries = fs::read_dir(libraries).into_iter().flatten().flatten().map(|entry| entry.path());
        let libraries: Vec<_> = libraries.filter(|path| path.is_dir()).map(|path| path.display().to_string()).collect();
        if self.program.starts_with(env!("CARGO_MANIFEST_DIR")) {
            server.env("LD_LIBRARY_PATH", libraries.join(":"));
        }
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut server = server.spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = server.try_wait().unwrap().is_some();
            let log = || fs::read_to_string(self.place.path().join("log")).unwrap();
            assert!(!ended && Instant::now() < end, "sshd does not listen: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.server = Some(server);
    }

    /// Ends it, and every connection through it.
    pub fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let sessions = children(server.id());
        let _ = server.kill();
        let _ = server.wait();
        for session in sessions {
            let _ = Command::new("kill").args(["-9", &session.to_string()]).stderr(Stdio::null()).status();
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// With their own children: a session hands its connection to one that has fewer rights.
fn children(of: u32) -> Vec<u32> {
    let parent = |id: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let is_sshd = |id: &u32| fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.starts_with("sshd"));
    let all = || fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let own: Vec<u32> = all().filter(|id| parent(*id) == Some(of)).filter(is_sshd).collect();
    own.iter().flat_map(|id| std::iter::once(*id).chain(children(*id))).collect()
}

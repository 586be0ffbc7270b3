//! Attempts to reach other processes, the network and the kernel's inner doors.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::Command;

use morningai::domain::RungChoice;

use super::bench::{Bench, attempt, is_root, printed, rungs, unconfined};

/// `body` gets out unconfined and is held on every rung.
async fn assert_held(name: &str, body: &str) {
    let control = Bench::new(RungChoice::Refuse);
    let said = unconfined(&attempt(body), &control.root());
    assert!(said.contains("ESCAPED") || !is_root(), "control of {name:?}: {said}");
    for rung in rungs() {
        let said = Bench::new(rung).attempt(body).await;
        assert!(said.starts_with("exit 0 held"), "{rung:?}, {name:?}: {said}");
    }
}

#[tokio::test]
async fn no_connection_leaves_the_sandbox() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = tcp.local_addr().unwrap().port();
    assert_held("TCP", &format!("socket.create_connection(('127.0.0.1', {port}))")).await;
    let name = format!("morningai-{}", std::process::id());
    let _abstract = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    assert_held("abstract socket", &format!("socket.socket(socket.AF_UNIX).connect('\\0{name}')")).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("agent.sock");
    let _agent = UnixListener::bind(&path).unwrap();
    assert_held("socket file", &format!("socket.socket(socket.AF_UNIX).connect('{}')", path.display())).await;
    assert_held("raw packets", "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)").await;
}

#[tokio::test]
async fn no_datagram_arrives_not_even_a_dns_question() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let port = server.local_addr().unwrap().port();
    // A query for `leak.example`, as any resolver sends it.
    let ask = format!(
        "query = b'\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\4leak\\7example\\0\\0\\1\\0\\1'\n\
         socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(query, ('127.0.0.1', {port}))"
    );
    let mut buffer = [0; 64];
    let control = Bench::new(RungChoice::Refuse);
    unconfined(&attempt(&ask), &control.root());
    assert!(server.recv(&mut buffer).is_ok(), "the control must arrive");
    for rung in rungs() {
        let done = Bench::new(rung).python(&attempt(&ask)).await;
        assert!(done.ending.succeeded(), "{rung:?}: {done:?}");
        assert!(server.recv(&mut buffer).is_err(), "{rung:?}: a datagram arrived");
    }
}

#[tokio::test]
async fn other_processes_cannot_be_signalled_or_traced() {
    let ways = [
        ("signal", "os.kill(PID, 0)"),
        ("kill", "os.kill(PID, 15)"),
        ("trace", "call(libc.ptrace(16, PID, None, None))\nos.waitpid(PID, 0)\nlibc.ptrace(17, PID, None, None)"),
        ("descriptor by pidfd", "fd = os.pidfd_open(PID)\ncall(libc.syscall(438, fd, 0, 0))"),
    ];
    for (name, body) in ways {
        for rung in [RungChoice::Refuse].into_iter().chain(rungs()) {
            let bench = Bench::new(rung);
            let mut victim = Command::new("sleep").arg("600").spawn().unwrap();
            let body = body.replace("PID", &victim.id().to_string());
            if rung == RungChoice::Refuse {
                let said = unconfined(&attempt(&body), &bench.root());
                assert!(said.contains("ESCAPED"), "control of {name}: {said}");
            } else {
                let said = bench.attempt(&body).await;
                assert!(said.starts_with("exit 0 held"), "{rung:?}, {name}: {said}");
                assert!(victim.try_wait().unwrap().is_none(), "{rung:?}, {name}: the victim is gone");
            }
            victim.kill().unwrap();
            victim.wait().unwrap();
        }
    }
}

#[tokio::test]
async fn the_kernels_inner_doors_are_closed() {
    assert_held("new user namespace", "call(libc.unshare(0x10000000))").await;
    assert_held("new mount namespace", "call(libc.unshare(0x00020000))").await;
    assert_held("join a namespace", "call(libc.setns(os.open('/proc/self/ns/net', os.O_RDONLY), 0))").await;
    assert_held("tracing itself", "call(libc.ptrace(0, 0, None, None))").await;
    assert_held(
        "file handles",
        "call(libc.name_to_handle_at(-100, b'/', (ctypes.c_int * 40)(128), ctypes.byref(ctypes.c_int()), 0))",
    )
    .await;
    assert_held("keyrings", "call(libc.syscall(KEYCTL, 0, -3, 0))".replace("KEYCTL", keyctl()).as_str()).await;
    assert_held("typing into a terminal", TYPE_INTO_TERMINAL).await;
}

const TYPE_INTO_TERMINAL: &str = "import fcntl, pty, termios
_, terminal = pty.openpty()
fcntl.ioctl(terminal, termios.TIOCSTI, b'x')";

fn keyctl() -> &'static str {
    if cfg!(target_arch = "x86_64") { "250" } else { "219" }
}

#[tokio::test]
async fn a_namespace_cannot_be_made_by_clone_either() {
    // The raw call, as the C library's wrapper would not make it.
    let number = if cfg!(target_arch = "x86_64") { 56 } else { 220 };
    let body =
        format!("child = libc.syscall({number}, 0x10000011, 0, 0, 0, 0)\nif child == 0: os._exit(0)\ncall(child)");
    assert_held("clone", &body).await;
}

#[tokio::test]
async fn inherited_descriptors_do_not_come_along() {
    let bench = Bench::new(RungChoice::Refuse);
    let secret = fs::File::open(bench.outside().join("secret")).unwrap();
    // A library that forgets close-on-exec, in this very process.
    rustix::io::fcntl_setfd(&secret, rustix::io::FdFlags::empty()).unwrap();
    let read = "names = os.listdir('/proc/self/fd')\nassert any(os.path.realpath('/proc/self/fd/' + n).endswith('/secret') for n in names)";
    assert!(unconfined(&attempt(read), &bench.root()).contains("ESCAPED"));
    for rung in rungs() {
        let bench = Bench::new(rung);
        let done = bench.python("import os; print(sorted(os.listdir('/proc/self/fd')))").await;
        // The fourth is the listing itself.
        assert_eq!(printed(&done), "['0', '1', '2', '3']\n", "{rung:?}");
    }
}

#[tokio::test]
async fn our_environment_does_not_come_along() {
    let names = "import os; print(' '.join(sorted(os.environ)))";
    let control = unconfined(names, std::path::Path::new("/"));
    assert!(control.contains("CARGO_MANIFEST_DIR"), "{control}");
    for rung in rungs() {
        let printed = printed(&Bench::new(rung).python(names).await);
        assert!(!printed.contains("CARGO_MANIFEST_DIR") && printed.contains("TMPDIR"), "{rung:?}: {printed}");
    }
}

#[tokio::test]
async fn a_program_has_no_terminal_and_no_privileges() {
    let program = "import os
try:
    os.open('/dev/tty', os.O_RDWR); print('terminal')
except OSError: print('no terminal')
print(os.getsid(0) == os.getpid() or os.getsid(0) == 0)
print([line.split()[1] for line in open('/proc/self/status') if line.startswith(('CapEff', 'CapPrm', 'NoNewPrivs', 'Seccomp:'))])";
    for rung in rungs() {
        let said = printed(&Bench::new(rung).python(program).await);
        let expected = "no terminal\nTrue\n['0000000000000000', '0000000000000000', '1', '2']\n";
        assert_eq!(said, expected, "{rung:?}");
    }
}

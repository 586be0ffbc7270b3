//! Attempts to reach what belongs to others by calls that name it: processes, shared memory, queues, and attributes of
//! files.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use morningai::domain::RungChoice;

use super::bench::{Bench, attempt, directory, is_root, printed, rungs, unconfined};

/// Numbers of calls that Python has no function for, by architecture.
fn numbered(body: &str) -> String {
    let numbers = [
        ("FILE_SETATTR", (469, 469)),
        ("GET_ROBUST_LIST", (274, 100)),
        ("IOPRIO_SET", (251, 30)),
        ("KCMP", (312, 272)),
        ("MIGRATE_PAGES", (256, 238)),
        ("MOVE_PAGES", (279, 239)),
        ("PERF_EVENT_OPEN", (298, 241)),
        ("PIDFD_SEND_SIGNAL", (424, 424)),
        ("PROCESS_MADVISE", (440, 440)),
        ("SCHED_SETATTR", (314, 274)),
        ("MQ_OPEN", (240, 180)),
        ("ADD_KEY", (248, 217)),
    ];
    numbers.iter().fold(body.to_owned(), |body, (name, (x86, arm))| {
        let number = if cfg!(target_arch = "x86_64") { x86 } else { arm };
        body.replace(name, &number.to_string())
    })
}

/// A name, and what is done to the process `TARGET`.
const ON_A_PROCESS: &[(&str, &str)] = &[
    ("limit", "call(libc.prlimit(TARGET, 7, (ctypes.c_ulong * 2)(256, 256), None))"),
    ("limit processor time", "call(libc.prlimit(TARGET, 0, (ctypes.c_ulong * 2)(9999, 9999), None))"),
    ("read limits", "call(libc.prlimit(TARGET, 7, None, (ctypes.c_ulong * 2)()))"),
    ("priority", "call(libc.setpriority(0, TARGET, 5))"),
    ("input and output priority", "call(libc.syscall(IOPRIO_SET, 1, TARGET, (2 << 13) | 7))"),
    ("processors", "os.sched_setaffinity(TARGET, os.sched_getaffinity(0))"),
    ("scheduler", "os.sched_setscheduler(TARGET, os.SCHED_BATCH, os.sched_param(0))"),
    ("scheduling", "call(libc.syscall(SCHED_SETATTR, TARGET, struct.pack('IIQiIQQQ', 48, 3, 0, 5, 0, 0, 0, 0), 0))"),
    ("compare", "call(libc.syscall(KCMP, os.getpid(), TARGET, 1, 0, 0))"),
    ("robust list", "call(libc.syscall(GET_ROBUST_LIST, TARGET, (ctypes.c_long * 1)(), (ctypes.c_long * 1)()))"),
    ("handle", "os.pidfd_open(TARGET)"),
    ("signal by handle", "call(libc.syscall(PIDFD_SEND_SIGNAL, os.pidfd_open(TARGET), 0, 0, 0))"),
    ("advice", "call(libc.syscall(PROCESS_MADVISE, os.pidfd_open(TARGET), 0, 0, 20, 0))"),
    ("group", "os.killpg(os.getpgid(TARGET), 0)"),
    ("signal with a value", "call(libc.sigqueue(TARGET, 0, 0))"),
];

#[tokio::test]
async fn no_call_reaches_another_process() {
    for (name, body) in ON_A_PROCESS {
        for rung in [RungChoice::Refuse].into_iter().chain(rungs()) {
            let bench = Bench::new(rung);
            let mut victim = Command::new("sleep").arg("600").spawn().unwrap();
            let body = numbered(&body.replace("TARGET", &victim.id().to_string()));
            let body = format!("import struct\n{body}");
            if rung == RungChoice::Refuse {
                let said = unconfined(&attempt(&body), &bench.root());
                assert!(said.contains("ESCAPED") || !is_root(), "control of {name}: {said}");
            } else {
                let said = bench.attempt(&body).await;
                assert!(said.starts_with("exit 0 held"), "{rung:?}, {name}: {said}");
            }
            victim.kill().unwrap();
            victim.wait().unwrap();
        }
    }
}

#[tokio::test]
async fn a_program_may_do_all_that_to_itself() {
    let body = "import resource
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
os.nice(3)
os.sched_setaffinity(0, os.sched_getaffinity(0))
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
assert os.getpgid(os.getppid()) >= 0";
    for rung in rungs() {
        let said = Bench::new(rung).attempt(body).await;
        assert!(said.contains("ESCAPED"), "{rung:?}: {said}");
    }
}

#[tokio::test]
async fn a_call_that_is_not_known_does_not_exist() {
    let unknown = [("next year's", 490), ("setting attributes", 469), ("reading attributes", 468), ("pidfd_open", 434)];
    for (name, number) in unknown {
        for rung in rungs() {
            let body = format!("libc.syscall({number}, -1, 0, 0, 0, 0, 0)\nprint(ctypes.get_errno())");
            let said = Bench::new(rung).attempt(&body).await;
            assert!(said.starts_with("exit 0 38"), "{rung:?}, {name}: {said}");
        }
    }
}

/// System V IPC with a key of the outside, made by a program outside.
const MAKE_SHARED: &str = "libc.shmat.restype = ctypes.c_void_p
call(shared := libc.shmget(KEY, 4096, 0o1666))
ctypes.memmove(libc.shmat(shared, None, 0), b'swordfish', 10)
call(libc.semget(KEY, 1, 0o1666))
call(libc.msgget(KEY, 0o1666))";
const REMOVE_SHARED: &str = "call(libc.shmctl(libc.shmget(KEY, 0, 0), 0, None))
call(libc.semctl(libc.semget(KEY, 0, 0), 0, 0))
call(libc.msgctl(libc.msgget(KEY, 0), 0, None))";
const ON_SHARED: &[(&str, &str)] = &[
    (
        "read",
        "libc.shmat.restype = ctypes.c_void_p\ncall(shared := libc.shmget(KEY, 0, 0))\nassert ctypes.string_at(libc.shmat(shared, None, 0)) == b'swordfish'",
    ),
    ("state", "call(libc.shmctl(libc.shmget(KEY, 0, 0), 2, ctypes.create_string_buffer(256)))"),
    (
        "by number",
        "libc.shmat.restype = ctypes.c_void_p\nassert any(line.split()[0] == 'KEY' for line in open('/proc/sysvipc/shm'))\nids = [int(line.split()[1]) for line in open('/proc/sysvipc/shm') if line.split()[0] == 'KEY']\nat = libc.shmat(ids[0], None, 0)\nassert at != 2**64 - 1 and ctypes.string_at(at) == b'swordfish'",
    ),
    ("semaphore", "call(libc.semctl(libc.semget(KEY, 0, 0), 0, 16, 1))"),
    ("queue", "call(libc.msgsnd(libc.msgget(KEY, 0), struct.pack('l8s', 1, b'word'), 8, 0))"),
];

#[tokio::test]
async fn shared_memory_semaphores_and_queues_of_the_machine_are_out_of_reach() {
    let key = std::process::id() | 0x4000_0000;
    let aimed = |body: &str| format!("import struct\n{}", body.replace("KEY", &key.to_string()));
    let outside = directory();
    let outside = outside.path();
    assert!(unconfined(&attempt(&aimed(MAKE_SHARED)), outside).contains("ESCAPED"));
    let before = shared_things();
    for (name, body) in ON_SHARED {
        assert!(unconfined(&attempt(&aimed(body)), outside).contains("ESCAPED"), "control of {name}");
        for rung in rungs() {
            let said = Bench::new(rung).attempt(&aimed(body)).await;
            assert!(said.starts_with("exit 0 held"), "{rung:?}, {name}: {said}");
        }
    }
    for rung in rungs() {
        Bench::new(rung).attempt(&aimed(REMOVE_SHARED)).await;
        Bench::new(rung).attempt(&aimed(&MAKE_SHARED.replace("KEY", "4711"))).await;
        assert_eq!(shared_things(), before, "{rung:?}: something is gone or left behind");
    }
    assert!(unconfined(&attempt(&aimed(REMOVE_SHARED)), outside).contains("ESCAPED"));
}

/// The keys of all there are now.
fn shared_things() -> Vec<String> {
    let kinds = ["shm", "sem", "msg"].map(|kind| fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap());
    let first = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    kinds.iter().flat_map(|text| text.lines().map(first)).filter(|key| key == "4711" || key.len() > 9).collect()
}

#[tokio::test]
async fn queues_and_keyrings_of_the_machine_are_out_of_reach() {
    let name = format!("morningai-{}", std::process::id());
    let open = |flags| numbered(&format!("call(libc.syscall(MQ_OPEN, b'{name}', {flags}, 0o666, 0))"));
    let outside = directory();
    assert!(unconfined(&attempt(&open(0o102)), outside.path()).contains("ESCAPED"));
    for rung in rungs() {
        let said = Bench::new(rung).attempt(&open(2)).await;
        assert!(said.starts_with("exit 0 held"), "{rung:?}: {said}");
        let key = "call(libc.syscall(ADD_KEY, b'user', b'morningai', b'x', 1, -4))";
        let said = Bench::new(rung).attempt(&numbered(key)).await;
        assert!(said.starts_with("exit 0 held"), "{rung:?}: {said}");
    }
    let number = if cfg!(target_arch = "x86_64") { 241 } else { 181 };
    unconfined(&attempt(&format!("call(libc.syscall({number}, b'{name}'))")), outside.path());
}

/// What is tried on the file `OUT/secret`, which is the user's own.
const ON_ATTRIBUTES: &[(&str, &str)] = &[
    ("owner", "os.chown('OUT/secret', os.getuid(), os.getgid())\nassert os.stat('OUT/secret').st_ctime_ns != CHANGED"),
    ("extended attribute", "os.setxattr('OUT/secret', 'user.planted', b'x')"),
    ("lease", "import fcntl\nfcntl.fcntl(os.open('/usr/bin/env', os.O_RDONLY), 1024, 0)"),
    (
        "flags",
        "import fcntl, struct\nfd = os.open('READABLE', os.O_RDONLY)\nflags = fcntl.ioctl(fd, 0x80086601, b' ' * 8)\n\
         fcntl.ioctl(fd, 0x40086602, flags)",
    ),
    ("attributes", "call(libc.syscall(FILE_SETATTR, -100, b'OUT/secret', struct.pack('QIIII', 0, 0, 0, 0, 0), 24, 0))"),
    ("watch", "call(libc.inotify_add_watch(libc.inotify_init1(0), b'OUT/secret', 0xfff))"),
];

#[tokio::test]
async fn attributes_of_files_outside_stay_as_they_are() {
    for (name, body) in ON_ATTRIBUTES {
        for rung in [RungChoice::Refuse].into_iter().chain(rungs()) {
            let bench = Bench::new(rung);
            let secret = bench.outside().join("secret");
            let changed = fs::metadata(&secret).unwrap();
            let stamp = i128::from(changed.ctime()) * 1_000_000_000 + i128::from(changed.ctime_nsec());
            let body =
                body.replace("OUT", &bench.outside().display().to_string()).replace("CHANGED", &stamp.to_string());
            let readable = if rung == RungChoice::Refuse { secret.display().to_string() } else { "/etc/passwd".into() };
            let body = numbered(&format!("import struct\n{}", body.replace("READABLE", &readable)));
            if rung == RungChoice::Refuse {
                let said = unconfined(&attempt(&body), &bench.root());
                assert!(said.contains("ESCAPED") || !is_root(), "control of {name}: {said}");
                continue;
            }
            let said = bench.attempt(&body).await;
            assert!(said.starts_with("exit 0 held"), "{rung:?}, {name}: {said}");
            let after = fs::metadata(&secret).unwrap();
            assert_eq!(
                (after.ctime(), after.ctime_nsec()),
                (changed.ctime(), changed.ctime_nsec()),
                "{rung:?}, {name}"
            );
        }
    }
}

#[tokio::test]
async fn where_hidden_files_are_seen_at_all_the_report_says_so() {
    let look = "print(os.stat('OUT/secret').st_size)\nos.chmod('OUT/secret', 0o644)\nos.utime('OUT/secret')";
    for rung in rungs() {
        let bench = Bench::new(rung);
        let said = bench.attempt(&look.replace("OUT", &bench.outside().display().to_string())).await;
        let weaknesses = bench.sandbox.report().await.weaknesses.join("\n");
        assert_eq!(said.contains("ESCAPED"), weaknesses.contains("names, sizes"), "{rung:?}: {said}: {weaknesses}");
        assert_eq!(said.contains("ESCAPED"), weaknesses.contains("modes"), "{rung:?}: {said}: {weaknesses}");
    }
}

#[tokio::test]
async fn keeping_the_owner_of_ones_own_file_works_and_giving_it_away_does_not() {
    for rung in rungs() {
        let keep = "open('f', 'w').close()\nos.chown('f', os.getuid(), os.getgid())\nos.chown('f', -1, -1)";
        let said = Bench::new(rung).attempt(keep).await;
        assert!(said.contains("ESCAPED"), "{rung:?}: {said}");
        let said = printed(&Bench::new(rung).python(&attempt("open('f', 'w').close()\nos.chown('f', 4711, -1)")).await);
        assert!(said.starts_with("held"), "{rung:?}: {said}");
    }
}

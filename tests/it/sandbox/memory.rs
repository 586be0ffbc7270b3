//! Memory held in forms that are in no process's own account: the limit holds for these too.

use morningai::tools::process::{Ending, Limit};

use super::bench::{Bench, attempt, printed, rungs};

const LIMIT: u64 = 100_000_000;

/// Each holds four times the limit, in pieces, and says so before it waits.
const HOARDS: &[(&str, &str)] = &[
    (
        "files without a name",
        "held = [os.memfd_create('x') for _ in range(40)]\nfor fd in held: os.write(fd, bytes(10**7))",
    ),
    (
        "files without a name, on their way",
        "one, two = socket.socketpair()\nfor _ in range(40):\n    fd = os.memfd_create('x')\n    os.write(fd, bytes(10**7))\n    \
         socket.send_fds(one, [b'x'], [fd])\n    os.close(fd)",
    ),
    (
        "shared mappings",
        "import mmap\nheld = [mmap.mmap(-1, 10**7) for _ in range(40)]\nfor map in held:\n    map.write(bytes(10**7))\n    \
         map.madvise(mmap.MADV_DONTNEED)",
    ),
    ("/dev/shm", "for n in range(40): open(f'/dev/shm/{n}', 'wb').write(bytes(10**7))"),
    ("/dev", "for n in range(40): open(f'/dev/{n}', 'wb').write(bytes(10**7))"),
    (
        "segments nobody holds",
        "libc.shmat.restype = ctypes.c_void_p\nfor n in range(40):\n    call(shared := libc.shmget(0, 10**7, 0o600))\n    \
         at = libc.shmat(shared, None, 0)\n    ctypes.memset(at, 1, 10**7)\n    libc.shmdt(ctypes.c_void_p(at))",
    ),
    (
        "pipes",
        "held = [os.pipe() for _ in range(400)]\nfor _, end in held:\n    import fcntl\n    fcntl.fcntl(end, 1031, 2**20)\n    \
         os.write(end, bytes(2**20))",
    ),
    (
        "sockets",
        "held = [socket.socketpair() for _ in range(4000)]\nfor pair in held:\n    for end in pair:\n        \
         end.setblocking(False)\n        try:\n            while True: end.send(bytes(100000))\n        except BlockingIOError: pass",
    ),
    (
        "tables of pages",
        "libc.mmap.restype = ctypes.c_void_p\nsize = 2**38\nat = libc.mmap(None, ctypes.c_size_t(size), 1, 0x4022, -1, 0)\n\
         assert at != 2**64 - 1\nfor page in range(0, size, 2**21): ctypes.string_at(at + page, 1)",
    ),
    ("huge pages", "import mmap\nheld = mmap.mmap(-1, 2**21, flags=mmap.MAP_PRIVATE | 0x20 | 0x40000)"),
];

#[tokio::test]
async fn no_form_of_memory_escapes_the_limit() {
    for (name, body) in HOARDS {
        for rung in rungs() {
            let mut bench = Bench::new(rung);
            bench.limits.memory_bytes = LIMIT;
            bench.limits.wall_seconds = 20;
            let waiting = format!("{body}\nprint('HOARDED', flush=True)\nimport time; time.sleep(600)");
            let done = bench.python(&attempt(&waiting)).await;
            // Refused is as good as stopped.
            let refused = done.ending == Ending::Exited(0) && printed(&done).contains("held");
            assert!(refused || done.ending == Ending::Limit(Limit::Memory), "{rung:?}, {name}: {done:?}");
        }
    }
}

#[tokio::test]
async fn a_little_of_each_is_no_offence() {
    let body = "import mmap
held = mmap.mmap(-1, 10**6); held.write(bytes(10**6))
pipes = [os.pipe() for _ in range(50)]
pairs = [socket.socketpair() for _ in range(50)]";
    for rung in rungs() {
        let said = Bench::new(rung).attempt(body).await;
        assert!(said.contains("ESCAPED"), "{rung:?}: {said}");
    }
}

//! Programs that people have work on every rung: what is refused to an attacker is nothing they need.

use std::process::{Command, Stdio};

use morningai::tools::process::Ending;

use super::bench::{Bench, printed, rungs, rungs_with_namespaces};

/// The program that has to be installed, and what is done with it.
const ERRANDS: &[(&str, &str)] = &[
    (
        "git",
        "git init -q . && git config user.name a && git config user.email a@b && echo x > f && git add . && \
         git commit -qm first && git checkout -qb other && git mv f g && git commit -qam second && git gc -q && \
         git log --oneline | wc -l | grep -qx 2 && git fsck --full",
    ),
    (
        "tar",
        "mkdir -p d/e && echo x > d/e/f && chmod 755 d/e/f && tar cf a.tar d && rm -r d && tar xf a.tar && test -x d/e/f",
    ),
    ("gcc", "echo 'int main(void) { return 0; }' > a.c && gcc -O1 -pipe -o a a.c && ./a"),
    ("make", "printf 'all: a b c d\\na b c d:\\n\\t@sleep 0; touch $@\\n' > Makefile && make -j4 && ls a b c d"),
    (
        "sqlite3",
        "sqlite3 a.db 'PRAGMA journal_mode=wal; create table t(x); insert into t values(1); select * from t' | grep -qx 1",
    ),
    ("sort", "seq 200000 -1 1 > n && sort --parallel=4 -S 1M -n n | head -1 | grep -qx 1"),
    (
        "find",
        "touch a b && find . -type f -exec touch {} + && find . -name a | xargs -n 1 test -f && find . -name b -delete && test ! -e b",
    ),
    (
        "cp",
        "echo x > f && cp -p f g && cp --reflink=auto f h && install -m 700 f i && mv i j && ln -s j k && touch -d yesterday j",
    ),
    ("ps", "ps ax | grep -q ps"),
    ("nice", "nice -n 5 ionice -c 3 timeout 5 true && nproc && flock f true && ulimit -n 100 && taskset -c 0 true"),
    (
        "bash",
        "bash -c 'set -m; sleep 0 & wait; coproc cat; echo x >&${COPROC[1]}; read y <&${COPROC[0]}; kill $COPROC_PID; echo $y' | grep -qx x",
    ),
    (
        "perl",
        "perl -e 'use IO::Handle; pipe(my $r, my $w); if (!fork) { print $w \"x\\n\"; exit } close $w; print <$r>' | grep -qx x",
    ),
    ("sed", "echo a > f && sed -i s/a/b/ f && grep -qx b f"),
    (
        "node",
        "echo \"const { Worker, isMainThread, parentPort } = require('worker_threads'); const { spawnSync } = require('child_process'); \
         if (isMainThread) { new Worker(__filename).on('message', m => { const s = spawnSync('echo', [m]); process.stdout.write(s.stdout); }); } \
         else parentPort.postMessage('x');\" > a.js && node a.js | grep -qx x",
    ),
    (
        "python3",
        "printf 'import asyncio, concurrent.futures as f, sys\\nasync def main():\\n    p = await asyncio.create_subprocess_exec(\"true\")\\n    \
         return await p.wait()\\nif __name__ == \"__main__\":\\n    assert list(f.ThreadPoolExecutor(4).map(abs, range(9))) == list(range(9))\\n    import tempfile, shutil, os\\n    \
         open(\"s\", \"w\").close(); shutil.copy2(\"s\", \"t\"); os.utime(\"t\")\\n' > a.py && python3 a.py",
    ),
];

#[tokio::test]
async fn common_programs_do_their_work() {
    for (program, errand) in ERRANDS {
        let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if found.is_err() {
            continue;
        }
        for rung in rungs() {
            let done = Bench::new(rung).run(&["sh", "-ec", errand]).await;
            assert_eq!(done.ending, Ending::Exited(0), "{rung:?}, {program}: {}", printed(&done));
        }
    }
}

#[tokio::test]
async fn with_a_network_of_its_own_a_program_can_talk_to_itself_and_share_memory() {
    let body = "import multiprocessing, multiprocessing.shared_memory, asyncio
server = socket.create_server(('127.0.0.1', 0))
socket.create_connection(server.getsockname()).close()
local = socket.socket(socket.AF_UNIX); local.bind(os.environ['TMPDIR'] + '/s')
memory = multiprocessing.shared_memory.SharedMemory(create=True, size=4096); memory.unlink()
with multiprocessing.Pool(2) as pool: assert pool.map(abs, [-1]) == [1]
call(libc.shmget(0, 56, 0o1600))
call(libc.inotify_add_watch(libc.inotify_init1(0), b'.', 0xfff))
import pty; pty.openpty()";
    for rung in rungs_with_namespaces() {
        let said = Bench::new(rung).attempt(body).await;
        assert!(said.contains("ESCAPED"), "{rung:?}: {said}");
    }
}

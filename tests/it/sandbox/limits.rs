//! Programs that end in every way, and programs that use too much.

use std::time::Duration;

use morningai::tools::process::{Ending, Limit};

use super::bench::{Bench, Sink, printed, rungs};

#[tokio::test]
async fn a_program_runs_and_its_end_is_told() {
    for rung in rungs() {
        let bench = Bench::new(rung);
        let done = bench.run(&["sh", "-c", "echo out; echo err >&2; echo again; exit 3"]).await;
        assert_eq!(done.ending, Ending::Exited(3), "{rung:?}");
        assert_eq!(printed(&done), "out\nerr\nagain\n", "{rung:?}: interleaved as written");
        let killed = bench.run(&["sh", "-c", "kill -SEGV $$"]).await;
        assert_eq!(killed.ending.to_string(), "killed by SIGSEGV", "{rung:?}");
        let missing = bench.run(&["no-such-program"]).await;
        assert!(matches!(missing.ending, Ending::NotExecutable { .. }), "{rung:?}: {missing:?}");
    }
}

#[tokio::test]
async fn standard_input_is_empty() {
    for rung in rungs() {
        let done = Bench::new(rung).run(&["sh", "-c", "cat; echo done"]).await;
        assert_eq!(printed(&done), "done\n", "{rung:?}");
    }
}

#[tokio::test]
async fn too_many_processes_end_all_of_them() {
    let forks = "import os, time\nfor _ in range(100):\n    if os.fork() == 0: time.sleep(600)\nprint('all', flush=True)\nos.killpg(0, 9)";
    for rung in rungs() {
        let mut bench = Bench::new(rung);
        let free = bench.python(forks).await;
        assert!(printed(&free).contains("all"), "{rung:?}, control: {free:?}");
        bench.limits.processes = 20;
        let waits = forks.replace("os.killpg(0, 9)", "time.sleep(600)");
        let stopped = bench.python(&waits).await;
        assert_eq!(stopped.ending, Ending::Limit(Limit::Processes), "{rung:?}");
        assert!(stopped.took < Duration::from_secs(30), "{rung:?}");
    }
}

#[tokio::test]
async fn memory_is_counted_over_all_processes() {
    // Each stays below the limit; together they do not.
    let hogs = "import os, time\nfor _ in range(4):\n    if os.fork() == 0:\n        held = bytearray(os.urandom(1)) * 40_000_000\n        \
                time.sleep(WAIT); os._exit(0)\nfor _ in range(4): os.wait()";
    for rung in rungs() {
        let mut bench = Bench::new(rung);
        let free = bench.python(&hogs.replace("WAIT", "0")).await;
        assert_eq!(free.ending, Ending::Exited(0), "{rung:?}, control");
        bench.limits.memory_bytes = 100_000_000;
        let stopped = bench.python(&hogs.replace("WAIT", "600")).await;
        assert_eq!(stopped.ending, Ending::Limit(Limit::Memory), "{rung:?}");
        let alone = bench.python("held = bytearray(300_000_000)").await;
        assert!(printed(&alone).contains("MemoryError"), "{rung:?}: {alone:?}");
    }
}

#[tokio::test]
async fn a_file_cannot_grow_without_end_and_the_disk_cannot_fill() {
    for rung in rungs() {
        let mut bench = Bench::new(rung);
        let write = ["dd", "if=/dev/zero", "of=big", "bs=1M", "count=3"];
        assert_eq!(bench.run(&write).await.ending, Ending::Exited(0), "{rung:?}, control");
        bench.limits.file_bytes = 1_000_000;
        assert_eq!(bench.run(&write).await.ending, Ending::Limit(Limit::FileSize), "{rung:?}");
        bench.limits.free_disk_bytes = u64::MAX;
        assert_eq!(bench.run(&["sleep", "600"]).await.ending, Ending::Limit(Limit::Disk), "{rung:?}");
    }
}

#[tokio::test]
async fn time_runs_out_even_for_one_that_does_not_listen() {
    for rung in rungs() {
        let mut bench = Bench::new(rung);
        bench.limits.wall_seconds = 1;
        let deaf = bench.run(&["sh", "-c", "trap '' TERM INT HUP; while :; do sleep 1; done"]).await;
        assert_eq!(deaf.ending, Ending::Limit(Limit::Time), "{rung:?}");
        assert!(deaf.took < Duration::from_secs(20), "{rung:?}: {:?}", deaf.took);
    }
}

#[tokio::test]
async fn endless_output_is_cut_off() {
    for rung in rungs() {
        let mut bench = Bench::new(rung);
        bench.limits.output_bytes = 1_000_000;
        let endless = bench.run(&["yes"]).await;
        assert_eq!(endless.ending, Ending::Limit(Limit::Output), "{rung:?}");
        assert!(endless.output.bytes < 2_000_000 && endless.output.head.raw().starts_with("y\ny\n"), "{rung:?}");
    }
}

#[tokio::test]
async fn a_hundred_megabytes_are_counted_streamed_and_partly_kept() {
    for rung in rungs() {
        let (bench, sink) = (Bench::new(rung), Sink::default());
        let done = bench.run_into(&["head", "-c", "100000000", "/dev/zero"], &sink).await;
        assert_eq!(done.ending, Ending::Exited(0), "{rung:?}");
        assert_eq!(done.output.bytes, 100_000_000, "{rung:?}");
        assert_eq!(*sink.streamed.lock().unwrap(), 100_000_000, "{rung:?}");
        let kept = sink.stored.lock().unwrap().len();
        assert!((1_000_000..20_000_000).contains(&kept), "{rung:?}: {kept} bytes kept");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_survive() {
    for rung in rungs() {
        let (bench, sink) = (Bench::new(rung), Sink::default());
        bench.run_into(&["printf", r"a\377\000\033[2Jz"], &sink).await;
        assert_eq!(*sink.stored.lock().unwrap(), b"a\xff\0\x1b[2Jz", "{rung:?}");
    }
}

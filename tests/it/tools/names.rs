//! Odd names of files: what one tool tells, every other takes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use morningai::domain::Payload;
use serde_json::json;

use super::Bench;

const NAMES: [&[u8]; 16] = [
    b"plain.txt",
    b"with blank.txt",
    b"new\nline.txt",
    b"tab\there.txt",
    b" front.txt",
    b"back.txt ",
    "zero\u{200b}width.txt".as_bytes(),
    "no\u{a0}break\u{3000}.txt".as_bytes(),
    "right\u{202e}left.txt".as_bytes(),
    b"latin\xe9.txt",
    b"esc\x1b[31m.txt",
    br"back\slash.txt",
    br"looks\x41escaped.txt",
    br"two\\slashes.txt",
    "⟨U+200B⟩→⏎.txt".as_bytes(),
    b"quote\"'$`.txt",
];

/// The name of the only file, as `list_files` tells it.
async fn listed(bench: &Bench, directory: &str) -> String {
    let list = bench.done("list_files", json!({"path": directory})).await;
    let rows: Vec<_> = list.output.head.raw().split_terminator('\n').collect();
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    format!("{directory}/{}", row.rsplit_once("  ").unwrap().0)
}

#[tokio::test]
async fn every_tool_takes_the_names_that_others_tell() {
    for name in NAMES {
        let bench = Bench::repository().await;
        let path = bench.path("odd").join(OsStr::from_bytes(name));
        std::fs::create_dir(bench.path("odd")).unwrap();
        std::fs::write(&path, "needle one\n").unwrap();
        let told = listed(&bench, "odd").await;
        let found = bench.done("search", json!({"pattern": "needle"})).await;
        assert_eq!(found.output.head.raw(), format!("{told}:1: needle one\n"));
        let within = bench.done("search", json!({"pattern": "needle", "path": told})).await;
        assert_eq!(within.output.head.raw(), found.output.head.raw());
        let read = bench.done("read_file", json!({"path": told})).await;
        assert_eq!(read.output.head.raw(), "    1  needle one\n");

        let status = bench.done("git_status", json!({})).await;
        assert!(status.output.head.raw().ends_with(&format!("\nA {told} +1 -0\n")), "{status:?}");
        let diff = bench.done("git_diff", json!({"path": told})).await;
        assert!(diff.output.head.raw().contains(&format!("\n+++ b/{told}\n")), "{told}: {diff:?}");
        let card = bench.prepare("git_commit", json!({"message": "Add"})).await.unwrap();
        assert!(card.change.unwrap().raw().starts_with(&format!("diff --git a/{told} b/{told}\n")));
        let Payload::Arguments { args } = card.payload else { panic!() };
        assert_eq!(args["files"], json!([format!("A {told} +1 -0")]));

        let edit = json!({"path": told, "old": "one", "new": "two"});
        let card = bench.prepare("edit_file", edit.clone()).await.unwrap();
        assert_eq!((card.targets[0].raw(), &card.facts["path"]), (told.as_str(), &json!(told)));
        assert!(bench.perform("edit_file", edit, &card).await.diff.unwrap().raw().contains(&format!("+++ b/{told}\n")));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "needle two\n");
        bench.done("write_file", json!({"path": told, "content": "three\n"})).await;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
        assert_eq!(std::fs::read_dir(bench.path("odd")).unwrap().count(), 1, "{told}");

        let deletion = json!({"paths": [told]});
        let card = bench.prepare("delete_files", deletion.clone()).await.unwrap();
        let Payload::Delete { paths } = &card.payload else { panic!() };
        assert_eq!(paths[0].raw(), told);
        let result = bench.perform("delete_files", deletion, &card).await;
        assert!(result.succeeded() && !path.exists(), "{result:?}");
    }
}

#[tokio::test]
async fn a_directory_of_odd_names_goes_as_its_card_lists_it() {
    let bench = Bench::plain();
    bench.write("odd/deep/x", "");
    for name in NAMES {
        std::fs::write(bench.path("odd/deep").join(OsStr::from_bytes(name)), "x").unwrap();
    }
    bench.done("list_files", json!({"path": "odd"})).await;
    let card = bench.prepare("delete_files", json!({"paths": ["odd"]})).await.unwrap();
    let Payload::Delete { paths } = &card.payload else { panic!() };
    let names: std::collections::BTreeSet<_> = paths.iter().map(|path| path.raw()).collect();
    assert_eq!(names.len(), NAMES.len() + 3);
    assert!(names.contains(r"odd/deep/latin\xe9.txt") && names.contains(r"odd/deep/new\x0aline.txt"), "{names:?}");
    bench.done("delete_files", json!({"paths": ["odd"]})).await;
    assert!(!bench.path("odd").exists());
}

#[tokio::test]
async fn odd_directories_are_listed_and_entered() {
    for name in NAMES {
        let bench = Bench::plain();
        let directory = bench.path("").join(OsStr::from_bytes(name));
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("in.txt"), "needle\n").unwrap();
        let list = bench.done("list_files", json!({})).await;
        let told = list.output.head.raw().split_once("/\n").unwrap().0.to_owned();
        let inside = bench.done("list_files", json!({"path": told})).await;
        assert_eq!(inside.output.head.raw(), "in.txt  7 B\n");
        bench.done("read_file", json!({"path": format!("{told}/in.txt")})).await;
        bench.done("write_file", json!({"path": format!("{told}/new.txt"), "content": "x"})).await;
        assert!(directory.join("new.txt").exists());
    }
}

#[tokio::test]
async fn a_line_that_is_found_or_read_can_be_edited_by_it() {
    let lines = [
        "\tif x {",
        "a\u{200d}b 👩\u{200d}💻",
        "no\u{a0}break",
        "trail \t",
        "esc\u{1b}[0m",
        "⟨U+200B⟩ → ⏎",
        "one\rtwo",
    ];
    for ending in ["\n", "\r\n"] {
        for line in lines {
            let bench = Bench::plain();
            bench.write("a.go", format!("func{ending}{line}{ending}end{ending}"));
            let found = bench.done("search", json!({"pattern": line, "literal": true})).await;
            let pasted =
                found.output.head.raw().strip_prefix("a.go:2: ").unwrap().strip_suffix('\n').unwrap().to_owned();
            assert_eq!(pasted, line);
            let read = bench.done("read_file", json!({"path": "a.go", "from_line": 2, "lines": 1})).await;
            assert!(read.output.head.raw().starts_with(&format!("    2  {line}\n")), "{read:?}");
            bench.done("edit_file", json!({"path": "a.go", "old": pasted, "new": "changed"})).await;
            assert_eq!(bench.read("a.go"), format!("func{ending}changed{ending}end{ending}"));
        }
    }
    let bench = Bench::plain();
    bench.write("a.txt", "one\r\n\u{feff}two\r\n");
    let found = bench.done("search", json!({"pattern": "^one$"})).await;
    assert_eq!(found.output.head.raw(), "a.txt:1: one\n");
}

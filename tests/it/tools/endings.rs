//! Line endings, byte order marks and encodings that `edit_file` and `write_file` meet.

use morningai::domain::FailureKind;
use serde_json::json;

use super::Bench;

/// What the file is after an edit, in bytes.
async fn edited(file: &[u8], old: &str, new: &str) -> Vec<u8> {
    let bench = Bench::plain();
    bench.write("a.c", file);
    bench.done("edit_file", json!({"path": "a.c", "old": old, "new": new})).await;
    std::fs::read(bench.path("a.c")).unwrap()
}

async fn written(file: &[u8], content: &str) -> (Vec<u8>, String) {
    let bench = Bench::plain();
    bench.write("a.c", file);
    let result = bench.done("write_file", json!({"path": "a.c", "content": content})).await;
    (std::fs::read(bench.path("a.c")).unwrap(), result.output.head.into_raw())
}

#[tokio::test]
async fn new_text_takes_the_endings_of_its_place() {
    let file = b"int a;\r\nint b;\r\n";
    assert_eq!(edited(file, "int b;", "int b;\nint c;").await, b"int a;\r\nint b;\r\nint c;\r\n");
    assert_eq!(edited(file, "int b;", "int b;\r\nint c;").await, b"int a;\r\nint b;\r\nint c;\r\n");
    assert_eq!(edited(file, "int a;\nint b;", "int x;\nint y;").await, b"int x;\r\nint y;\r\n");
    assert_eq!(edited(file, "int a;\r\nint b;", "int x;\nint y;").await, b"int x;\r\nint y;\r\n");
    assert_eq!(edited(b"a\nb\n", "a\r\nb", "a\r\nc").await, b"a\nc\n");
    assert_eq!(edited(b"a\r\nb\nc\r\n", "b\n", "b\nx\n").await, b"a\r\nb\nx\r\nc\r\n");
    assert_eq!(edited(b"a\rb\r", "b", "b\nc").await, b"a\rb\rc\r");
    assert_eq!(edited(b"a\rb\nc\n", "a\rb", "d").await, b"d\nc\n");
    assert_eq!(edited(b"a\nb", "b", "c").await, b"a\nc");
    assert_eq!(edited(b"a\nb", "b\n", "c\n").await, b"a\nc");
    assert_eq!(edited(b"a\r\nb", "b", "b\nc").await, b"a\r\nb\r\nc");
    assert_eq!(edited(b"a", "a", "a\r\nb").await, b"a\r\nb");
}

#[tokio::test]
async fn all_occurrences_and_the_diff_keep_their_endings() {
    let bench = Bench::plain();
    bench.write("a.c", "x\r\ny\nx\r\n");
    let args = json!({"path": "a.c", "old": "x\n", "new": "z\n", "replace_all": true});
    let result = bench.done("edit_file", args).await;
    assert_eq!(bench.read("a.c"), "z\r\ny\nz\r\n");
    let diff = result.diff.unwrap();
    assert_eq!(diff.raw(), "--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@\n-x\r\n+z\r\n y\n-x\r\n+z\r\n");
    let same = bench.call("edit_file", json!({"path": "a.c", "old": "z\r\n", "new": "z\n"})).await;
    assert_eq!(same.failure, Some(FailureKind::BadCall));
    assert!(same.summary.raw().contains("line endings"), "{same:?}");
    let told = bench.done("edit_file", json!({"path": "a.c", "old": "y\nz", "new": "y\nz\nw"})).await;
    assert!(told.output.head.raw().contains("The new lines end as those around them do."), "{told:?}");
}

#[tokio::test]
async fn a_byte_order_mark_stays() {
    let file = "\u{feff}one\r\ntwo\r\n".as_bytes();
    assert_eq!(edited(file, "one", "1\n2").await, "\u{feff}1\r\n2\r\ntwo\r\n".as_bytes());
    assert_eq!(edited(file, "\u{feff}one", "\u{feff}1").await, "\u{feff}1\r\ntwo\r\n".as_bytes());
    assert_eq!(edited(file, "\u{feff}one", "1").await, "\u{feff}1\r\ntwo\r\n".as_bytes());
    let (bytes, said) = written(file, "new\nlines\n").await;
    assert_eq!(bytes, "\u{feff}new\r\nlines\r\n".as_bytes());
    assert!(said.contains("CRLF as before") && said.contains("byte order mark as before"), "{said}");
    assert_eq!(written(file, "\u{feff}new\r\n").await.0, "\u{feff}new\r\n".as_bytes());
    let bench = Bench::plain();
    bench.write("a.c", file);
    let read = bench.done("read_file", json!({"path": "a.c"})).await;
    let text = read.output.head.raw();
    assert!(text.starts_with("    1  one\n") && text.contains("CRLF") && text.contains("byte order mark"), "{text}");
    let found = bench.done("search", json!({"pattern": "^one$"})).await;
    assert_eq!(found.output.head.raw(), "a.c:1: one\n");
}

#[tokio::test]
async fn a_whole_new_content_keeps_the_endings_unless_it_has_its_own() {
    assert_eq!(written(b"a\r\nb\r\n", "x\ny\n").await.0, b"x\r\ny\r\n");
    assert_eq!(written(b"a\r\nb\r\n", "x\r\ny\n").await.0, b"x\r\ny\n");
    assert_eq!(written(b"a\nb\n", "x\r\ny\r\n").await.0, b"x\r\ny\r\n");
    let (bytes, said) = written(b"a\r\nb\n", "x\ny\n").await;
    assert!(bytes == b"x\ny\n" && said.contains("now all end in LF"), "{said}");
    assert_eq!(written(b"a\n", "x").await, (b"x".to_vec(), "1 line changed in a.c".to_owned()));
}

#[tokio::test]
async fn other_encodings_are_refused_rather_than_spoilt() {
    let bench = Bench::plain();
    bench.write("u16le.txt", b"\xff\xfeo\0n\0e\0");
    bench.write("u16be.txt", b"\xfe\xff\0o\0n\0e");
    bench.write("latin.txt", b"caf\xe9 one\n");
    for file in ["u16le.txt", "u16be.txt"] {
        let before = std::fs::read(bench.path(file)).unwrap();
        for (tool, args) in [
            ("edit_file", json!({"path": file, "old": "o", "new": "x"})),
            ("write_file", json!({"path": file, "content": "x"})),
        ] {
            let result = bench.call(tool, args).await;
            assert_eq!(result.failure, Some(FailureKind::Failed));
            assert!(result.summary.raw().contains("is UTF-16 text"), "{result:?}");
        }
        assert_eq!(std::fs::read(bench.path(file)).unwrap(), before);
        assert!(bench.done("read_file", json!({"path": file})).await.summary.raw().contains("is UTF-16 text"));
    }
    let beyond = bench.call("edit_file", json!({"path": "latin.txt", "old": "one", "new": "zwölf"})).await;
    assert!(beyond.summary.raw().contains("not UTF-8"), "{beyond:?}");
    let whole = bench.call("write_file", json!({"path": "latin.txt", "content": "caf\u{fffd} two\n"})).await;
    assert!(whole.summary.raw().contains("not UTF-8"), "{whole:?}");
    bench.done("edit_file", json!({"path": "latin.txt", "old": "one", "new": "two"})).await;
    assert_eq!(std::fs::read(bench.path("latin.txt")).unwrap(), b"caf\xe9 two\n");
}

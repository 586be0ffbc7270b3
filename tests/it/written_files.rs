//! Files that people write, as editors of all kinds leave them; and secrets that are none.

use std::fs;

use morningai::config::Agents;
use serde_json::Value;

use crate::support::machine::Machine;

const AGENT: &str = "---\nname: mine\ndescription: d\ntools: [finish]\n---\nOne\ntwo\n";

/// A text as an editor of another system saves it.
fn saved(text: &str) -> [Vec<u8>; 3] {
    let lines = text.replace('\n', "\r\n");
    [format!("\u{feff}{text}"), lines.clone(), format!("\u{feff}{lines}")].map(String::into_bytes)
}

fn utf16(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn an_agent_is_the_same_however_it_was_saved() {
    let dir = tempfile::tempdir().unwrap();
    for bytes in saved(AGENT) {
        fs::write(dir.path().join("mine.md"), bytes).unwrap();
        assert_eq!(Agents::load(Some(dir.path())).get("mine").unwrap().instructions, "One\ntwo");
    }
}

/// Every kind of file, so that none has a reader of its own.
#[test]
fn every_kind_of_file_is_read_alike() {
    let machine = Machine::new();
    let home = machine.path(".config/morningai");
    for dir in ["agents", "procedures", "themes"] {
        fs::create_dir_all(home.join(dir)).unwrap();
    }
    let procedure = "---\nname: look\ndescription: d\n---\n\n## Look\n\n```tool list_files\n```\n";
    let policy = "@id(\"mine\")\n@reason(\"r\")\nforbid (principal, action, resource);\n";
    let config = "[policy]\nfiles = [\"mine.cedar\"]\n";
    let kinds = [
        ("config.toml", config),
        ("agents/mine.md", AGENT),
        ("procedures/look.md", procedure),
        ("mine.cedar", policy),
        ("keys.toml", "# none\n"),
    ];
    for (file, text) in kinds {
        for (name, text) in kinds {
            fs::write(home.join(name), text).unwrap();
        }
        let clean = doctor(&machine);
        for bytes in saved(text) {
            fs::write(home.join(file), bytes).unwrap();
            assert_eq!(doctor(&machine), clean, "{file}");
        }
        if file == "keys.toml" {
            continue;
        }
        for (bytes, what) in [(utf16(text), "UTF-16"), (b"#\n\xff\xfe".to_vec(), "line 2 has the byte 0xff")] {
            fs::write(home.join(file), bytes).unwrap();
            let ran = machine.run(&["doctor", "--offline"]);
            let said = format!("{}{}", ran.out, ran.err).replace("\n", " ");
            assert!(said.contains(what) && said.contains("UTF-8"), "{file}: {said}");
        }
    }
}

fn doctor(machine: &Machine) -> Vec<Value> {
    let ran = machine.run(&["--json", "doctor", "--offline"]);
    let steady =
        |finding: &Value| !["clock", "store", "logs"].contains(&finding["subject"].as_str().unwrap_or_default());
    ran.json().into_iter().filter(steady).collect()
}

#[test]
fn arguments_and_secrets_are_read_alike_too() {
    use morningai::config::SecretSource;
    use secrecy::ExposeSecret;
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    let read = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let found = SecretSource::File(file.clone()).resolve(|_| None, dir.path());
        found.map(|secret| secret.expose_secret().to_owned()).map_err(|error| format!("{error}; {}", error.hint))
    };
    for bytes in saved("sk-12345678\nrest\n") {
        assert_eq!(read(&bytes).unwrap(), "sk-12345678");
    }
    let said = read(&utf16("sk-12345678")).unwrap_err();
    assert!(said.contains("UTF-16") && said.contains("iconv") && !said.contains("12345678"), "{said}");
}

/// A key of one letter is a letter.
#[test]
fn a_secret_that_is_too_short_hides_no_words_and_doctor_says_so() {
    // Nobody listens on the discard port.
    let machine = Machine::new().with_model("http://127.0.0.1:9/v1");
    for (key, is_weak) in [("k", true), ("1234567", true), (" ", false), ("12345678", false)] {
        let ran = |arguments: &[&str]| {
            let output = machine.command(arguments).env("OPENAI_API_KEY", key).output().unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
        };
        let said = ran(&["doctor", "--offline"]);
        assert_eq!(said.contains("OPENAI_API_KEY") && said.contains("at least 8 characters"), is_weak, "{said}");
        let said = ran(&["doctor"]);
        assert!(said.contains("cannot be reached") && !said.contains("[key]"), "{said}");
    }
}

//! Procedures: the bundled one, the two kinds of block, and broken files.

use morningai::config::{Needs, Procedure, Procedures};
use morningai::domain::{OnFailure, SourceText};
use serde_json::json;

fn read(text: &str) -> Procedure {
    Procedure::read(&SourceText::new("x.md", text), "x").unwrap_or_else(|faults| panic!("{}", faults.rendered()))
}

const HEAD: &str = "---\nname: x\ndescription: d\n---\n";

#[test]
fn the_bundled_procedure_is_sound_and_ends_in_a_clean_up() {
    let procedures = Procedures::load(None);
    assert_eq!(procedures.broken().count(), 0);
    let check = procedures.get("check-this-machine").unwrap();
    assert_eq!(check.needs, Needs::Scratch);
    let steps: Vec<_> =
        check.steps.iter().map(|step| format!("{}: {} {}", step.title, step.act.tool, step.act.args)).collect();
    insta::assert_snapshot!(steps.join("\n"));
}

#[test]
fn steps_are_headings_and_blocks_and_the_rest_is_prose() {
    let procedure = read(&format!(
        "{HEAD}# Title\n\nSome prose.\n\n## Look at *it*\n\nWhy we do this.\n\n```text\nan example\n```\n\n\
         ```tool host_check on_failure=continue\n{{ \"what\": \"load\" }}\n```\n\n### A detail\n\n## Write it down\n\n\
         ```tool write_report\ntitle = \"R\"\ntags = [1, 2]\n```\n\n## Script\n\n```sh timeout=2m\necho a\necho b\n```\n\n\
         ## No arguments\n\n```tool finish\n```\n"
    ));
    let steps: Vec<_> =
        procedure.steps.iter().map(|s| (s.title.as_str(), s.act.tool.0.as_str(), &s.act.args)).collect();
    assert_eq!(
        steps,
        [
            ("Look at it", "host_check", &json!({"what": "load"})),
            ("Write it down", "write_report", &json!({"title": "R", "tags": [1, 2]})),
            ("Script", "shell", &json!({"argv": ["sh", "-c", "echo a\necho b\n"], "timeout_seconds": 120})),
            ("No arguments", "finish", &json!({})),
        ]
    );
    assert_eq!(procedure.steps[0].on_failure, OnFailure::Continue);
    assert_eq!(procedure.steps[1].on_failure, OnFailure::Stop);
}

#[test]
fn a_file_outside_the_shelf_is_read_by_path() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.md");
    std::fs::write(&path, format!("{HEAD}## s\n```sh\ntrue\n```\n")).unwrap();
    assert_eq!(Procedure::read_file(&path).unwrap().steps.len(), 1);
    let missing = Procedure::read_file(&dir.path().join("y.md")).unwrap_err().to_string();
    assert!(missing.contains("y.md:1:1: it cannot be read"), "{missing}");
}

#[test]
fn an_unknown_tool_is_pointed_at() {
    let procedure = read(&format!("{HEAD}## s\n\n```tool host_chek\n```\n"));
    insta::assert_snapshot!(procedure.check_tools(&["host_check", "finish"]).unwrap_err().rendered());
}

const BAD: &[(&str, &str)] = &[
    ("no_steps", "Only prose.\n"),
    ("step_without_block", "## First\n\n```bash\ntrue\n```\n\n## Second\n\n```sh\ntrue\n```\n"),
    ("two_blocks", "## First\n\n```sh\ntrue\n```\n\n```sh\nfalse\n```\n"),
    ("block_before_any_step", "```sh\ntrue\n```\n\n## First\n\n```sh\ntrue\n```\n"),
    ("no_tool_named", "## First\n\n```tool\n```\n"),
    ("unknown_attribute", "## First\n\n```sh onfailure=continue\ntrue\n```\n"),
    (
        "bad_attribute_values",
        "## First\n\n```sh timeout=soon\ntrue\n```\n\n## Second\n\n```sh on_failure=retry\ntrue\n```\n",
    ),
    ("timeout_of_a_tool", "## First\n\n```tool host_check timeout=3s\n```\n"),
    ("bad_json", "## First\n\n```tool host_check\n{ \"what\": \"load\",\n  oops }\n```\n"),
    ("bad_toml", "## First\n\n```tool host_check\nwhat = load\n```\n"),
    ("two_checks", "## First\n\n```sh\ntrue\n```\n\n```verify sh\ntrue\n```\n\n```verify sh\ntrue\n```\n"),
    ("a_check_without_an_end", "## First\n\n```sh\ntrue\n```\n\n```verify sh every=5s\ntrue\n```\n"),
    ("a_check_for_ever", "## First\n\n```sh\ntrue\n```\n\n```verify sh within=18446744073709551615s\ntrue\n```\n"),
    ("an_attribute_in_the_wrong_place", "## First\n\n```sh within=5s\ntrue\n```\n"),
    ("a_label_that_is_split", "## First\n\n```sh\nls $LABEL_directory\n```\n"),
    ("a_label_in_a_shell_call", "## First\n\n```tool shell\nargv = [\"sh\", \"-c\", \"ls $LABEL_directory\"]\n```\n"),
    (
        "an_answer_nobody_can_give",
        "## First\n\n```ask\nGo?\n- yes\n- no\n```\n\n## Second\n\n```when answer\nyse\n```\n\n```sh\ntrue\n```\n",
    ),
    ("a_question_that_asks_nothing", "## First\n\n```ask\n- yes\n```\n"),
    ("an_agent_without_a_name", "## First\n\n```agent\nFind out why.\n```\n"),
    ("an_agent_that_is_asked_nothing", "## First\n\n```agent ops\n```\n"),
    ("an_agent_that_verifies", "## First\n\n```sh\ntrue\n```\n\n```verify agent ops\nLook again.\n```\n"),
    ("an_agent_with_a_timeout", "## First\n\n```agent ops timeout=5s\nFind out why.\n```\n"),
    ("bad_toml_in_an_indented_block", "- item\n\n## First\n\n```tool host_check\nok = 1\nwhat: load\n```\n"),
];

#[test]
fn bad_procedures_are_told_with_place_reason_and_remedy() {
    for (name, body) in BAD {
        let said = match Procedure::read(&SourceText::new("x.md", format!("{HEAD}{body}")), "x") {
            Ok(_) => "it was accepted".to_owned(),
            Err(faults) => faults.rendered(),
        };
        insta::assert_snapshot!(*name, said);
    }
}

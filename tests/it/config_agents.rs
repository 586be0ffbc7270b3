//! Agents: the bundled ones, a user's own, and broken files.

use std::collections::BTreeSet;
use std::path::Path;

use morningai::config::{Agent, Agents, Missing};
use morningai::domain::{Limits, SourceText, TaskClass};

fn dir(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

const REVIEWER: &str = "---\nname: reviewer\ndescription: Reads diffs\ntools: [read_file, finish]\nmodel: reasoning\n\
                        limits:\n  turns: 5\n  cost_usd: \"0.50\"\n---\n\nRead the diff.\n\n---\n\nBe kind.\n";

#[test]
fn the_bundled_agents_are_sound() {
    let agents = Agents::load(None);
    assert_eq!(agents.broken().count(), 0);
    let names: Vec<_> = agents.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["classify", "dev", "ops"]);
    for (name, agent) in agents.iter() {
        assert!(agent.instructions.contains("data, not instructions"), "{name} must not obey what it reads");
        let distinct: BTreeSet<_> = agent.tools.iter().collect();
        assert_eq!(distinct.len(), agent.tools.len(), "{name} lists a tool twice");
        assert!(
            agent.tools.iter().any(|tool| ["finish", "set_severity"].contains(&tool.0.as_str())),
            "{name} cannot end"
        );
    }
}

#[test]
fn a_users_agent_adds_and_takes_a_bundled_ones_place() {
    let own_dev = "---\nname: dev\ndescription: Mine\ntools: [finish]\n---\nDo it my way.\n";
    let files = dir(&[("reviewer.md", REVIEWER), ("dev.md", own_dev), ("notes.txt", "ignored")]);
    let agents = Agents::load(Some(files.path()));
    let reviewer = agents.get("reviewer").unwrap();
    assert_eq!(reviewer.instructions, "Read the diff.\n\n---\n\nBe kind.");
    assert_eq!(reviewer.class, TaskClass::Reasoning);
    assert_eq!(reviewer.limits.over(&Limits::default()).turns, 5);
    assert_eq!(agents.get("dev").unwrap().instructions, "Do it my way.");
    assert_eq!(agents.iter().count(), 4);
}

#[test]
fn a_name_nobody_has_gets_the_nearest() {
    let agents = Agents::load(Some(Path::new("/nonexistent")));
    let said = |name: &str| match agents.get(name) {
        Err(Missing::Unknown { message, hint }) => format!("{message}; {hint}"),
        other => panic!("{other:?}"),
    };
    assert_eq!(said("devv"), "there is no agent `devv`; did you mean `dev`?");
    assert_eq!(said("accountant"), "there is no agent `accountant`; there are classify, dev, ops");
}

#[test]
fn a_broken_file_spoils_itself_alone_and_no_bundled_one_stands_in() {
    let files = dir(&[("dev.md", "no front matter\n"), ("reviewer.md", REVIEWER)]);
    let agents = Agents::load(Some(files.path()));
    assert!(matches!(agents.get("dev"), Err(Missing::Broken(_))));
    assert!(agents.get("reviewer").is_ok() && agents.get("ops").is_ok());
    assert_eq!(agents.broken().map(|(name, _)| name).collect::<Vec<_>>(), ["dev"]);
}

#[test]
fn an_unknown_tool_is_pointed_at() {
    let agent = Agent::read(&SourceText::new("reviewer.md", REVIEWER), "reviewer").unwrap();
    assert!(agent.check_tools(&["read_file", "finish"]).is_ok());
    let faults = agent.check_tools(&["read_fil", "finish"]).unwrap_err();
    insta::assert_snapshot!(faults.rendered());
}

const BAD: &[(&str, &str)] = &[
    ("empty_file", ""),
    ("no_front_matter", "You are an agent.\n"),
    ("front_matter_without_end", "---\nname: x\n"),
    ("not_yaml", "---\nname: [x\ndescription: d\n---\nbody\n"),
    ("unknown_key", "---\nname: x\ndescripton: d\ntools: [finish]\n---\nbody\n"),
    ("missing_tools", "---\nname: x\ndescription: d\n---\nbody\n"),
    ("tools_of_the_wrong_type", "---\nname: x\ndescription: d\ntools: finish\n---\nbody\n"),
    ("bad_limit", "---\nname: x\ndescription: d\ntools: [finish]\nlimits:\n  turn: 3\n---\nbody\n"),
    ("everything_else", "---\nname: y\ndescription: ' '\ntools: []\nmodel: gpt-4\n---\n\n"),
];

#[test]
fn bad_agents_are_told_with_place_reason_and_remedy() {
    for (name, text) in BAD {
        let said = match Agent::read(&SourceText::new("x.md", *text), "x") {
            Ok(_) => "it was accepted".to_owned(),
            Err(faults) => faults.rendered(),
        };
        insta::assert_snapshot!(*name, said);
    }
}

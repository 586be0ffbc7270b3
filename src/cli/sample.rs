//! Requests for tests.

use crate::domain::{
    Actor, ApprovalId, Ask, CallNo, EffectCard, EffectClass, Environment, Payload, Repeat, Reversibility, Risk, RunId,
    Timestamp, ToolName,
};
use crate::kinds::{Approval, ApprovalEvent};

pub fn moment() -> Timestamp {
    "2026-11-24T03:00:00Z".parse().unwrap()
}

pub fn run_id() -> RunId {
    "0193a5c2-7b10-7def-8123-4567abcdef01".parse().unwrap()
}

pub fn approval_id() -> ApprovalId {
    "0193a5c2-8000-7def-8123-45670000beef".parse().unwrap()
}

pub fn push_card() -> EffectCard {
    EffectCard {
        tool: ToolName("git_push".to_owned()),
        class: EffectClass::External,
        repeat: Repeat::Checkable,
        verb: "push".to_owned(),
        targets: vec!["origin/fix-parser".into()],
        environment: Environment::Remote,
        risk: Risk::Medium,
        reversible: Reversibility::Undo("git push origin --delete fix-parser".into()),
        payload: Payload::Exec {
            argv: vec!["git".into(), "push".into(), "origin".into()],
            cwd: "/w/\u{1b}[2J".into(),
            env: vec!["GIT_SSH_COMMAND".into()],
        },
        facts: serde_json::Map::from_iter([("force".to_owned(), false.into())]),
        confinement: String::new(),
        change: Some("-old\n+new\u{1b}[2J\n".into()),
    }
}

pub fn requested(ask: Ask) -> ApprovalEvent {
    ApprovalEvent::Requested {
        run: run_id(),
        call: CallNo(7),
        tool: ToolName("git_push".to_owned()),
        digest: ask.digest(),
        ask: Box::new(ask),
        rule: "push-asks".to_owned(),
        reason: "it leaves this machine".to_owned(),
        rationale: "tests pass".into(),
        not_mentioned: Vec::new(),
        expires_at: None,
        edit: None,
    }
}

fn approval(ask: Ask) -> Approval {
    Approval::requested(approval_id(), &requested(ask), &Actor::Agent("dev".to_owned()), moment()).unwrap()
}

pub fn push() -> Approval {
    approval(Ask::Effect { card: push_card() })
}

pub fn question() -> Approval {
    approval(Ask::Question { text: "Which branch?".into(), choices: vec!["main".into(), "next".into()], budget: None })
}

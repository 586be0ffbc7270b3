//! Who and what takes part: agents and procedures, tools of every kind, a model and a policy, all out of the seed.

use morningai::domain::*;
use morningai::kinds::*;
use serde_json::json;

use crate::support::dice::Dice;

/// A tool: what it may touch, what may be done with it after a crash, and what the policy says.
#[derive(Clone, Copy)]
pub struct ToolKind {
    pub name: &'static str,
    class: EffectClass,
    pub repeat: Repeat,
    says: Says,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Run,
    /// A person is asked, for so many seconds.
    Ask(u64),
    Refuse,
}

const fn tool(name: &'static str, class: EffectClass, repeat: Repeat, says: Says) -> ToolKind {
    ToolKind { name, class, repeat, says }
}

const TOOLS: &[ToolKind] = &[
    tool("read", EffectClass::Observe, Repeat::Repeatable, Says::Run),
    tool("peek", EffectClass::Observe, Repeat::Repeatable, Says::Ask(3600)),
    tool("glance", EffectClass::Observe, Repeat::Once, Says::Ask(7200)),
    tool("edit", EffectClass::Workspace, Repeat::Repeatable, Says::Run),
    tool("commit", EffectClass::Workspace, Repeat::Checkable, Says::Run),
    tool("push", EffectClass::External, Repeat::Checkable, Says::Ask(600)),
    tool("act", EffectClass::Host, Repeat::Once, Says::Run),
    tool("send", EffectClass::External, Repeat::Once, Says::Ask(4000)),
    tool("wipe", EffectClass::Host, Repeat::Once, Says::Refuse),
];

/// Asks the person; no effect.
const QUESTION: &str = "ask";
const FINISH: &str = "finish";
/// After so many turns every agent is done.
const LAST_TURN: u32 = 5;

pub fn spec(dice: &mut Dice) -> RunSpec {
    let names: Vec<_> = TOOLS.iter().map(|tool| tool.name).chain([QUESTION, FINISH]).collect();
    let steps: Vec<_> = match dice.once_in(2) {
        true => Vec::new(),
        false => (0..1 + dice.below(4)).map(|_| step(dice)).collect(),
    };
    serde_json::from_value(json!({ "goal": "go", "agent": "sim", "tools": names, "procedure": steps })).unwrap()
}

fn step(dice: &mut Dice) -> serde_json::Value {
    let on_failure = if dice.once_in(2) { "stop" } else { "continue" };
    json!({ "title": "a step", "tool": dice.pick(TOOLS).name, "args": {}, "on_failure": on_failure })
}

/// What the model answers in a turn depends on nothing else, so that a repeated turn comes out the same. It may fail
/// a few times first.
pub fn reply(seed: u64, run: RunId, turn: u32, attempt: u32) -> Result<ModelReply, ModelFailure> {
    let mut dice = Dice::of(&[seed, run.0.as_u128() as u64, u64::from(turn)]);
    if dice.once_in(12) && attempt <= 3 {
        let kind = *dice.pick(&[ModelFailureKind::Timeout, ModelFailureKind::Unauthorized]);
        return Err(ModelFailure { kind, message: "no".into(), hint: String::new() });
    }
    let names: Vec<_> = match turn {
        1 => Vec::new(),
        LAST_TURN.. => vec![FINISH],
        _ => (0..1 + dice.below(3)).map(|_| any_call(&mut dice)).collect(),
    };
    let call = |(index, name): (usize, &&str)| RequestedCall {
        provider_id: format!("{turn}-{index}"),
        tool: (*name).to_owned(),
        args: json!({ "turn": turn, "index": index }),
    };
    Ok(ModelReply {
        model: "sim/model".to_owned(),
        text: "words".into(),
        refusal: None,
        calls: names.iter().enumerate().map(call).collect(),
        finish: FinishReason::ToolCalls,
        usage: Some(Usage { input: 10, cached: 0, output: 5 }),
        cost: Some(Usd(1_000)),
        carried: None,
    })
}

fn any_call(dice: &mut Dice) -> &'static str {
    match dice.below(TOOLS.len() + 3) {
        0 => QUESTION,
        1 => "no_such_tool",
        // Reads are what runs side by side.
        2 => "read",
        other => TOOLS[other - 3].name,
    }
}

pub fn find(name: &ToolName) -> Option<&'static ToolKind> {
    TOOLS.iter().find(|tool| tool.name == name.0)
}

/// A dry run in a world that may have changed, and the policy's word on it.
pub fn prepare(call: &ToolCall, world: u64) -> CallPreparation {
    if call.tool.0 == FINISH {
        return CallPreparation::Finish { summary: "done".into(), outcome: FinishOutcome::Succeeded };
    }
    if call.tool.0 == QUESTION {
        return CallPreparation::Question { text: "which one?".into(), choices: Vec::new() };
    }
    let Some(tool) = find(&call.tool) else {
        return CallPreparation::Invalid { result: ToolResult::failure(FailureKind::BadCall, "no such tool") };
    };
    let card = EffectCard {
        tool: call.tool.clone(),
        class: tool.class,
        repeat: tool.repeat,
        verb: "act".to_owned(),
        targets: vec![format!("world {world}").into()],
        environment: Environment::Remote,
        risk: Risk::Medium,
        reversible: Reversibility::Irreversible,
        payload: Payload::Arguments { args: call.args.clone() },
        facts: serde_json::Map::new(),
        confinement: String::new(),
        change: None,
    };
    let (rule, reason) = ("rule".to_owned(), "because".to_owned());
    let verdict = match tool.says {
        Says::Run => Verdict::Run { rule, reason },
        Says::Ask(expires_after) => Verdict::Ask { rule, reason, expires_after },
        Says::Refuse => Verdict::Refuse { rule, reason },
    };
    CallPreparation::Judged { card: Box::new(card), verdict }
}

/// What a dry run does not change, and what may therefore be prepared after it in the same go.
pub fn only_reads(preparation: &CallPreparation) -> bool {
    matches!(preparation, CallPreparation::Judged { card, .. } if card.class == EffectClass::Observe)
        || matches!(preparation, CallPreparation::Mark { .. } | CallPreparation::Invalid { .. })
}

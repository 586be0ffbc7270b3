//! The shapes of effect cards that most tools share.

use serde_json::Value;

use crate::domain::{EffectCard, EffectClass, Environment, Payload, Reversibility, Risk, ToolSpec, Untrusted};

/// A card for looking at something: nothing changes, nothing to undo.
pub fn observe(spec: &ToolSpec, verb: &str, target: impl Into<Untrusted>, args: &Value) -> EffectCard {
    EffectCard {
        tool: spec.name.clone(),
        class: EffectClass::Observe,
        repeat: spec.repeat,
        verb: verb.to_owned(),
        targets: vec![target.into()],
        environment: Environment::Workspace,
        risk: Risk::Low,
        reversible: Reversibility::NothingToUndo,
        payload: Payload::Arguments { args: args.clone() },
        facts: serde_json::Map::new(),
        confinement: String::new(),
        change: None,
    }
}

/// A card for changing something in the workspace.
pub fn change(spec: &ToolSpec, verb: &str, targets: Vec<Untrusted>, payload: Payload) -> EffectCard {
    EffectCard {
        class: EffectClass::Workspace,
        targets,
        payload,
        reversible: Reversibility::Irreversible,
        ..observe(spec, verb, Untrusted::default(), &Value::Null)
    }
}

/// Adds a fact to a card.
pub fn fact(card: &mut EffectCard, name: &str, value: impl Into<Value>) {
    card.facts.insert(name.to_owned(), value.into());
}

/// Adds what a person should know before deciding, on the card's first screen.
pub fn notice(card: &mut EffectCard, notice: Option<String>) {
    let Some(notice) = notice else { return };
    let notices = card.facts.entry(EffectCard::NOTICES).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(notices) = notices {
        notices.push(notice.into());
    }
}

/// `1 file`, `3 files`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

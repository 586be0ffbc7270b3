//! What a policy costs: building it once, and one verdict. Prints; it asserts nothing.
//!
//! `cargo bench --bench policy`. A verdict stands between an agent's call and its effect: at most 100 µs.

use std::hint::black_box;
use std::time::Instant;

use morningai::domain::{
    EffectCard, EffectClass, Environment, Payload, Repeat, Reversibility, Risk, ToolName, Untrusted,
};
use morningai::policy::Policy;
use serde_json::Value;

const VERDICTS: u32 = 20_000;

fn push() -> EffectCard {
    let facts = serde_json::json!({"remote": "origin", "branch": "fix", "force": false, "is_default_branch": false});
    EffectCard {
        tool: ToolName("git_push".to_owned()),
        class: EffectClass::External,
        repeat: Repeat::Checkable,
        verb: "push".to_owned(),
        targets: vec![Untrusted::from("origin/fix")],
        environment: Environment::Remote,
        risk: Risk::Medium,
        reversible: Reversibility::Irreversible,
        payload: Payload::Arguments { args: Value::Null },
        facts: facts.as_object().cloned().unwrap_or_default(),
        confinement: String::new(),
        change: None,
    }
}

fn main() {
    let start = Instant::now();
    let policy = match Policy::bundled() {
        Ok(policy) => policy,
        Err(faults) => return eprintln!("{}", faults.rendered()),
    };
    println!("build the bundled policy: {:?}", start.elapsed());
    let card = push();
    let start = Instant::now();
    for _ in 0..VERDICTS {
        black_box(policy.judge("dev", black_box(&card)));
    }
    println!("one verdict: {:?}", start.elapsed() / VERDICTS);
}

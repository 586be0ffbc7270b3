//! What several benches run on: a tool's specification and card that mean nothing, a model that is never asked, and a
//! judge that asks only before what leaves the machine.

use async_trait::async_trait;
use morningai::domain::*;
use morningai::ports::*;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub fn tool_spec(name: &str, class: EffectClass, repeat: Repeat) -> ToolSpec {
    ToolSpec {
        name: ToolName(name.to_owned()),
        description: String::new(),
        parameters: json!({ "type": "object" }),
        class,
        repeat,
    }
}

pub fn card(spec: &ToolSpec, args: &Value) -> Box<EffectCard> {
    Box::new(EffectCard {
        tool: spec.name.clone(),
        class: spec.class,
        repeat: spec.repeat,
        verb: "step".to_owned(),
        targets: vec!["nothing".into()],
        environment: Environment::Workspace,
        risk: Risk::Low,
        reversible: Reversibility::NothingToUndo,
        payload: Payload::Arguments { args: args.clone() },
        facts: serde_json::Map::new(),
        confinement: String::new(),
        change: None,
    })
}

pub struct NoModel;

#[async_trait]
impl Model for NoModel {
    async fn complete(
        &self,
        _request: ModelRequest,
        _deltas: &dyn DeltaSink,
        _cancel: CancellationToken,
    ) -> Result<ModelReply, ModelFailure> {
        unreachable!("procedures call no model")
    }

    fn is_configured(&self) -> bool {
        false
    }
}

pub struct ByClass;

impl Judge for ByClass {
    fn judge(&self, _spec: &RunSpec, card: &EffectCard) -> Verdict {
        let (rule, reason) = ("bench".to_owned(), "measured".to_owned());
        match card.class {
            EffectClass::External => Verdict::Ask { rule, reason, expires_after: 600 },
            _ => Verdict::Run { rule, reason },
        }
    }
}

//! A model that repeats a secret everywhere: nothing of it is in the log, on the feed or in what it is asked next.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::*;
use morningai::runtime::{Parts, Redactor, Role, Runtime};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::desk::*;

const SECRET: &str = "sk-Zx81/qq+private?";
/// The same wrapped, in base64 and in an address.
const FORMS: [&str; 4] =
    [SECRET, "sk-Zx81\\/qq\\u002bpri\nvate?", "c2stWng4MS9x\n  cStwcml2YXRlPw==", "sk-Zx81/qq%2bprivate%3f"];

fn everything() -> String {
    FORMS.join(" and ")
}

/// Says what it was given to say, all of it aloud, and remembers what it was asked.
#[derive(Default)]
struct Leaky {
    answers: Mutex<VecDeque<Result<ModelReply, ModelFailure>>>,
    asked: Mutex<String>,
}

#[async_trait]
impl Model for Leaky {
    async fn complete(
        &self,
        request: ModelRequest,
        deltas: &dyn DeltaSink,
        cancel: CancellationToken,
    ) -> Result<ModelReply, ModelFailure> {
        self.asked.lock().unwrap().push_str(&format!("{:?}", request.messages));
        deltas.notice(&format!("asking again: {}", everything()));
        for piece in everything().as_bytes().chunks(3) {
            deltas.token(str::from_utf8(piece).unwrap());
        }
        let next = self.answers.lock().unwrap().pop_front();
        match next {
            Some(answer) => answer,
            None => {
                cancel.cancelled().await;
                let kind = ModelFailureKind::Cancelled;
                Err(ModelFailure { kind, message: everything().into(), hint: everything() })
            }
        }
    }

    fn is_configured(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_model_that_repeats_a_secret_is_not_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let model = Arc::new(Leaky::default());
    let said = reply(&["check"]);
    let call = RequestedCall {
        provider_id: everything(),
        tool: everything(),
        args: json!({ everything(): [everything(), { "n": everything() }] }),
    };
    let plan = json!({"steps": [{"action": everything(), "tool": everything(), "success": everything()}]});
    let answers = [
        Ok(ModelReply { text: plan.to_string().into(), calls: Vec::new(), ..said.clone() }),
        Ok(ModelReply {
            model: everything(),
            text: everything().into(),
            refusal: Some(everything().into()),
            calls: vec![call],
            ..said
        }),
        Err(ModelFailure {
            kind: ModelFailureKind::Unauthorized,
            message: format!("answered 401: {}", everything()).into(),
            hint: everything(),
        }),
    ];
    model.answers.lock().unwrap().extend(answers);
    let parts = Parts {
        log: log.clone(),
        model: model.clone(),
        tools: Default::default(),
        judge: Arc::new(SimpleJudge { expires_after: 3600 }),
        clock: Arc::new(SystemClock),
        role: Role::Worker,
        starter: None,
        redactor: Redactor::new([("KEY".to_owned(), SECRET.to_owned())]),
    };
    let desk = Desk { runtime: Arc::new(Runtime::start(parts).await.unwrap()), log };
    let (_, mut feed) = desk.runtime.open();
    let run = desk.begin_with(RunSpec { goal: everything().into(), instructions: everything(), ..spec() }).await;
    desk.until_state(run, RunState::Paused).await;
    desk.runtime.submit(RunVerb::Cancel { reason: everything() }.on(run), ana()).await.unwrap();
    desk.until_state(run, RunState::Cancelled).await;

    let mut told = serde_json::to_string(&desk.log.read(0, 1_000).await.unwrap()).unwrap();
    assert!(told.matches("[secret KEY]").count() > 40, "{told}");
    let mut streamed = String::new();
    while let Ok(item) = feed.try_recv() {
        match item {
            FeedItem::Delta(delta) => streamed.push_str(delta.text.raw()),
            other => told.push_str(&serde_json::to_string(&other).unwrap()),
        }
    }
    assert!(streamed.contains("[secret KEY] and [secret KEY]"), "{streamed}");
    let asked = model.asked.lock().unwrap().clone();
    for text in [told, streamed, asked] {
        for form in ["Zx81", "c2stWng4MS9x", "cStwcml2YXRl"] {
            assert!(!text.contains(form), "{form} is in {text}");
        }
    }
}

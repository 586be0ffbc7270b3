//! Where an answer ends that is no longer wanted: an answer that is coming is let come to its end, but nothing is
//! asked anew for a paused run, and nobody waits for a server that says nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::domain::{ModelFailure, ModelFailureKind, ModelReply};
use crate::ports::{DeltaSink, Model, ModelRequest};

/// How long a paused run waits for the next piece of an answer. What is cut off is asked again when it goes on.
const LONGEST_SILENCE: Duration = Duration::from_secs(2);

/// Whether a run is to stop at its next boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Going {
    On,
    ToStop,
}

/// One answer, or as much patience with it as the run has left.
pub(super) async fn complete(
    model: &dyn Model,
    request: ModelRequest,
    deltas: &dyn DeltaSink,
    cancel: CancellationToken,
    mut going: watch::Receiver<Going>,
) -> Result<ModelReply, ModelFailure> {
    let (heard, is_between) = (Notify::new(), AtomicBool::new(false));
    let listener = Listener { deltas, heard, is_between };
    let cancel = cancel.child_token();
    let answer = model.complete(request, &listener, cancel.clone());
    tokio::pin!(answer);
    let stopped = async {
        loop {
            // The caller is gone when this cannot be heard any more, and then `cancel` tells.
            if going.wait_for(|going| *going == Going::ToStop).await.is_err() {
                return std::future::pending().await;
            }
            tokio::select! {
                biased;
                changed = going.changed() => if changed.is_err() { return std::future::pending().await },
                () = listener.boundary() => return,
            }
        }
    };
    tokio::select! {
        biased;
        outcome = &mut answer => return outcome,
        () = stopped => {}
    }
    // The adapter closes its connection; it may also have come to its end in this very moment.
    cancel.cancel();
    answer.await.map_err(|failure| match failure.kind {
        ModelFailureKind::Cancelled => not_waited_for(),
        _ => failure,
    })
}

fn not_waited_for() -> ModelFailure {
    ModelFailure {
        kind: ModelFailureKind::Cancelled,
        message: "the answer was cut off because the run was paused".into(),
        hint: String::new(),
    }
}

/// Passes everything on, and hears when the answer is over or does not come.
struct Listener<'a> {
    deltas: &'a dyn DeltaSink,
    heard: Notify,
    /// An adapter speaks for itself only between two requests, or when all of the answer is there.
    is_between: AtomicBool,
}

impl Listener<'_> {
    async fn boundary(&self) {
        let mut until = Instant::now() + LONGEST_SILENCE;
        while !self.is_between.load(Ordering::Acquire) {
            tokio::select! {
                biased;
                () = self.heard.notified() => until = Instant::now() + LONGEST_SILENCE,
                () = tokio::time::sleep_until(until) => return,
            }
        }
    }
}

impl DeltaSink for Listener<'_> {
    fn token(&self, text: &str) {
        self.deltas.token(text);
        self.is_between.store(false, Ordering::Release);
        self.heard.notify_one();
    }

    fn notice(&self, text: &str) {
        self.deltas.notice(text);
        self.is_between.store(true, Ordering::Release);
        self.heard.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;

    use async_trait::async_trait;

    use super::*;
    use crate::domain::{FinishReason, OutputShape, TaskClass};

    /// What a model does, a step a second.
    #[derive(Clone, Copy)]
    enum Step {
        Say,
        Notice,
        Nothing,
    }

    struct StepModel(Vec<Step>, AtomicUsize);

    #[async_trait]
    impl Model for StepModel {
        async fn complete(
            &self,
            _request: ModelRequest,
            deltas: &dyn DeltaSink,
            cancel: CancellationToken,
        ) -> Result<ModelReply, ModelFailure> {
            for step in &self.0 {
                tokio::select! {
                    () = cancel.cancelled() => {
                        let kind = ModelFailureKind::Cancelled;
                        return Err(ModelFailure { kind, message: "cancelled".into(), hint: "none".to_owned() });
                    }
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                }
                self.1.fetch_add(1, Ordering::SeqCst);
                match step {
                    Step::Say => deltas.token("word "),
                    Step::Notice => deltas.notice("next try in 1 s"),
                    Step::Nothing => {}
                }
            }
            Ok(ModelReply {
                model: "m".to_owned(),
                text: "whole".into(),
                refusal: None,
                calls: Vec::new(),
                finish: FinishReason::Stop,
                usage: None,
                cost: None,
                carried: None,
            })
        }

        fn is_configured(&self) -> bool {
            true
        }
    }

    #[derive(Default)]
    struct Kept(Mutex<String>);

    impl DeltaSink for Kept {
        fn token(&self, text: &str) {
            self.0.lock().unwrap().push_str(text);
        }

        fn notice(&self, text: &str) {
            self.0.lock().unwrap().push_str(text);
        }
    }

    /// What comes of it, and how many steps were made, when the run is paused after `pause` and goes on after `resume`.
    async fn outcome(steps: &[Step], pause: f64, resume: f64) -> (Result<ModelReply, ModelFailure>, usize) {
        let model = StepModel(steps.to_vec(), AtomicUsize::new(0));
        let class = TaskClass::Code;
        let request = ModelRequest {
            class,
            messages: Vec::new(),
            tools: Vec::new(),
            shape: OutputShape::Free,
            max_output_tokens: None,
        };
        let (sender, going) = watch::channel(Going::On);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs_f64(pause)).await;
            sender.send_replace(Going::ToStop);
            tokio::time::sleep(Duration::from_secs_f64(resume - pause)).await;
            sender.send_replace(Going::On);
        });
        let kept = Kept::default();
        let outcome = complete(&model, request, &kept, CancellationToken::new(), going).await;
        (outcome, model.1.load(Ordering::SeqCst))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_coming_comes_to_its_end() {
        let (answer, steps) = outcome(&[Step::Say; 20], 1.5, 100.0).await;
        assert_eq!((answer.unwrap().text.raw(), steps), ("whole", 20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_is_not_waited_for() {
        let (answer, steps) = outcome(&[Step::Nothing; 180], 10.5, 1_000.0).await;
        let failure = answer.unwrap_err();
        assert_eq!((failure.kind, failure.hint.as_str(), steps), (ModelFailureKind::Cancelled, "", 12));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_asked_anew() {
        let steps = [Step::Say, Step::Say, Step::Notice, Step::Say, Step::Say];
        let (answer, steps) = outcome(&steps, 0.5, 100.0).await;
        assert_eq!((answer.unwrap_err().kind, steps), (ModelFailureKind::Cancelled, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_goes_on_in_time_loses_nothing() {
        let (answer, steps) = outcome(&[Step::Nothing; 30], 3.5, 4.5).await;
        assert_eq!((answer.unwrap().text.raw(), steps), ("whole", 30));
    }
}

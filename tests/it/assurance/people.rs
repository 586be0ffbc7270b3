//! The person beside a run in another process: answers what is asked, and writes down what was acknowledged, so that
//! nothing acknowledged can be lost unseen.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::FeedItem;
use morningai::runtime::Runtime;

use super::props::{Fatal, Point, effects, write_down};
use super::story::{Answer, Doubt, Steer, Story};

/// Within this time of the start of a process, whatever is unknown must be asked.
const ASKED_WITHIN: Duration = Duration::from_secs(5);

pub struct Person {
    runtime: Arc<Runtime>,
    dir: PathBuf,
    story: Story,
    fatal: Arc<Fatal>,
    began: Instant,
    patience: Duration,
}

pub fn ana() -> Actor {
    Actor::Person("ana".to_owned())
}

impl Person {
    pub fn new(runtime: Arc<Runtime>, dir: &Path, story: Story, fatal: Arc<Fatal>) -> Self {
        Self { runtime, dir: dir.to_owned(), story, fatal, began: Instant::now(), patience: ASKED_WITHIN }
    }

    /// For a process that lives on while its store goes away again and again: doubts may come up at any time.
    pub fn patient(self) -> Self {
        Self { patience: Duration::MAX, ..self }
    }

    /// Starts the run, unless it was started, and stays until it has ended.
    pub async fn see_to(&self, run: RunId) {
        let mut steered = false;
        loop {
            let (snapshot, mut feed) = self.runtime.open();
            let Some(row) = snapshot.runs.get(&run) else {
                self.submit(RunVerb::Start { spec: Box::new(self.story.spec()) }.on(run)).await;
                continue;
            };
            if row.state.is_final() {
                return;
            }
            if !steered && self.steer(row).await {
                steered = true;
                continue;
            }
            let asked = snapshot.open_approvals().find(|approval| approval.run == run);
            match asked {
                Some(approval) => self.answer(approval).await,
                None if row.state == RunState::Paused && !row.is_busy() => {
                    self.submit(RunVerb::Resume.on(run)).await;
                }
                None => drop(feed.recv().await),
            }
        }
    }

    async fn steer(&self, run: &Run) -> bool {
        let (run, begun) = (run.id, run.calls > 0);
        match self.story.steer {
            Steer::Cancel if begun => self.submit(RunVerb::Cancel { reason: "enough".to_owned() }.on(run)).await,
            Steer::Pause if begun => self.submit(RunVerb::Pause.on(run)).await,
            _ => return false,
        }
        true
    }

    async fn answer(&self, approval: &Approval) {
        let id = approval.id;
        let command = match (&approval.ask, self.story.answer) {
            (Ask::Effect { .. }, Answer::Approve) => ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(id),
            (Ask::Effect { .. }, Answer::Edit) if approval.edit.is_none() => {
                ApprovalVerb::Edit { digest: approval.digest.0.clone(), args: self.changed(approval) }.on(id)
            }
            (Ask::Effect { .. }, Answer::Edit) => ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(id),
            (Ask::Effect { .. }, Answer::Deny) => ApprovalVerb::Deny { reason: "no".into() }.on(id),
            (Ask::Question { .. }, _) => ApprovalVerb::Answer { text: "this one".into() }.on(id),
            (Ask::InDoubt { card, .. }, _) => {
                let waited = self.began.elapsed();
                assert!(waited < self.patience, "asked only after {waited:?}");
                ApprovalVerb::Settle { settlement: self.settlement(approval, card), note: "looked".into() }.on(id)
            }
        };
        self.submit(command).await;
    }

    /// The arguments with one more, which every effect here takes and none looks at.
    fn changed(&self, approval: &Approval) -> serde_json::Value {
        let Some(Payload::Arguments { args }) = approval.ask.card().map(|card| &card.payload) else {
            panic!("{approval:?}")
        };
        let mut args = args.clone();
        args["changed"] = true.into();
        args
    }

    fn settlement(&self, approval: &Approval, card: &EffectCard) -> Settlement {
        match self.story.doubt {
            Doubt::Retry => Settlement::Retry,
            Doubt::GiveUp => Settlement::GiveUp,
            Doubt::Look => {
                let Payload::Arguments { args } = &card.payload else { return Settlement::GiveUp };
                let line = format!("{} {}", approval.run, args["n"]);
                match effects(&self.dir).contains(&line) {
                    true => Settlement::Happened,
                    false => Settlement::Retry,
                }
            }
        }
    }

    /// What is acknowledged is written down, as in the memory of a person, before anything else can happen.
    async fn submit(&self, command: Command) {
        self.fatal.pass(Point::BeforeDecision);
        let (_, mut feed) = self.runtime.open();
        match self.runtime.submit(command, ana()).await {
            Ok(events) => {
                let by_us = events.iter().filter(|event| event.by == ana());
                by_us.for_each(|event| write_down(&self.dir, "acknowledged", &serde_json::to_string(event).unwrap()));
                self.fatal.pass(Point::AfterDecision);
            }
            // Told so, and asked again by what is still open once there is room.
            Err(rejection) if rejection.kind == RejectionKind::NotSaved => {
                while !matches!(feed.recv().await.unwrap(), FeedItem::StoreBack) {}
            }
            // Somebody was faster, or it makes no sense any more.
            Err(rejection) => assert!(
                matches!(rejection.kind, RejectionKind::AlreadySettled | RejectionKind::Invalid),
                "{rejection:?}"
            ),
        }
    }
}

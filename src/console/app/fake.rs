//! A source in memory that carries commands out as far as a console can tell, and remembers them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::broadcast;

use crate::console::app::Launcher;
use crate::console::state::{Offer, Offers};
use crate::console::update::Launch;
use crate::console::view::fixtures::{Story, approval_id, run_id, spec};
use crate::domain::{Actor, ApprovalId, Ask, CallEdit, CardDigest, EffectCard, Payload, Rejection, RunId, RunSpec};
use crate::fold::Snapshot;
use crate::kinds::{ApprovalEvent, ApprovalVerb, Command, Envelope, RunEvent, RunVerb, decide_verb};
use crate::ports::{
    Answer, Chart, Client, ClientError, Clock, Feed, FeedItem, LinkOrder, Moment, Observe, Page, Query, Sought, Status,
    Transport,
};

pub struct Fake {
    pub story: Mutex<Story>,
    feed: broadcast::Sender<FeedItem>,
    pub submitted: Mutex<Vec<Command>>,
    /// What the next command is answered with instead.
    pub rejection: Mutex<Option<Rejection>>,
    pub status: Mutex<Status>,
    pub replay: Option<Arc<FakeReplay>>,
    /// How often the source was opened; it fails while `is_down`.
    pub opened: Mutex<usize>,
    pub is_down: Mutex<bool>,
    /// Whether histories cannot be read.
    pub is_unreadable: Mutex<bool>,
    /// Whether a question takes a second.
    pub is_slow: bool,
    /// What was looked at, one after another.
    pub looked_at: Mutex<Vec<String>>,
    /// The chart of every incident, and how often one was asked for.
    pub chart: Mutex<Result<Option<Chart>, ClientError>>,
    pub charts_asked: Mutex<usize>,
}

impl Fake {
    pub fn new(story: Story) -> Self {
        let status = Status {
            source: "sqlite:morningai.db".to_owned(),
            model: Some("local/tiny".to_owned()),
            sandbox: "bubblewrap".to_owned(),
            observe: Observe::No,
            ..Status::default()
        };
        Self {
            story: Mutex::new(story),
            feed: broadcast::channel(64).0,
            submitted: Mutex::default(),
            rejection: Mutex::default(),
            status: Mutex::new(status),
            replay: None,
            opened: Mutex::new(0),
            is_down: Mutex::new(false),
            is_unreadable: Mutex::new(false),
            is_slow: false,
            looked_at: Mutex::default(),
            chart: Mutex::new(Ok(None)),
            charts_asked: Mutex::default(),
        }
    }

    /// Lets something happen in the story, and says it on the feed.
    pub fn tell(&self, happen: impl FnOnce(&mut Story)) -> Vec<Envelope> {
        let mut story = self.story.lock().unwrap();
        let known = story.log.len();
        happen(&mut story);
        let news = story.log[known..].to_vec();
        for envelope in &news {
            self.say(FeedItem::Committed { envelope: Box::new(envelope.clone()) });
        }
        news
    }

    pub fn say(&self, item: FeedItem) {
        // Nobody may be listening.
        let _ = self.feed.send(item);
    }

    /// Carries out what its own kind decides.
    fn decide(&self, command: Command, by: &Actor) -> Result<Vec<Envelope>, Rejection> {
        let decided = {
            let story = self.story.lock().unwrap();
            decide_verb(&story.snapshot, command, by, story.now())?.unwrap_or_default()
        };
        Ok(self.tell(|story| {
            for decided in decided {
                story.append(decided.stream, &decided.by, decided.event);
            }
        }))
    }

    fn carry_out(&self, command: &Command, by: &Actor) -> Vec<Envelope> {
        self.tell(|story| {
            if let Command::Run { id: run, verb } = command {
                match verb {
                    RunVerb::Start { spec } => {
                        story.run(*run, by, RunEvent::Started { spec: spec.clone() });
                    }
                    RunVerb::Pause => {
                        story.run(*run, by, RunEvent::Paused { reason: "paused".to_owned(), over: None });
                    }
                    RunVerb::Resume => {
                        story.run(*run, by, RunEvent::Resumed {});
                    }
                    RunVerb::Cancel { reason } => {
                        story.run(*run, by, RunEvent::Cancelled { reason: reason.clone() });
                    }
                    RunVerb::StartWanted { .. } | RunVerb::AgentFailed { .. } => {}
                }
            }
            if let Command::Approval { id: approval, verb } = command {
                match verb {
                    ApprovalVerb::Approve { digest } => {
                        story.approval(*approval, by, ApprovalEvent::Approved { digest: CardDigest(digest.clone()) });
                    }
                    ApprovalVerb::Deny { reason } => {
                        story.approval(*approval, by, ApprovalEvent::Denied { reason: reason.clone() });
                    }
                    ApprovalVerb::Edit { digest, args } => {
                        edit(story, *approval, digest, args, by);
                    }
                    ApprovalVerb::Answer { text } => {
                        story.approval(*approval, by, ApprovalEvent::Answered { text: text.clone() });
                    }
                    ApprovalVerb::Settle { settlement, note } => {
                        let event = ApprovalEvent::Settled { settlement: *settlement, note: note.clone() };
                        story.approval(*approval, by, event);
                    }
                    ApprovalVerb::Expire => unreachable!("a console never asks for it"),
                }
            }
        })
    }
}

/// The request ends, and the call is asked for with the new arguments as its payload.
fn edit(story: &mut Story, edited: ApprovalId, digest: &str, args: &Value, by: &Actor) {
    story.approval(edited, by, ApprovalEvent::Edited { digest: CardDigest(digest.to_owned()), args: args.clone() });
    let old = story.snapshot.approvals[&edited].clone();
    let asked = story.thread(old.run).calls[&old.call].asked().clone();
    story.run(old.run, by, RunEvent::CallEdited { call: old.call, approval: edited, args: args.clone() });
    let payload = Payload::Arguments { args: args.clone() };
    let ask = Ask::Effect { card: EffectCard { payload, ..old.ask.card().unwrap().clone() } };
    let (approval, digest) = (approval_id(90), ask.digest());
    let requested = ApprovalEvent::Requested {
        run: old.run,
        call: old.call,
        tool: old.tool,
        ask: Box::new(ask),
        digest: digest.clone(),
        rule: old.rule,
        reason: old.reason,
        rationale: old.rationale,
        not_mentioned: Vec::new(),
        expires_at: old.expires_at,
        edit: Some(Box::new(CallEdit { by: by.clone(), request: edited, asked, args: args.clone() })),
    };
    story.approval(approval, &old.requested_by, requested);
    story.run(old.run, &Actor::System, RunEvent::CallParked { call: old.call, approval, digest });
}

#[async_trait]
impl Client for Fake {
    async fn open(&self) -> Result<(Snapshot, Feed), ClientError> {
        if *self.is_down.lock().unwrap() {
            let hint = "check the network".to_owned();
            return Err(ClientError { message: "the server does not answer".to_owned(), hint });
        }
        *self.opened.lock().unwrap() += 1;
        Ok((self.story.lock().unwrap().snapshot.clone(), self.feed.subscribe()))
    }

    async fn query(&self, query: Query) -> Result<Answer, ClientError> {
        if self.is_slow {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let story = self.story.lock().unwrap();
        let events = |rows: Vec<Envelope>| Ok(Answer::Events(Page { rows, more: false }));
        match query {
            Query::Stream { .. } if *self.is_unreadable.lock().unwrap() => {
                Err(ClientError { message: "the store is closed".to_owned(), hint: "open it".to_owned() })
            }
            Query::Stream { stream, after, .. } => {
                let wanted = |event: &&Envelope| event.stream == stream && event.version > after;
                events(story.log.iter().filter(wanted).cloned().collect())
            }
            Query::LogBefore { before, limit } => {
                let older: Vec<_> = story.log.iter().rev().filter(|event| event.seq < before).cloned().collect();
                let more = older.len() > limit as usize;
                let rows = older.into_iter().take(limit as usize).collect();
                Ok(Answer::Events(Page { rows, more }))
            }
            Query::Search { text, before, .. } => {
                let contains = |event: &&Envelope| serde_json::to_string(event).unwrap().contains(&text);
                events(story.log.iter().rev().filter(|event| event.seq < before).filter(contains).cloned().collect())
            }
            Query::Rows(_) => Ok(Answer::Rows(Page { rows: Vec::new(), more: false })),
            Query::Blob { .. } => Ok(Answer::Blob(None)),
            Query::Chart { .. } => {
                *self.charts_asked.lock().unwrap() += 1;
                Ok(Answer::Chart(self.chart.lock().unwrap().clone()?))
            }
        }
    }

    async fn submit(&self, command: Command, by: Actor) -> Result<Vec<Envelope>, Rejection> {
        self.submitted.lock().unwrap().push(command.clone());
        match self.rejection.lock().unwrap().take() {
            Some(rejection) => Err(rejection),
            None if matches!(command, Command::Run { .. } | Command::Approval { .. }) => {
                Ok(self.carry_out(&command, &by))
            }
            None => self.decide(command, &by),
        }
    }

    async fn payment_link(&self, order: &LinkOrder) -> Result<SecretString, ClientError> {
        match order {
            LinkOrder::Checkout { plan, .. } => Ok(format!("https://checkout.stripe.com/c/pay/{plan}").into()),
            LinkOrder::Portal => {
                Err(ClientError { message: "there is no customer at Stripe yet".to_owned(), hint: String::new() })
            }
        }
    }

    fn look_at(&self, place: &str) {
        self.looked_at.lock().unwrap().push(place.to_owned());
    }

    fn status(&self) -> Status {
        self.status.lock().unwrap().clone()
    }

    fn transport(&self) -> Option<Arc<dyn Transport>> {
        self.replay.clone().map(|replay| replay as Arc<dyn Transport>)
    }
}

/// Controls of a replay that only remember what they were told.
pub struct FakeReplay(pub Mutex<Moment>);

impl Transport for FakeReplay {
    fn moment(&self) -> Moment {
        self.0.lock().unwrap().clone()
    }

    fn toggle(&self) {
        let mut moment = self.0.lock().unwrap();
        moment.playing = !moment.playing;
    }

    fn set_speed(&self, speed: f64) {
        self.0.lock().unwrap().speed = speed;
    }

    fn seek(&self, to: Duration) {
        self.0.lock().unwrap().at = to;
    }

    fn step(&self) {
        let mut moment = self.0.lock().unwrap();
        moment.playing = false;
        moment.at += Duration::from_secs(1);
    }
}

/// Starts what it is asked to start, unless the workspace is `/nowhere`.
#[derive(Default)]
pub struct FakeLauncher {
    pub launched: Mutex<Vec<Launch>>,
    pub remembered: Mutex<Vec<String>>,
    pub discarded: Mutex<Vec<RunSpec>>,
}

#[async_trait]
impl Launcher for FakeLauncher {
    async fn offers(&self) -> Offers {
        let offer = |name: &str, text: &str| Offer { name: name.to_owned(), description: text.to_owned() };
        Offers {
            agents: vec![offer("dev", "changes code and runs its tests"), offer("ops", "looks after machines")],
            procedures: vec![offer("check-this-machine", "load, memory, disks, units, ports")],
            themes: Vec::new(),
            past_goals: vec!["find the leak".to_owned(), "update the licence headers".to_owned()],
            workspace: "/home/ana/src/".to_owned(),
        }
    }

    async fn prepare(&self, launch: &Launch) -> Result<(RunId, RunSpec), ClientError> {
        self.launched.lock().unwrap().push(launch.clone());
        if launch.workspace == "/nowhere" {
            let hint = "choose a directory that exists".to_owned();
            return Err(ClientError { message: "there is no directory /nowhere".to_owned(), hint });
        }
        Ok((run_id(70), spec(&launch.goal, "dev")))
    }

    async fn discard(&self, spec: &RunSpec) {
        self.discarded.lock().unwrap().push(spec.clone());
    }

    async fn complete(&self, sought: &Sought) -> Vec<String> {
        let known = match sought {
            Sought::Directories { .. } => ["/home/ana/src/parser/", "/home/ana/src/parts/"],
            Sought::Files { .. } => ["src/parser.rs", "tests/parser.rs"],
        };
        let fits = |known: &&&str| match sought {
            Sought::Directories { path } => known.starts_with(path),
            Sought::Files { text, .. } => known.contains(text),
        };
        known.iter().filter(fits).map(|known| (*known).to_owned()).collect()
    }

    async fn remember(&self, goal: &str) {
        self.remembered.lock().unwrap().push(goal.to_owned());
    }
}

/// Tells the time the story tells.
pub struct StoryClock(pub crate::domain::Timestamp);

impl Clock for StoryClock {
    fn now(&self) -> crate::domain::Timestamp {
        self.0
    }
}

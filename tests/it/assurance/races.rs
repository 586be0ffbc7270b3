//! Four processes decide on the same request at the same moment: one outcome, and everybody else is told.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use morningai::domain::*;
use morningai::fold::Snapshot;
use morningai::kinds::*;
use morningai::ports::{Batch, Clock, Log, NewEvent, SystemClock};
use serde::{Deserialize, Serialize};

use super::order::{Order, Work};
use super::place::{Ground, events_after, on_each_store};
use super::process::Process;
use super::story::Story;
use crate::support::audit::Audit;
use crate::support::dice::Dice;
use crate::support::scale::rounds;

/// What one of the processes does with every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Racer {
    Approve,
    Deny,
    Edit,
    /// Its clock is past the expiry of every request.
    Expire,
    Cancel,
    Answer,
    Settle(Settlement),
}

/// One request, as told to every racer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Target {
    pub run: RunId,
    pub approval: ApprovalId,
    pub digest: String,
}

/// What a racer was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    Done,
    Rejected(RejectionKind),
}

impl Racer {
    pub fn actor(self) -> Actor {
        match self {
            Self::Expire => Actor::System,
            other => Actor::Person(format!("{other:?}")),
        }
    }

    pub fn command(self, target: Target) -> Command {
        let Target { run, approval, digest } = target;
        match self {
            Self::Approve => ApprovalVerb::Approve { digest }.on(approval),
            Self::Deny => ApprovalVerb::Deny { reason: "no".into() }.on(approval),
            Self::Edit => ApprovalVerb::Edit { digest, args: serde_json::json!({ "n": 2 }) }.on(approval),
            Self::Expire => ApprovalVerb::Expire.on(approval),
            Self::Cancel => RunVerb::Cancel { reason: "enough".to_owned() }.on(run),
            Self::Answer => ApprovalVerb::Answer { text: "this one".into() }.on(approval),
            Self::Settle(settlement) => ApprovalVerb::Settle { settlement, note: "".into() }.on(approval),
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Leave,
    Question,
    Doubt,
}

on_each_store![
    leave_is_given_or_refused_once,
    a_change_wins_or_loses_like_any_other_decision,
    a_question_is_answered_once,
    a_doubt_is_settled_once,
];

fn leave_is_given_or_refused_once(ground: &Ground) {
    race(ground, Asked::Leave, &[Racer::Approve, Racer::Deny, Racer::Expire, Racer::Cancel], rounds(150, 5_000));
}

fn a_change_wins_or_loses_like_any_other_decision(ground: &Ground) {
    race(ground, Asked::Leave, &[Racer::Approve, Racer::Edit, Racer::Expire, Racer::Cancel], rounds(75, 2_500));
    race(ground, Asked::Leave, &[Racer::Edit, Racer::Deny, Racer::Approve, Racer::Expire], rounds(75, 2_500));
}

fn a_question_is_answered_once(ground: &Ground) {
    race(ground, Asked::Question, &[Racer::Answer, Racer::Deny, Racer::Answer, Racer::Cancel], rounds(75, 2_500));
}

fn a_doubt_is_settled_once(ground: &Ground) {
    let settle = Racer::Settle;
    let racers = [settle(Settlement::Happened), settle(Settlement::Retry), settle(Settlement::GiveUp), Racer::Approve];
    race(ground, Asked::Doubt, &racers, rounds(75, 2_500));
}

fn race(ground: &Ground, asked: Asked, racers: &[Racer], histories: usize) {
    let dir = tempfile::tempdir().unwrap();
    let place = ground.place_in(dir.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let targets = runtime.block_on(async { ask(place.open().await.as_ref(), asked, histories).await });
    let mut processes: Vec<_> = racers
        .iter()
        .map(|racer| {
            let order = Order { place: place.clone(), dir: dir.path().to_owned(), work: Work::Race { racer: *racer } };
            Runner::start(&order)
        })
        .collect();
    let mut told = Vec::new();
    let began = Instant::now();
    let mut dice = Dice::new(19);
    for target in &targets {
        // Whoever won last is a step ahead, for it knows where the log ends. So one or another is told a little earlier.
        let first = dice.below(racers.len());
        processes[first].tell(target);
        std::thread::sleep(Duration::from_millis(dice.below(16) as u64));
        processes.iter_mut().enumerate().filter(|(at, _)| *at != first).for_each(|(_, other)| other.tell(target));
        told.push(processes.iter_mut().map(Runner::hear).collect::<Vec<_>>());
    }
    let rate = histories as f64 / began.elapsed().as_secs_f64();
    drop(processes);

    let events = runtime.block_on(async { events_after(place.open().await.as_ref(), 0).await });
    let mut audit = Audit::default();
    audit.take_all(&events).unwrap();
    let mut by_stream: HashMap<Stream, Vec<&Envelope>> = HashMap::new();
    events.iter().for_each(|event| by_stream.entry(event.stream).or_default().push(event));
    let mut wins = vec![0; racers.len()];
    for (target, told) in targets.iter().zip(told) {
        let winner = check(racers, &told, &by_stream[&Stream::Approval(target.approval)]);
        wins[winner] += 1;
    }
    let store = ground.name();
    println!("{store}: {histories} requests, {rate:.0} a second, won by {racers:?}: {wins:?}");
}

/// One outcome, known to who brought it about, and everybody else told that it is settled. Returns who won.
fn check(racers: &[Racer], told: &[Told], events: &[&Envelope]) -> usize {
    let outcomes: Vec<_> = events.iter().filter(|event| event.version > 1).collect();
    assert_eq!(outcomes.len(), 1, "{outcomes:#?}");
    let settled = Told::Rejected(RejectionKind::AlreadySettled);
    let won = |(index, racer): (usize, &Racer)| racer.actor() == outcomes[0].by && told[index] == Told::Done;
    let winner = racers.iter().enumerate().position(won);
    let winner = winner.unwrap_or_else(|| panic!("{racers:?} were told {told:?}, the outcome is {:#?}", outcomes[0]));
    for (index, racer) in racers.iter().enumerate().filter(|(index, _)| *index != winner) {
        let fine = match (racer, told[index]) {
            // It is about the run, and settles a request only where one is open.
            (Racer::Cancel, Told::Done) => true,
            // Of a doubt: no decision of this kind, whether or not it is settled.
            (Racer::Approve, Told::Rejected(RejectionKind::Invalid)) => matches!(racers[0], Racer::Settle(_)),
            (_, told) => told == settled,
        };
        assert!(fine, "{racer:?} was told {:?}, the outcome is {:?}", told[index], outcomes[0]);
    }
    winner
}

/// Another process with both ends of its conversation.
struct Runner {
    _process: Process,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Runner {
    fn start(order: &Order) -> Self {
        let mut process = Process::start(order);
        process.until_it_works();
        let child = process.child();
        let (orders, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { _process: process, orders, answers }
    }

    fn tell(&mut self, target: &Target) {
        let line = serde_json::to_string(target).unwrap() + "\n";
        self.orders.write_all(line.as_bytes()).unwrap();
    }

    fn hear(&mut self) -> Told {
        loop {
            let mut line = String::new();
            self.answers.read_line(&mut line).unwrap();
            // The harness around it has its own to say once it has run for long.
            if !line.starts_with("test ") {
                return serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            }
        }
    }
}

/// Writes the histories that lead to the requests, as a worker would have.
async fn ask(log: &dyn Log, asked: Asked, histories: usize) -> Vec<Target> {
    let mut snapshot = Snapshot::default();
    let mut targets = Vec::new();
    let now = SystemClock.now();
    while targets.len() < histories {
        let mut events = Vec::new();
        let most = 200.min(histories - targets.len());
        for _ in 0..most {
            let (target, history) = history(asked, now);
            targets.push(target);
            events.extend(history);
        }
        append(log, &mut snapshot, events, now).await;
    }
    targets
}

async fn append(log: &dyn Log, snapshot: &mut Snapshot, events: Vec<(Stream, Event)>, at: Timestamp) {
    let after = snapshot.cursor;
    let mut touched = std::collections::BTreeSet::new();
    let mut new = Vec::new();
    for (stream, event) in events {
        let version = 1 + snapshot.version(stream);
        let by = Actor::System;
        let envelope = Envelope { seq: snapshot.cursor + 1, stream, version, at, by: by.clone(), event: event.clone() };
        touched.extend(snapshot.apply(&envelope));
        new.push(NewEvent { stream, version, at, by, event });
    }
    let rows = touched.iter().filter_map(|key| snapshot.row(key)).collect();
    log.append(Batch { after, events: new, rows, ..Batch::default() }).await.unwrap();
}

fn history(asked: Asked, now: Timestamp) -> (Target, Vec<(Stream, Event)>) {
    let run = RunId(uuid::Uuid::now_v7());
    let approval = ApprovalId(uuid::Uuid::now_v7());
    let call = CallNo(1);
    let tool = ToolName("ask_once".to_owned());
    let card = card(&tool);
    let ask = match asked {
        Asked::Leave => Ask::Effect { card: card.clone() },
        Asked::Question => Ask::Question { text: "which?".into(), choices: Vec::new(), budget: None },
        Asked::Doubt => Ask::InDoubt { card: card.clone(), attempt: 1 },
    };
    let digest = ask.digest();
    let request = ToolCall {
        call,
        provider_id: String::new(),
        tool: tool.clone(),
        args: card_args(),
        step: None,
        part: Default::default(),
    };
    let requested = ApprovalEvent::Requested {
        run,
        call,
        tool,
        ask: Box::new(ask),
        digest: digest.clone(),
        rule: "rule".to_owned(),
        reason: "because".to_owned(),
        rationale: Untrusted::default(),
        not_mentioned: Vec::new(),
        expires_at: Some(now + TimeDelta::hours(1)),
        edit: None,
    };
    let of_run = |event| (Stream::Run(run), Event::Run(event));
    let mut events = vec![
        of_run(RunEvent::Started { spec: Box::new(Story::procedure(&["ask_once"]).spec()) }),
        of_run(RunEvent::CallsRequested { calls: vec![request] }),
    ];
    if asked == Asked::Doubt {
        events.push(of_run(RunEvent::EffectStarted {
            call,
            attempt: 1,
            digest: digest.clone(),
            repeat: Repeat::Once,
            under: Authority::Rule("rule".to_owned()),
            card: Box::new(card),
        }));
    }
    events.push((Stream::Approval(approval), Event::Approval(requested)));
    events.push(of_run(match asked {
        Asked::Doubt => RunEvent::EffectInDoubt { call, attempt: 1, approval },
        Asked::Leave | Asked::Question => RunEvent::CallParked { call, approval, digest: digest.clone() },
    }));
    (Target { run, approval, digest: digest.0 }, events)
}

fn card_args() -> serde_json::Value {
    serde_json::json!({ "n": 1 })
}

fn card(tool: &ToolName) -> EffectCard {
    EffectCard {
        tool: tool.clone(),
        class: EffectClass::External,
        repeat: Repeat::Once,
        verb: "append".to_owned(),
        targets: vec!["effects".into()],
        environment: Environment::Workspace,
        risk: Risk::Low,
        reversible: Reversibility::Irreversible,
        payload: Payload::Arguments { args: card_args() },
        facts: serde_json::Map::new(),
        confinement: String::new(),
        change: None,
    }
}

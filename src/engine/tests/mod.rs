//! Commands to events, for each verb and each way it can be refused. No I/O anywhere.

mod agent_run;
mod budgets;
mod decisions;
mod delegated;
mod edits;
mod handovers;
mod holds;
mod incidents;
mod noise;
mod pages;
mod procedure_run;
mod quota;
mod raises;
mod recovery;
mod silences;
mod storm;

use chrono::TimeDelta;
use serde_json::json;

use super::decide;
use crate::domain::{
    Actor, ApprovalId, CallNo, EffectCard, EffectClass, Environment, FinishReason, Limits, ModelReply, OnFailure,
    Payload, ProcedureStep, Rejection, Repeat, RequestedCall, Reversibility, Risk, RunId, RunSpec, RunState, StepCall,
    TaskClass, Timestamp, ToolName, Usage, Usd, Verdict,
};
use crate::fold::{Snapshot, Thread};
use crate::kinds::{CallPreparation, Command, Envelope, Event, PreparedCall, Report, Run, RunEvent, RunVerb, Stream};

/// A log of one run in memory, with a clock that is moved by hand.
struct Desk {
    snapshot: Snapshot,
    now: Timestamp,
    log: Vec<Envelope>,
}

const RUN: RunId = RunId(uuid::Uuid::from_u128(1));

fn ana() -> Actor {
    Actor::Person("ana".to_owned())
}

fn approval(number: u128) -> ApprovalId {
    ApprovalId(uuid::Uuid::from_u128(1000 + number))
}

impl Desk {
    fn new() -> Self {
        let now = "2026-11-24T03:00:00Z".parse().unwrap();
        Self { snapshot: Snapshot::default(), now, log: Vec::new() }
    }

    /// An agent's run, up to its first acting turn.
    fn with_agent() -> Self {
        let mut desk = Self::new();
        desk.by(ana(), RunVerb::Start { spec: Box::new(agent_spec()) }.on(RUN)).unwrap();
        desk.proceed(vec![]);
        desk.answer(reply(r#"{"steps":[{"action":"look","after":[]},{"action":"mend","after":[1]}]}"#, &[]));
        desk.proceed(vec![]);
        desk
    }

    fn by(&mut self, by: Actor, command: Command) -> Result<Vec<&'static str>, Rejection> {
        let decided = decide(&self.snapshot, command, &by, self.now)?;
        let mut kinds = Vec::new();
        for decided in decided {
            let version = 1 + self.snapshot.version(decided.stream);
            let seq = self.log.len() as u64 + 1;
            let envelope =
                Envelope { seq, stream: decided.stream, version, at: self.now, by: decided.by, event: decided.event };
            kinds.push(envelope.event.kind());
            self.snapshot.apply(&envelope);
            if let Event::Run(RunEvent::Started { .. }) = &envelope.event {
                self.snapshot.threads.insert(RUN, Thread::of(std::slice::from_ref(&envelope)).unwrap());
            }
            self.log.push(envelope);
        }
        Ok(kinds)
    }

    fn system(&mut self, command: Command) -> Result<Vec<&'static str>, Rejection> {
        self.by(Actor::System, command)
    }

    fn proceed(&mut self, prepared: Vec<PreparedCall>) -> Vec<&'static str> {
        self.system(Command::Report(Report::Proceed { run: RUN, prepared })).unwrap()
    }

    /// The open turn's answer.
    fn answer(&mut self, reply: ModelReply) -> Vec<&'static str> {
        let open = self.run().open_turn.clone().unwrap();
        let command = Command::Report(Report::TurnFinished {
            run: RUN,
            turn: open.turn,
            attempt: open.attempt,
            outcome: Box::new(Ok(reply)),
        });
        self.system(command).unwrap()
    }

    fn wait(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
    }

    fn run(&self) -> &Run {
        &self.snapshot.runs[&RUN]
    }

    fn state(&self) -> RunState {
        self.run().state
    }
}

fn agent_spec() -> RunSpec {
    RunSpec {
        goal: "make the failing test pass".into(),
        agent: "dev".to_owned(),
        instructions: "You mend programs.".to_owned(),
        tools: ["read_file", "git_push", "finish"].map(|name| ToolName(name.to_owned())).to_vec(),
        class: TaskClass::Code,
        workspace: None,
        procedure: Vec::new(),
        inputs: Default::default(),
        limits: Limits::default(),
        policies: Vec::new(),
        rungs: Default::default(),
    }
}

fn procedure_spec(on_failure: OnFailure) -> RunSpec {
    let step = |title: &str| {
        let act = StepCall::new("host_check", json!({ "what": title }));
        ProcedureStep { on_failure, ..ProcedureStep::new(title, act) }
    };
    RunSpec { procedure: vec![step("load"), step("disks")], agent: "check".to_owned(), ..agent_spec() }
}

fn reply(text: &str, calls: &[(&str, serde_json::Value)]) -> ModelReply {
    ModelReply {
        model: "test/model".to_owned(),
        text: text.into(),
        refusal: None,
        calls: calls
            .iter()
            .map(|(tool, args)| RequestedCall {
                provider_id: format!("id-{tool}"),
                tool: (*tool).to_owned(),
                args: args.clone(),
            })
            .collect(),
        finish: if calls.is_empty() { FinishReason::Stop } else { FinishReason::ToolCalls },
        usage: Some(Usage { input: 100, cached: 0, output: 20 }),
        cost: Some(Usd(1_000_000)),
        carried: None,
    }
}

fn card(tool: &str, class: EffectClass, repeat: Repeat) -> EffectCard {
    EffectCard {
        tool: ToolName(tool.to_owned()),
        class,
        repeat,
        verb: "act".to_owned(),
        targets: vec!["origin/fix".into()],
        environment: Environment::Remote,
        risk: Risk::Medium,
        reversible: Reversibility::Irreversible,
        payload: Payload::Arguments { args: json!({}) },
        facts: serde_json::Map::new(),
        confinement: String::new(),
        change: None,
    }
}

fn read() -> EffectCard {
    card("read_file", EffectClass::Observe, Repeat::Repeatable)
}

fn push() -> EffectCard {
    card("git_push", EffectClass::External, Repeat::Once)
}

fn runs(call: u32, card: EffectCard) -> PreparedCall {
    judged(call, card, Verdict::Run { rule: "reads".to_owned(), reason: "harmless".to_owned() })
}

fn asks(call: u32, card: EffectCard) -> PreparedCall {
    judged(call, card, Verdict::Ask { rule: "leaves".to_owned(), reason: "outside".to_owned(), expires_after: 600 })
}

fn judged(call: u32, card: EffectCard, verdict: Verdict) -> PreparedCall {
    PreparedCall {
        call: CallNo(call),
        approval: approval(u128::from(call)),
        preparation: CallPreparation::Judged { card: Box::new(card), verdict },
    }
}

fn prepared(call: u32, preparation: CallPreparation) -> PreparedCall {
    PreparedCall { call: CallNo(call), approval: approval(u128::from(call)), preparation }
}

//! What a follower says while a run goes on: the agent's text as it streams, one line a tool call, or JSON objects.
//!
//! Where standard output cannot be written, that is said at once, and all the rest on standard error: a run does not stop
//! because nobody can read of it, and is not left without a word either.

use std::collections::BTreeMap;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::{card, outcome};
use crate::domain::{
    CallNo, FailureKind, FinishReason, ModelReply, Plan, PurposeOfTurn, RunId, RunState, ToolResult, Untrusted,
    visible_words,
};
use crate::fold::{Snapshot, Thread};
use crate::kinds::{Approval, ApprovalEvent, Envelope, Event, Run, RunEvent, Stream};
use crate::ports::{Delta, DeltaKind};
use crate::shape::{ApprovalDetail, RunShape};

/// Where progress goes, and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Lines on standard output.
    Text,
    /// Lines on standard error: following is not what the command was asked for.
    Aside,
    /// Objects on standard output: the run at each change of its state, each request to a person as it changes.
    Json,
}

/// Tells what happens in one run.
pub struct Progress<'a> {
    output: &'a mut Output,
    voice: Voice,
    run: RunId,
    state: Option<RunState>,
    /// Purpose of the turn under way; a plan streams as JSON, which is for the machine.
    purpose: PurposeOfTurn,
    has_streamed: bool,
    is_mid_line: bool,
    /// Whether the last thing told is the text of a turn that has ended.
    is_after_turn: bool,
    labels: BTreeMap<CallNo, String>,
    /// How the last call that does something ended, `None` when well.
    last_failure: Option<FailureKind>,
    is_untold: bool,
}

impl<'a> Progress<'a> {
    pub fn new(output: &'a mut Output, voice: Voice, run: RunId) -> Self {
        Self {
            output,
            voice,
            run,
            state: None,
            purpose: PurposeOfTurn::Act,
            has_streamed: false,
            is_mid_line: false,
            is_after_turn: false,
            labels: BTreeMap::new(),
            last_failure: None,
            is_untold: false,
        }
    }

    pub fn last_failure(&self) -> Option<FailureKind> {
        self.last_failure
    }

    /// How a command ends that was to tell of it all.
    pub fn exit(&self, exit: Exit) -> Exit {
        if self.is_untold { Exit::Failed } else { exit }
    }

    /// Goes on where standard error leads when standard output cannot be written.
    fn told(&mut self, written: Result<(), Failure>) {
        if let Err(failure) = written {
            let next = format!("progress is shown here instead; `morningai runs show {}` has all of it", self.run);
            self.output.diagnose_part(&failure.next(next).rendered());
            (self.voice, self.is_untold) = (Voice::Aside, true);
        }
    }

    /// Takes in what was called before anybody followed.
    pub fn recall(&mut self, thread: &Thread) {
        for (call, entry) in &thread.calls {
            let label = entry.card.as_ref().map_or_else(|| entry.call.tool.to_string(), |card| card::action(card));
            self.labels.insert(*call, label);
        }
    }

    pub fn output(&mut self) -> &mut Output {
        self.output
    }

    /// A line about the run, in the voice that speaks in lines.
    pub fn say(&mut self, line: &str) -> Result<(), Failure> {
        self.is_after_turn = false;
        let start = if std::mem::take(&mut self.is_mid_line) { "\n" } else { "" };
        self.write(&format!("{start}{line}\n"))
    }

    /// The whole of a request.
    pub fn card(&mut self, approval: &Approval) -> Result<(), Failure> {
        self.say(card::text(approval).trim_end())
    }

    pub fn run_object(&mut self, run: &Run) -> Result<(), Failure> {
        match self.voice {
            Voice::Json => {
                let written = self.output.json(&RunShape::of(run));
                self.told(written);
            }
            Voice::Text | Voice::Aside => {}
        }
        Ok(())
    }

    /// Something committed, already taken into the snapshot.
    pub fn hear(&mut self, envelope: &Envelope, snapshot: &Snapshot) -> Result<(), Failure> {
        if let Event::Run(event) = &envelope.event
            && envelope.stream == Stream::Run(self.run)
        {
            self.hear_run(event)?;
            self.hear_state(snapshot)?;
        }
        if let (Event::Approval(event), Stream::Approval(id)) = (&envelope.event, envelope.stream)
            && let Some(approval) = snapshot.approvals.get(&id)
            && snapshot.with_agents(self.run).contains(&approval.run)
        {
            self.hear_approval(event, approval)?;
        }
        Ok(())
    }

    /// A piece of a streaming answer.
    pub fn stream(&mut self, delta: &Delta) -> Result<(), Failure> {
        if delta.run != self.run {
            return Ok(());
        }
        match delta.kind {
            DeltaKind::Token { .. } if self.purpose == PurposeOfTurn::Act => {
                self.has_streamed = true;
                self.flow(&delta.text)
            }
            DeltaKind::Notice { .. } => self.say(&format!("({})", delta.text.visible())),
            DeltaKind::Token { .. } | DeltaKind::Output { .. } => Ok(()),
        }
    }

    fn flow(&mut self, text: &Untrusted) -> Result<(), Failure> {
        let lines: Vec<_> = text.raw().split('\n').map(visible_words).collect();
        // Texts of turns that follow each other are paragraphs.
        let gap = if std::mem::take(&mut self.is_after_turn) { "\n" } else { "" };
        let joined = format!("{gap}{}", lines.join("\n"));
        self.is_mid_line = !joined.ends_with('\n') && (self.is_mid_line || !joined.is_empty());
        self.write(&joined)
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        if self.voice == Voice::Text {
            let written = self.output.write(text);
            self.told(written);
        }
        // Also what has just found no other way.
        if self.voice == Voice::Aside {
            self.output.diagnose_part(text);
        }
        Ok(())
    }

    /// Ends the paragraph of a turn, if it said anything.
    fn end_paragraph(&mut self) -> Result<(), Failure> {
        let has_text = self.has_streamed || self.is_mid_line;
        if std::mem::take(&mut self.is_mid_line) {
            self.write("\n")?;
        }
        self.is_after_turn = has_text;
        Ok(())
    }

    fn hear_state(&mut self, snapshot: &Snapshot) -> Result<(), Failure> {
        let Some(run) = snapshot.runs.get(&self.run) else { return Ok(()) };
        if self.state.replace(run.state) == Some(run.state) {
            return Ok(());
        }
        // The state it stops in is told once, by what concludes.
        match run.state {
            RunState::Planning | RunState::Running => self.run_object(run),
            _ => Ok(()),
        }
    }

    fn hear_run(&mut self, event: &RunEvent) -> Result<(), Failure> {
        match event {
            RunEvent::Started { spec } => {
                self.say(&format!("run {}  {}: {}", self.run, visible(&spec.agent), spec.goal.visible()))?;
                let Some(workspace) = &spec.workspace else { return Ok(()) };
                let branch = workspace.branch.as_deref().map(|branch| format!(" on branch {}", visible(branch)));
                self.say(&format!("works in {}{}", visible(&workspace.root), branch.unwrap_or_default()))?;
                workspace.left_out.iter().try_for_each(|what| self.say(&format!("not there: {}", visible(what))))
            }
            RunEvent::PlanAdopted { plan } => self.plan(plan),
            RunEvent::TurnStarted { purpose, .. } => {
                self.purpose = *purpose;
                self.has_streamed = false;
                Ok(())
            }
            RunEvent::TurnFinished { reply, .. } => {
                self.turn(reply)?;
                self.end_paragraph()
            }
            RunEvent::TurnFailed { failure, .. } => {
                self.say(&format!("the model did not answer: {}", failure.message.visible()))
            }
            RunEvent::CallsRequested { calls } => {
                self.labels.extend(calls.iter().map(|call| (call.call, call.tool.to_string())));
                Ok(())
            }
            RunEvent::EffectStarted { call, card, .. } => {
                self.labels.insert(*call, card::action(card));
                Ok(())
            }
            RunEvent::CallSettled { call, result, .. } => self.settled(*call, result),
            RunEvent::CallDelegated { agent, .. } => {
                self.say(&format!("the agent {} begins, in a run of its own", visible(agent)))
            }
            RunEvent::DelegateEnded { run, state, .. } => self.say(&format!("run {} {state}", run.short())),
            RunEvent::SetAside {} => self.say("pre-empted: its program was told to stop"),
            RunEvent::Recovered { lost: _, left } => {
                self.say("resumed where its last worker stopped")?;
                let told = Some(left).filter(|left| !left.is_empty()).map(Untrusted::visible);
                told.map_or(Ok(()), |told| self.say(&told))
            }
            RunEvent::Resumed {} => self.say("goes on"),
            RunEvent::CancelRequested { .. } => self.say("is being cancelled"),
            RunEvent::StepMarked { .. }
            | RunEvent::CallParked { .. }
            | RunEvent::CallEdited { .. }
            | RunEvent::EffectInDoubt { .. }
            | RunEvent::LimitReached { .. }
            | RunEvent::Paused { .. }
            | RunEvent::Succeeded { .. }
            | RunEvent::Failed { .. }
            | RunEvent::Cancelled { .. } => Ok(()),
        }
    }

    fn plan(&mut self, plan: &Plan) -> Result<(), Failure> {
        self.say("plan:")?;
        plan.steps.iter().try_for_each(|step| self.say(&format!("  {}. {}", step.step, step.action.visible())))
    }

    /// An answer that another process streamed, or that came in one piece, is told when it is complete.
    fn turn(&mut self, reply: &ModelReply) -> Result<(), Failure> {
        if let Some(refusal) = &reply.refusal {
            self.say(&format!("the model refuses: {}", refusal.visible()))?;
        }
        if self.has_streamed || self.purpose == PurposeOfTurn::Plan || reply.text.raw().trim().is_empty() {
            return self.finish(reply.finish);
        }
        self.has_streamed = true;
        self.flow(&reply.text)?;
        self.finish(reply.finish)
    }

    /// What is missing from an answer, where something is.
    fn finish(&mut self, finish: FinishReason) -> Result<(), Failure> {
        match finish {
            FinishReason::Stop | FinishReason::ToolCalls => Ok(()),
            FinishReason::Length if self.purpose == PurposeOfTurn::Plan => {
                self.say("(the plan was cut at the output limit)")
            }
            FinishReason::Length => self.say("(cut at the output limit; the answer may be incomplete)"),
            FinishReason::Filtered => self.say("(stopped by the provider's filter)"),
        }
    }

    fn settled(&mut self, call: CallNo, result: &ToolResult) -> Result<(), Failure> {
        let label = self.labels.remove(&call).unwrap_or_default();
        if label != "finish" {
            self.last_failure = result.failure;
        }
        let label = if label.is_empty() { label } else { format!(" {label}") };
        self.say(&format!("{call}{label}: {}", outcome::of(result)))
    }

    fn hear_approval(&mut self, event: &ApprovalEvent, approval: &Approval) -> Result<(), Failure> {
        if self.voice == Voice::Json {
            let written = self.output.json(&ApprovalDetail::of(approval));
            self.told(written);
            return Ok(());
        }
        if matches!(event, ApprovalEvent::Requested { .. }) {
            return Ok(());
        }
        let by = approval.decided_by.as_ref().map(|by| format!(" by {}", visible(by.name()))).unwrap_or_default();
        let words = match approval.words.is_empty() {
            true => String::new(),
            false => format!(": {}", approval.words.visible()),
        };
        self.say(&format!("{} {}{by}{words}", card::headline(approval), approval.state))
    }
}

fn visible(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::capture;
    use crate::cli::sample;
    use crate::domain::{Actor, RequestedCall, RunSpec, ToolCall, ToolName};

    fn spec() -> RunSpec {
        RunSpec {
            goal: "fix\u{1b}[2J it".into(),
            agent: "dev".to_owned(),
            instructions: String::new(),
            tools: Vec::new(),
            class: Default::default(),
            workspace: None,
            procedure: Vec::new(),
            inputs: Default::default(),
            limits: Default::default(),
            policies: Vec::new(),
            rungs: Default::default(),
        }
    }

    fn reply(text: &str) -> ModelReply {
        ModelReply {
            model: "m".to_owned(),
            text: text.into(),
            refusal: None,
            calls: Vec::<RequestedCall>::new(),
            finish: crate::domain::FinishReason::Stop,
            usage: None,
            cost: None,
            carried: None,
        }
    }

    fn tell(voice: Voice, events: Vec<Event>, deltas: &[&str]) -> (String, String) {
        let (mut output, out, diagnostics) = capture::output();
        let mut snapshot = Snapshot::default();
        let mut progress = Progress::new(&mut output, voice, sample::run_id());
        for (index, event) in events.into_iter().enumerate() {
            let seq = index as u64 + 1;
            let stream = match matches!(event, Event::Approval(_)) {
                true => Stream::Approval(sample::approval_id()),
                false => Stream::Run(sample::run_id()),
            };
            let by = Actor::Agent("dev".to_owned());
            let envelope = Envelope { seq, stream, version: seq, at: sample::moment(), by, event };
            snapshot.apply(&envelope);
            progress.hear(&envelope, &snapshot).unwrap();
            if matches!(envelope.event, Event::Run(RunEvent::TurnStarted { .. })) {
                for text in deltas {
                    let kind = DeltaKind::Token { turn: 1 };
                    progress.stream(&Delta { run: sample::run_id(), kind, text: (*text).into() }).unwrap();
                }
            }
        }
        (out.text(), diagnostics.text())
    }

    fn story() -> Vec<Event> {
        let call = ToolCall {
            call: CallNo(1),
            provider_id: String::new(),
            tool: ToolName("git_push".to_owned()),
            args: serde_json::Value::Null,
            step: None,
            part: Default::default(),
        };
        vec![
            Event::Run(RunEvent::Started { spec: Box::new(spec()) }),
            Event::Run(RunEvent::TurnStarted { turn: 1, attempt: 1, purpose: PurposeOfTurn::Act }),
            Event::Run(RunEvent::TurnFinished { turn: 1, attempt: 1, reply: reply("I push\nnow") }),
            Event::Run(RunEvent::CallsRequested { calls: vec![call] }),
            Event::Run(RunEvent::CallSettled {
                call: CallNo(1),
                attempt: 0,
                result: ToolResult::failure(FailureKind::Denied, "not today"),
            }),
        ]
    }

    #[test]
    fn streamed_text_is_not_told_twice_and_calls_take_a_line_each() {
        let expected =
            format!("run {}  dev: fix␛[2J it\nI push\nnow\n#1 git_push: denied, not today\n", sample::run_id());
        assert_eq!(tell(Voice::Text, story(), &["I pu", "sh\nnow"]).0, expected);
        assert_eq!(tell(Voice::Text, story(), &[]).0, expected);
        assert_eq!(tell(Voice::Aside, story(), &["I push\nnow"]), (String::new(), expected));
    }

    #[test]
    fn each_turn_is_a_paragraph() {
        let turn = |turn| {
            let started = RunEvent::TurnStarted { turn, attempt: 1, purpose: PurposeOfTurn::Act };
            [started, RunEvent::TurnFinished { turn, attempt: 1, reply: reply("just words") }].map(Event::Run)
        };
        let events = || turn(1).into_iter().chain(turn(2)).collect();
        assert_eq!(tell(Voice::Text, events(), &["just ", "words"]).0, "just words\n\njust words\n");
        assert_eq!(tell(Voice::Text, events(), &[]).0, "just words\n\njust words\n");
    }

    #[test]
    fn an_answer_that_was_cut_is_said_to_be() {
        let cut = ModelReply { finish: FinishReason::Length, ..reply("half a wo") };
        let started = RunEvent::TurnStarted { turn: 1, attempt: 1, purpose: PurposeOfTurn::Act };
        let events = [started, RunEvent::TurnFinished { turn: 1, attempt: 1, reply: cut }].map(Event::Run);
        let expected = "half a wo\n(cut at the output limit; the answer may be incomplete)\n";
        assert_eq!(tell(Voice::Text, events.to_vec(), &["half ", "a wo"]).0, expected);
        assert_eq!(tell(Voice::Text, events.to_vec(), &[]).0, expected);
    }

    #[test]
    fn a_call_made_before_anybody_followed_has_its_name() {
        let (mut output, out, _) = capture::output();
        let mut progress = Progress::new(&mut output, Voice::Text, sample::run_id());
        let mut events = story();
        let Some(Event::Run(RunEvent::CallSettled { call, result, .. })) = events.pop() else { panic!() };
        let envelope = |(version, event)| Envelope {
            seq: version,
            stream: Stream::Run(sample::run_id()),
            version,
            at: sample::moment(),
            by: Actor::System,
            event,
        };
        let history: Vec<_> = (1..).zip(events).map(envelope).collect();
        progress.recall(&Thread::of(&history).unwrap());
        progress.settled(call, &result).unwrap();
        progress.settled(CallNo(9), &ToolResult::success("", Default::default())).unwrap();
        assert_eq!(out.text(), "#1 git_push: denied, not today\n#9: ok\n");
    }

    #[test]
    fn json_has_the_run_when_its_state_changes_and_each_request() {
        let ask = crate::domain::Ask::Effect { card: sample::push_card() };
        let mut events = story();
        events.push(Event::Approval(sample::requested(ask)));
        let (out, _) = tell(Voice::Json, events, &["ignored"]);
        let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["state"], "planning");
        assert_eq!(lines.last().unwrap()["targets"][0], "origin/fix-parser");
        assert!(lines.iter().all(|line| line.is_object()));
    }

    #[test]
    fn what_cannot_be_written_is_told_on_standard_error_and_the_command_fails() {
        for voice in [Voice::Text, Voice::Json] {
            let (mut output, diagnostics) = capture::full();
            let mut progress = Progress::new(&mut output, voice, sample::run_id());
            let mut snapshot = Snapshot::default();
            let started = RunEvent::Started { spec: Box::new(spec()) };
            let stream = Stream::Run(sample::run_id());
            let (at, by) = (sample::moment(), Actor::System);
            let envelope = Envelope { seq: 1, stream, version: 1, at, by, event: Event::Run(started) };
            snapshot.apply(&envelope);
            progress.hear(&envelope, &snapshot).unwrap();
            progress.say("more").unwrap();
            assert_eq!(progress.exit(Exit::Done), Exit::Failed);
            let told = diagnostics.text();
            assert_eq!(told.matches("standard output cannot be written").count(), 1, "{told}");
            assert!(told.ends_with("more\n"), "{told}");
        }
    }

    #[test]
    fn a_plan_is_not_streamed() {
        let mut events = story();
        events[1] = Event::Run(RunEvent::TurnStarted { turn: 1, attempt: 1, purpose: PurposeOfTurn::Plan });
        assert!(!tell(Voice::Text, events, &["{\"steps\":"]).0.contains("steps"));
    }
}

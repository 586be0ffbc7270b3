//! The steps of a procedure, read from its Markdown: a heading, and fenced blocks below it.
//!
//! One block says what the step does: ```` ```tool NAME ```` with the arguments as JSON or TOML inside, a script,
//! ```` ```sh ````, or a question to a person, ```` ```ask ````. A block that begins with `when` or `unless`, `verify` or
//! `rollback` says when the step is done, how to tell that it worked, and what undoes it. Blocks of other languages
//! are prose.

use std::ops::Range;

use serde_json::{Value, json};

use super::markdown::Part;
use super::scripts;
use super::serde_words::words;
use crate::domain::{
    Condition, DURATION_FORM, Fault, OnFailure, Patience, ProcedureStep, SourceText, StepCall, StepPart, Verify,
    nearest, parse_duration,
};

/// The tool that runs scripts, and the one that asks.
const SHELL: &str = "shell";
const ASK: &str = "ask_person";
/// The tool that a block for an agent calls.
pub(super) const AGENT: &str = "run_agent";

/// Seconds between the tries of a check that says only for how long it is tried.
const USUAL_PAUSE: u64 = 5;

/// Seconds that a check may be tried for.
const LONGEST: u64 = 24 * 60 * 60;

const ATTRIBUTES: [&str; 5] = ["approval", "every", "on_failure", "timeout", "within"];

/// A step, and where its blocks stand.
pub(super) struct Step {
    pub step: ProcedureStep,
    pub places: Vec<(StepPart, Range<usize>)>,
}

pub(super) fn steps(source: &SourceText, parts: Vec<Part>, faults: &mut Vec<Fault>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut open: Option<Draft> = None;
    for part in parts {
        match part {
            Part::Step { title, span } => {
                steps.extend(open.replace(Draft::new(title, span)).and_then(|draft| draft.close(source, faults)));
            }
            Part::Block { info, text, span, text_start } => {
                let Some(role) = Role::of(&info) else { continue };
                let block = Block { source, info: &info, text: &text, span: first_line(source, &span), text_start };
                match &mut open {
                    Some(draft) => {
                        if let Err(fault) = draft.take(&block, role) {
                            draft.is_broken = true;
                            faults.push(*fault);
                        }
                    }
                    None => faults.push(*block.fault("this block belongs to no step", "put a heading `## …` above it")),
                }
            }
        }
    }
    steps.extend(open.and_then(|draft| draft.close(source, faults)));
    unanswerable(source, &steps, faults);
    if steps.is_empty() && faults.is_empty() {
        let end = source.text.len();
        faults.push(Fault::new(source, end..end, "there are no steps").help("a step is a heading `## …` and a block"));
    }
    steps
}

/// Conditions on answers that nobody can give: no question before them has them among its choices.
fn unanswerable(source: &SourceText, steps: &[Step], faults: &mut Vec<Fault>) {
    let mut choices: Option<Vec<&str>> = None;
    for Step { step, places } in steps {
        if let Some(Condition::Answer(answers)) = &step.when {
            let place = places.iter().find(|(part, _)| *part == StepPart::When).map(|(_, span)| span.clone());
            let fault = |message: String| Fault::new(source, place.clone().unwrap_or_default(), message);
            match &choices {
                None => faults.push(fault("no question comes before this".to_owned()).help("ask with a block ```ask")),
                // Any words may be an answer.
                Some(choices) if choices.is_empty() => {}
                Some(choices) => {
                    let unknown = answers.iter().filter(|answer| !choices.contains(&answer.as_str()));
                    faults.extend(unknown.map(|answer| {
                        fault(format!("the question has no choice {answer:?}"))
                            .help(format!("its choices are: {}", choices.join("; ")))
                    }));
                }
            }
        }
        if step.act.tool.0 == ASK {
            choices =
                Some(step.act.args["choices"].as_array().into_iter().flatten().filter_map(Value::as_str).collect());
        }
    }
}

/// What a block is to its step.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Role(StepPart);

impl Role {
    /// `None` for prose.
    fn of(info: &str) -> Option<Self> {
        match info.split_whitespace().next()? {
            "tool" | "sh" | "ask" | "agent" => Some(Self(StepPart::Act)),
            "when" | "unless" => Some(Self(StepPart::When)),
            "verify" => Some(Self(StepPart::Verify)),
            "rollback" => Some(Self(StepPart::Rollback)),
            _ => None,
        }
    }
}

/// A step whose blocks are still being read.
struct Draft {
    title: String,
    span: Range<usize>,
    act: Option<(StepCall, OnFailure)>,
    when: Option<Condition>,
    verify: Option<Verify>,
    rollback: Option<StepCall>,
    places: Vec<(StepPart, Range<usize>)>,
    /// Something about it was found wrong already.
    is_broken: bool,
}

impl Draft {
    fn new(title: String, span: Range<usize>) -> Self {
        let (act, when, verify, rollback, places) = (None, None, None, None, Vec::new());
        Self { title, span, act, when, verify, rollback, places, is_broken: false }
    }

    fn take(&mut self, block: &Block<'_>, Role(part): Role) -> Result<(), Box<Fault>> {
        if self.places.iter().any(|(taken, _)| *taken == part) {
            return Err(match part {
                StepPart::Act => block.fault("this step has a second block", "give it its own heading `## …`"),
                StepPart::When | StepPart::Verify | StepPart::Rollback => {
                    block.fault(&format!("this step has a second {} block", part.name()), "keep one of them")
                }
            });
        }
        self.places.push((part, block.span.clone()));
        let words: Vec<_> = block.info.split_whitespace().collect();
        match part {
            StepPart::Act => {
                let (call, attributes) = block.call(&words, &["approval", "on_failure"])?;
                self.act = Some((call, attributes.on_failure));
            }
            StepPart::When if words.first() == Some(&"when") && words.get(1) == Some(&"answer") => {
                let answers: Vec<_> = block.text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                if answers.is_empty() {
                    return Err(block.fault("this condition names no answer", "write one answer a line"));
                }
                self.when = Some(Condition::Answer(answers.into_iter().map(str::to_owned).collect()));
            }
            StepPart::When => {
                let (call, _) = block.call(&words[1..], &[])?;
                let is_negative = words.first() == Some(&"unless");
                self.when = Some(if is_negative { Condition::Unless(call) } else { Condition::Call(call) });
            }
            StepPart::Verify => {
                let (call, attributes) = block.call(&words[1..], &["every", "within"])?;
                self.verify = Some(Verify { call, patience: attributes.patience(block)? });
            }
            StepPart::Rollback => self.rollback = Some(block.call(&words[1..], &["approval"])?.0),
        }
        Ok(())
    }

    fn close(self, source: &SourceText, faults: &mut Vec<Fault>) -> Option<Step> {
        let Self { title, span, act, when, verify, rollback, places, is_broken } = self;
        let Some((act, on_failure)) = act else {
            if !is_broken {
                let message = format!("the step {title:?} has no block that runs");
                let fault = Fault::new(source, first_line(source, &span), message);
                faults.push(fault.help("add ```tool NAME, ```sh or ```agent NAME; other languages are prose"));
            }
            return None;
        };
        Some(Step { step: ProcedureStep { title, act, on_failure, when, verify, rollback }, places })
    }
}

fn first_line(source: &SourceText, span: &Range<usize>) -> Range<usize> {
    let end = source.text[span.clone()].find('\n').map_or(span.end, |end| span.start + end);
    span.start..end
}

/// A block that runs, before it is understood.
struct Block<'a> {
    source: &'a SourceText,
    info: &'a str,
    text: &'a str,
    /// Its fence line.
    span: Range<usize>,
    /// Where its content begins in the file.
    text_start: usize,
}

#[derive(Default)]
struct Attributes {
    on_failure: OnFailure,
    needs_approval: bool,
    /// In seconds.
    timeout: Option<u64>,
    every: Option<u64>,
    within: Option<u64>,
}

impl Attributes {
    fn patience(&self, block: &Block<'_>) -> Result<Option<Patience>, Box<Fault>> {
        match (self.every, self.within) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(block.fault("every= without within=", "say for how long it is tried: within=2m")),
            (every, Some(within)) => {
                let every = every.unwrap_or(USUAL_PAUSE);
                if every == 0 || every.max(within) > LONGEST {
                    return Err(block.fault(
                        "a check is tried every 1s at most, and for a day at most",
                        "write every=5s within=2m",
                    ));
                }
                Ok(Some(Patience { every, within }))
            }
        }
    }
}

impl Block<'_> {
    /// The call that it writes, `words` being what stands after the fence without its role.
    fn call(&self, words: &[&str], allowed: &[&str]) -> Result<(StepCall, Attributes), Box<Fault>> {
        match words.first() {
            Some(&"sh") => {
                let allowed: Vec<_> = allowed.iter().copied().chain(["timeout"]).collect();
                let attributes = self.attributes(&words[1..], &allowed)?;
                if let Some(unsafe_use) = scripts::unsafe_use(self.text) {
                    let span = self.place_in_text(unsafe_use.at);
                    return Err(Box::new(Fault::new(self.source, span, unsafe_use.message).help(unsafe_use.help)));
                }
                let mut args = json!({ "argv": ["sh", "-c", self.text] });
                if let Some(seconds) = attributes.timeout {
                    args["timeout_seconds"] = seconds.into();
                }
                Ok((attributes.call(SHELL, args), attributes))
            }
            Some(&"ask") => {
                let attributes = self.attributes(&words[1..], &[])?;
                Ok((attributes.call(ASK, self.question()?), attributes))
            }
            Some(&"agent") => {
                // Only the step itself is an agent's: its blocks alone can go on after a failure.
                if !allowed.contains(&"on_failure") {
                    return Err(self.fault("an agent does not check or roll back a step", "write `sh` or `tool NAME`"));
                }
                let Some(agent) = words.get(1).filter(|agent| !agent.contains('=')) else {
                    return Err(self.fault("this block names no agent", "write ```agent NAME"));
                };
                let attributes = self.attributes(&words[2..], &["on_failure"])?;
                let goal = self.text.trim();
                if goal.is_empty() {
                    return Err(self.fault("this block says nothing", "write what the agent is to find out or to do"));
                }
                Ok((attributes.call(AGENT, json!({ "agent": agent, "goal": goal })), attributes))
            }
            Some(&"tool") => {
                let Some(tool) = words.get(1).filter(|tool| !tool.contains('=')) else {
                    return Err(self.fault("this block names no tool", "write ```tool NAME"));
                };
                if *tool == AGENT {
                    return Err(
                        self.fault("a step cannot call an agent as a tool", "write ```agent NAME, and the goal inside")
                    );
                }
                let attributes = self.attributes(&words[2..], allowed)?;
                let args = self.args()?;
                let argv = args["argv"].as_array().into_iter().flatten().filter_map(Value::as_str);
                if let Some(found) = argv.filter(|_| *tool == SHELL).find_map(scripts::unsafe_use) {
                    return Err(self.fault(&found.message, found.help));
                }
                Ok((attributes.call(tool, args), attributes))
            }
            _ => Err(self.fault("this block does not say what runs", "write `sh` or `tool NAME` after it")),
        }
    }

    fn attributes(&self, words: &[&str], allowed: &[&str]) -> Result<Attributes, Box<Fault>> {
        let mut read = Attributes::default();
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            if !allowed.contains(&name) {
                return Err(self.not_allowed(name, allowed));
            }
            match (name, value) {
                ("on_failure", "stop") => read.on_failure = OnFailure::Stop,
                ("on_failure", "continue") => read.on_failure = OnFailure::Continue,
                ("on_failure", _) => {
                    return Err(self.fault("on_failure is stop or continue", "stop is the default"));
                }
                ("approval", "always") => read.needs_approval = true,
                ("approval", _) => {
                    let help = "approval=always; without it, the policy decides whether a person is asked";
                    return Err(self.fault("approval can only be always", help));
                }
                ("every", text) => read.every = Some(self.seconds(text)?),
                ("within", text) => read.within = Some(self.seconds(text)?),
                (_, text) => read.timeout = Some(self.seconds(text)?),
            }
        }
        Ok(read)
    }

    fn not_allowed(&self, name: &str, allowed: &[&str]) -> Box<Fault> {
        if name == "timeout" {
            let help = "a tool that has a time limit takes it as an argument";
            return self.fault("only a script takes timeout=", help);
        }
        if ATTRIBUTES.contains(&name) {
            return self.fault(&format!("{name}= does not belong here"), &self.takes(allowed));
        }
        let help = match nearest(name, allowed.iter().copied()) {
            Some(close) => format!("did you mean `{close}=`?"),
            None => format!("{}; arguments stand inside", self.takes(allowed)),
        };
        self.fault(&format!("unknown attribute `{name}`"), &help)
    }

    fn takes(&self, allowed: &[&str]) -> String {
        match allowed {
            [] => "this block takes no attributes".to_owned(),
            some => format!(
                "this block takes {}",
                some.iter().map(|name| format!("{name}=")).collect::<Vec<_>>().join(" and ")
            ),
        }
    }

    fn seconds(&self, text: &str) -> Result<u64, Box<Fault>> {
        let time = parse_duration(text).map(|time| time.as_secs());
        time.ok_or_else(|| self.fault(&format!("{text:?} is not a time"), &format!("write {DURATION_FORM}")))
    }

    /// A question, and below it the answers to choose from, `- ` before each.
    fn question(&self) -> Result<Value, Box<Fault>> {
        let is_choice = |line: &&str| line.trim_start().starts_with("- ");
        let choices: Vec<_> = self.text.lines().filter(is_choice).map(|line| line.trim_start()[2..].trim()).collect();
        let question: Vec<_> = self.text.lines().filter(|line| !is_choice(line)).map(str::trim).collect();
        let question = question.join("\n").trim().to_owned();
        if question.is_empty() {
            return Err(self.fault("this block asks nothing", "write the question, and `- ` before each answer"));
        }
        let mut args = json!({ "question": question });
        if !choices.is_empty() {
            args["choices"] = choices.into();
        }
        Ok(args)
    }

    /// JSON when it begins with a brace, else TOML.
    fn args(&self) -> Result<Value, Box<Fault>> {
        let text = self.text.trim_start();
        let start = self.text_start + (self.text.len() - text.len());
        let wrong = |span: Range<usize>, form: &str, message: &str| {
            let words = words(message);
            let fault = Fault::new(self.source, span, format!("the arguments are not {form}: {}", words.message));
            Box::new(fault.help("write JSON, { \"key\": \"value\" }, or TOML, key = \"value\""))
        };
        if text.starts_with('{') {
            return serde_json::from_str(text).map_err(|error| {
                let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
                let at = start + before + error.column().saturating_sub(1);
                wrong(at..at + 1, "JSON", &error.to_string())
            });
        }
        toml::from_str::<toml::Table>(text)
            .map_err(|error| {
                let span = error.span().unwrap_or_default();
                wrong(start + span.start..start + span.end, "TOML", error.message())
            })
            .and_then(|table| {
                let whole = start..start + text.trim_end().len();
                serde_json::to_value(table).map_err(|error| wrong(whole, "TOML", &error.to_string()))
            })
    }

    /// A place in the block's content, as one in the file.
    fn place_in_text(&self, at: Range<usize>) -> Range<usize> {
        self.text_start + at.start..self.text_start + at.end
    }

    fn fault(&self, message: &str, help: &str) -> Box<Fault> {
        Box::new(Fault::new(self.source, self.span.clone(), message).help(help))
    }
}

impl Attributes {
    fn call(&self, tool: &str, args: Value) -> StepCall {
        StepCall { needs_approval: self.needs_approval, ..StepCall::new(tool, args) }
    }
}

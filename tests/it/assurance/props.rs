//! What the other processes work with: tools whose effects are made by a program of their own, a model that goes on
//! where it was, a policy. And the point at which such a process dies.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use morningai::domain::*;
use morningai::ports::*;
use morningai::runtime::{Parts, Role, Tools};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use super::process::die;
use crate::support::hooked::{Call, Hook};

/// Where another process can be lost. Each is passed a known number of times, in whatever order tasks happen to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Point {
    BeforeAppend,
    AfterAppend,
    BeforeClaim,
    AfterClaim,
    BeforeRelease,
    AfterRelease,
    DryRun,
    BeforeEffect,
    MiddleOfEffect,
    AfterEffect,
    BeforeCheck,
    BeforeModelCall,
    AfterModelCall,
    BeforeDecision,
    AfterDecision,
}

/// What happens at the fatal point, which is a place and the how-manieth time it is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    Survives,
    /// And writes down how often it passed each point.
    Counts,
    Dies(Point, u64),
    /// `SIGSTOP`: somebody else may wake it later.
    Stops(Point, u64),
}

/// Counts how often each place is passed, and ends the process at its fate.
pub struct Fatal {
    fate: Fate,
    passed: Mutex<BTreeMap<Point, u64>>,
}

impl Fatal {
    pub fn new(fate: Fate) -> Arc<Self> {
        Arc::new(Self { fate, passed: Mutex::default() })
    }

    pub fn pass(&self, point: Point) {
        let times = {
            let mut passed = self.passed.lock().unwrap();
            let times = passed.entry(point).or_default();
            *times += 1;
            *times
        };
        match self.fate {
            Fate::Dies(fatal, at) if (fatal, at) == (point, times) => die(),
            Fate::Stops(fatal, at) if (fatal, at) == (point, times) => {
                rustix::process::kill_process(rustix::process::getpid(), Signal::STOP).unwrap();
                // Another thread may be the one that takes the signal, and the stop reach this one a little later.
                std::thread::sleep(Duration::from_millis(500));
            }
            Fate::Survives | Fate::Counts | Fate::Dies(..) | Fate::Stops(..) => {}
        }
    }

    /// For who has all points to choose from.
    pub fn write_down_counts(&self, dir: &Path) {
        if self.fate == Fate::Counts {
            write_down(dir, "passed", &serde_json::to_string(&*self.passed.lock().unwrap()).unwrap());
        }
    }
}

/// How often each point was passed by a process whose fate was to count.
pub fn passed(dir: &Path) -> BTreeMap<Point, u64> {
    serde_json::from_str(&fs::read_to_string(dir.join("passed")).unwrap()).unwrap()
}

#[async_trait]
impl Hook for Arc<Fatal> {
    async fn before(&self, call: Call) -> Result<(), LogError> {
        match call {
            Call::Append => self.pass(Point::BeforeAppend),
            Call::Claim(_) => self.pass(Point::BeforeClaim),
            Call::Release => self.pass(Point::BeforeRelease),
            Call::PutBlob | Call::Read => {}
        }
        Ok(())
    }

    async fn after(&self, call: Call) {
        match call {
            Call::Append => self.pass(Point::AfterAppend),
            Call::Claim(_) => self.pass(Point::AfterClaim),
            Call::Release => self.pass(Point::AfterRelease),
            Call::PutBlob | Call::Read => {}
        }
    }
}

/// Effects as an independent program wrote them: a line each, the run and the number it was given.
pub fn effects(dir: &Path) -> Vec<String> {
    let text = fs::read_to_string(dir.join("effects")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A tool that has a shell append a line. The shell waits for our word, so that we can be lost while it is running.
struct ProgramTool {
    spec: ToolSpec,
    dir: PathBuf,
    fatal: Arc<Fatal>,
}

impl ProgramTool {
    fn line(run: RunId, args: &Value) -> String {
        format!("{run} {}", args["n"])
    }

    async fn make_the_effect(&self, line: &str) -> std::io::Result<bool> {
        let mut program = tokio::process::Command::new("sh")
            .args(["-c", "read go && echo \"$1\" >> \"$2\"", "sh", line])
            .arg(self.dir.join("effects"))
            .stdin(Stdio::piped())
            .spawn()?;
        self.fatal.pass(Point::MiddleOfEffect);
        if let Some(mut stdin) = program.stdin.take() {
            stdin.write_all(b"go\n").await?;
        }
        Ok(program.wait().await?.success())
    }
}

#[async_trait]
impl Tool for ProgramTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, _context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        self.fatal.pass(Point::DryRun);
        Ok(Prepared::Effect(Box::new(EffectCard {
            tool: self.spec.name.clone(),
            class: self.spec.class,
            repeat: self.spec.repeat,
            verb: "append".to_owned(),
            targets: vec!["effects".into()],
            environment: Environment::Workspace,
            risk: Risk::Low,
            reversible: Reversibility::Irreversible,
            payload: Payload::Arguments { args: args.clone() },
            facts: serde_json::Map::new(),
            confinement: String::new(),
            change: None,
        })))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        self.fatal.pass(Point::BeforeEffect);
        let done = self.make_the_effect(&Self::line(invocation.context.run, invocation.args)).await;
        self.fatal.pass(Point::AfterEffect);
        match done {
            Ok(true) => ToolResult::success("appended", Output::default()),
            other => ToolResult::failure(FailureKind::Failed, format!("{other:?}")),
        }
    }

    async fn check(&self, context: &ToolContext, card: &EffectCard) -> Checked {
        self.fatal.pass(Point::BeforeCheck);
        let Payload::Arguments { args } = &card.payload else { return Checked::Unknown };
        match effects(&self.dir).contains(&Self::line(context.run, args)) {
            true => Checked::Happened(Box::new(ToolResult::success("found it", Output::default()))),
            false => Checked::DidNotHappen,
        }
    }
}

/// Ends the run, or asks the person.
struct WordTool {
    spec: ToolSpec,
}

#[async_trait]
impl Tool for WordTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, _context: &ToolContext, _args: &Value) -> Result<Prepared, ToolResult> {
        Ok(match self.spec.name.0.as_str() {
            "finish" => Prepared::Finish { summary: "done".into(), outcome: FinishOutcome::Succeeded },
            _ => Prepared::Question { text: "which?".into(), choices: Vec::new() },
        })
    }

    async fn perform(&self, _invocation: Invocation<'_>) -> ToolResult {
        ToolResult::failure(FailureKind::Failed, "never performed")
    }
}

/// Answers by how far the conversation is, which the log knows: it goes on in another process where it was.
struct ScriptModel {
    turns: Vec<Vec<(String, u32)>>,
    fatal: Arc<Fatal>,
}

#[async_trait]
impl Model for ScriptModel {
    async fn complete(
        &self,
        request: ModelRequest,
        _deltas: &dyn DeltaSink,
        _cancel: CancellationToken,
    ) -> Result<ModelReply, ModelFailure> {
        self.fatal.pass(Point::BeforeModelCall);
        let calls = match request.shape {
            OutputShape::Json { .. } => Vec::new(),
            OutputShape::Free => {
                let said =
                    |message: &&Message| matches!(message, Message::Assistant { calls, .. } if !calls.is_empty());
                let turn = request.messages.iter().filter(said).count();
                self.turns.get(turn).cloned().unwrap_or_else(|| vec![("finish".to_owned(), 0)])
            }
        };
        self.fatal.pass(Point::AfterModelCall);
        let call = |(tool, number): (String, u32)| RequestedCall {
            provider_id: format!("id-{number}"),
            tool,
            args: json!({ "n": number }),
        };
        Ok(ModelReply {
            model: "script/model".to_owned(),
            text: "words".into(),
            refusal: None,
            calls: calls.into_iter().map(call).collect(),
            finish: FinishReason::ToolCalls,
            usage: None,
            cost: None,
            carried: None,
        })
    }

    fn is_configured(&self) -> bool {
        true
    }
}

/// What leaves asks; the rest runs.
struct ByClass;

impl Judge for ByClass {
    fn judge(&self, _spec: &RunSpec, card: &EffectCard) -> Verdict {
        let (rule, reason) = ("rule".to_owned(), "because".to_owned());
        match card.class {
            EffectClass::External => Verdict::Ask { rule, reason, expires_after: 3600 },
            _ => Verdict::Run { rule, reason },
        }
    }
}

/// The tools: each kind of promise, free to run and asking first.
pub const TOOLS: &[(&str, EffectClass, Repeat)] = &[
    ("repeatable", EffectClass::Workspace, Repeat::Repeatable),
    ("checkable", EffectClass::Workspace, Repeat::Checkable),
    ("once", EffectClass::Workspace, Repeat::Once),
    ("ask_repeatable", EffectClass::External, Repeat::Repeatable),
    ("ask_checkable", EffectClass::External, Repeat::Checkable),
    ("ask_once", EffectClass::External, Repeat::Once),
];

/// The parts of a runtime in another process.
pub fn parts(
    log: Arc<dyn Log>,
    dir: &Path,
    fatal: &Arc<Fatal>,
    turns: Vec<Vec<(String, u32)>>,
    clock: Arc<dyn Clock>,
    role: Role,
) -> Parts {
    let spec = |name: &str, class, repeat| ToolSpec {
        name: ToolName(name.to_owned()),
        description: String::new(),
        parameters: json!({ "type": "object" }),
        class,
        repeat,
    };
    let mut tools = Tools::new();
    for (name, class, repeat) in TOOLS {
        let spec = spec(name, *class, *repeat);
        let tool = ProgramTool { spec: spec.clone(), dir: dir.to_owned(), fatal: fatal.clone() };
        tools.insert(spec.name, Arc::new(tool));
    }
    for name in ["finish", "question"] {
        let spec = spec(name, EffectClass::Converse, Repeat::Repeatable);
        tools.insert(spec.name.clone(), Arc::new(WordTool { spec }));
    }
    let model = Arc::new(ScriptModel { turns, fatal: fatal.clone() });
    Parts { log, model, tools, judge: Arc::new(ByClass), clock, role, starter: None, redactor: Default::default() }
}

/// Adds a line to a file that outlives this process.
pub fn write_down(dir: &Path, file: &str, line: &str) {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(dir.join(file)).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

//! Procedures: Markdown whose `##` headings are steps, each with one fenced block that runs. They need no model.
//!
//! A block is a tool call, ```` ```tool NAME ```` with its arguments as JSON or TOML inside, or a script,
//! ```` ```sh ````. After that may stand `on_failure=continue` and, for a script, `timeout=30s`. Blocks of other
//! languages are prose.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::agents::tool_hint;
use super::library::Library;
use super::markdown::Part;
use super::serde_words::words;
use super::{front_matter, markdown};
use crate::domain::{
    DURATION_FORM, Fault, Faults, Matching, OnFailure, ProcedureStep, SourceText, ToolName, nearest, parse_duration,
};

const BUNDLED: &[(&str, &str)] = &[
    ("check-this-machine", include_str!("../../assets/procedures/check-this-machine.md")),
    ("disk-filling", include_str!("../../assets/procedures/disk-filling.md")),
    ("lift-silences", include_str!("../../assets/procedures/lift-silences.md")),
    ("memory-leak", include_str!("../../assets/procedures/memory-leak.md")),
    ("runaway-process", include_str!("../../assets/procedures/runaway-process.md")),
    ("silence-alerts", include_str!("../../assets/procedures/silence-alerts.md")),
];

/// The tool that runs scripts.
const SHELL: &str = "shell";

/// A procedure as its file describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Procedure {
    pub name: String,
    /// One line for lists.
    pub description: String,
    pub needs: Needs,
    /// The alerts that it is a runbook for.
    pub matching: Matching,
    pub steps: Vec<ProcedureStep>,
    pub source: SourceText,
    /// Where each step's block stands.
    spans: Vec<Range<usize>>,
}

/// The workspace a procedure works in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// An empty directory of its own.
    #[default]
    Scratch,
    /// A worktree of a git repository.
    Repository,
    None,
}

/// All procedures.
pub type Procedures = Library<Procedure>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Matter {
    name: String,
    description: String,
    #[serde(default)]
    needs: Needs,
    #[serde(default, rename = "match")]
    matching: Matching,
}

impl Procedures {
    /// The bundled procedures and those of a directory, usually `Paths::procedures_dir`.
    pub fn load(dir: Option<&Path>) -> Self {
        Self::stock("procedure", BUNDLED, dir, Procedure::read)
    }
}

impl Procedure {
    /// Reads a procedure's file; `name` is what the file is called.
    pub fn read(source: &SourceText, name: &str) -> Result<Self, Faults> {
        let parts = front_matter::split(source)?;
        let matter: Matter = front_matter::read(source, &parts)?;
        let mut faults = Vec::new();
        if matter.name != name {
            let message = format!("the file is called `{name}`, its procedure `{}`", matter.name);
            let span = front_matter::key_span(source, &parts, "name");
            faults.push(Fault::new(source, span, message).help("give both the same name"));
        }
        let body = &source.text[parts.body.clone()];
        let (steps, spans) = steps(source, markdown::parts(body, parts.body.start), &mut faults).into_iter().unzip();
        Faults::none_in(faults)?;
        let Matter { name, description, needs, matching } = matter;
        Ok(Self { name, description, needs, matching, steps, source: source.clone(), spans })
    }

    /// Reads a file that is on no shelf: its name is the file's own.
    pub fn read_file(path: &Path) -> Result<Self, Faults> {
        let shown = path.display().to_string();
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let bytes = std::fs::read(path).map_err(|error| {
            let source = SourceText::new(shown.clone(), "");
            Fault::new(&source, 0..0, format!("it cannot be read: {error}")).help("check the path and its permissions")
        })?;
        Self::read(&SourceText::written(shown, bytes)?, &name)
    }

    /// Whether all its tools exist.
    pub fn check_tools(&self, known: &[&str]) -> Result<(), Faults> {
        let calls = self.steps.iter().zip(&self.spans);
        let unknown = calls.filter(|(step, _)| !known.contains(&step.tool.0.as_str()));
        let faults = unknown.map(|(step, span)| {
            let message = format!("there is no tool `{}`", step.tool);
            Fault::new(&self.source, span.clone(), message).help(tool_hint(&step.tool.0, known))
        });
        Faults::none_in(faults.collect())
    }
}

type Step = (ProcedureStep, Range<usize>);

fn steps(source: &SourceText, parts: Vec<Part>, faults: &mut Vec<Fault>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut waiting: Option<(String, Range<usize>)> = None;
    let mut seen_heading = false;
    for part in parts {
        match part {
            Part::Step { title, span } => {
                faults.extend(waiting.take().map(|step| without_block(source, step)));
                seen_heading = true;
                waiting = Some((title, span));
            }
            Part::Block { info, text, span, text_start } if runs(&info) => {
                let Some((title, _)) = waiting.take() else {
                    let (message, help) = if seen_heading {
                        ("this step has a second block", "give it its own heading `## …`")
                    } else {
                        ("this block belongs to no step", "put a heading `## …` above it")
                    };
                    faults.push(Fault::new(source, first_line(source, &span), message).help(help));
                    continue;
                };
                let block = Block { source, info: &info, text: &text, span: first_line(source, &span), text_start };
                match block.step(title) {
                    Ok(step) => steps.push((step, block.span)),
                    Err(fault) => faults.push(*fault),
                }
            }
            Part::Block { .. } => {}
        }
    }
    faults.extend(waiting.map(|step| without_block(source, step)));
    if steps.is_empty() && faults.is_empty() {
        let end = source.text.len();
        faults.push(Fault::new(source, end..end, "there are no steps").help("a step is a heading `## …` and a block"));
    }
    steps
}

fn runs(info: &str) -> bool {
    matches!(info.split_whitespace().next(), Some("tool" | "sh"))
}

fn without_block(source: &SourceText, (title, span): (String, Range<usize>)) -> Fault {
    let message = format!("the step {title:?} has no block that runs");
    Fault::new(source, first_line(source, &span), message).help("add ```tool NAME or ```sh; other languages are prose")
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

type Attributes = (OnFailure, Option<u64>);

impl Block<'_> {
    fn step(&self, title: String) -> Result<ProcedureStep, Box<Fault>> {
        let mut words = self.info.split_whitespace();
        if words.next() == Some("sh") {
            let (on_failure, timeout) = self.attributes(words)?;
            let mut args = json!({ "argv": ["sh", "-c", self.text] });
            if let Some(seconds) = timeout {
                args["timeout_seconds"] = seconds.into();
            }
            return Ok(ProcedureStep { title, tool: ToolName(SHELL.to_owned()), args, on_failure });
        }
        let Some(tool) = words.next().filter(|tool| !tool.contains('=')) else {
            return Err(self.fault("this block names no tool", "write ```tool NAME"));
        };
        let (on_failure, timeout) = self.attributes(words)?;
        if timeout.is_some() {
            return Err(
                self.fault("only a script takes timeout=", "a tool that has a time limit takes it as an argument")
            );
        }
        Ok(ProcedureStep { title, tool: ToolName(tool.to_owned()), args: self.args()?, on_failure })
    }

    fn attributes<'a>(&self, words: impl Iterator<Item = &'a str>) -> Result<Attributes, Box<Fault>> {
        let mut read = (OnFailure::Stop, None);
        for word in words {
            match word.split_once('=') {
                Some(("on_failure", "stop")) => read.0 = OnFailure::Stop,
                Some(("on_failure", "continue")) => read.0 = OnFailure::Continue,
                Some(("on_failure", _)) => {
                    return Err(self.fault("on_failure is stop or continue", "stop is the default"));
                }
                Some(("timeout", text)) => match parse_duration(text) {
                    Some(time) => read.1 = Some(time.as_secs()),
                    None => {
                        return Err(self.fault(&format!("{text:?} is not a time"), &format!("write {DURATION_FORM}")));
                    }
                },
                other => {
                    let name = other.map_or(word, |(name, _)| name);
                    let help = match nearest(name, ["on_failure", "timeout"]) {
                        Some(close) => format!("did you mean `{close}=`?"),
                        None => "a block takes on_failure= and timeout=; arguments stand inside".to_owned(),
                    };
                    return Err(self.fault(&format!("unknown attribute `{name}`"), &help));
                }
            }
        }
        Ok(read)
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

    fn fault(&self, message: &str, help: &str) -> Box<Fault> {
        Box::new(Fault::new(self.source, self.span.clone(), message).help(help))
    }
}

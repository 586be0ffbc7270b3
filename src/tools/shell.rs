//! The tool `shell`: runs a program by its arguments, confined to the workspace. No shell interprets them unless
//! the program is one, and then the card says that it cannot be inspected.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::process::confined;
use super::process::confined::Plan;
use super::sandbox::Sandbox;
use super::workspace::Before;
use super::{args, cards};
use crate::domain::{EffectClass, RUN_THEIR_ARGUMENTS, Repeat, Reversibility, Risk, ToolResult, ToolSpec, Untrusted};
use crate::ports::{Invocation, Prepared, Tool, ToolContext};

/// Longest a call may ask for, and what it gets when it does not ask.
const LONGEST_SECONDS: u64 = 3_600;
const USUAL_SECONDS: u64 = 120;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The program and its arguments, one per item, e.g. ["cargo", "build"]. No shell expands them: no pipes, no
    /// globs, no variables.
    argv: Vec<String>,
    /// Directory to run in, relative to the workspace; the workspace itself when left out.
    cwd: Option<String>,
    /// Seconds after which it is stopped; 120 when left out, 3600 at most.
    #[schemars(range(min = 1))]
    timeout_seconds: Option<u64>,
}

/// Runs any program, where only the workspace can be changed and no network exists.
pub struct Shell {
    spec: ToolSpec,
    sandbox: Arc<Sandbox>,
}

impl Shell {
    pub fn new(sandbox: Arc<Sandbox>) -> Self {
        // Repeatable, because all it can change is the workspace, which belongs to this run alone: running it a
        // second time does what a person does who presses the up arrow. Nothing outside sees it twice.
        let spec = args::spec::<Args>(
            "shell",
            EffectClass::Workspace,
            Repeat::Repeatable,
            "Runs a program in the workspace, without network: builds, formatters, scripts, one-off inspections. Only \
             the workspace can be changed. Use run_tests for tests and the git tools for git.",
        );
        Self { spec, sandbox }
    }
}

#[async_trait]
impl Tool for Shell {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let Args { argv, cwd, timeout_seconds } = args::parse(&self.spec, args)?;
        if argv.first().is_none_or(String::is_empty) {
            return Err(args::bad_call(&self.spec, "\"argv\" must begin with a program"));
        }
        if argv.iter().any(|word| word.contains('\0')) {
            return Err(args::bad_call(&self.spec, "\"argv\" must not contain NUL characters"));
        }
        let cwd = confined::inside(confined::workspace(context)?, cwd.as_deref().unwrap_or("."))?;
        if !cwd.is_dir() {
            return Err(args::bad_call(&self.spec, "\"cwd\" must be a directory"));
        }
        let timeout_seconds = timeout_seconds.unwrap_or(USUAL_SECONDS).min(LONGEST_SECONDS);
        let env = context.inputs.iter().map(|(name, value)| format!("{name}={}", value.raw())).collect();
        let plan = Plan { argv, cwd, env, timeout_seconds };
        let mut card = confined::card(&self.sandbox, &self.spec, context, &plan).await?;
        if is_uninspectable(&plan.argv) {
            card.risk = Risk::Medium;
            card.reversible = Reversibility::Unknown;
            cards::fact(&mut card, "uninspectable", true);
        }
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        confined::perform(&self.sandbox, &invocation, invocation.output).await.into_result()
    }

    async fn clear_up(&self, context: &ToolContext) -> Option<Untrusted> {
        Before::of_run(context)?.sweep().await.told().map(Untrusted::new)
    }
}

/// Interpreters, and the options after which their argument is code.
const INTERPRETERS_WITH_OPTION: &[(&str, &[&str])] = &[
    ("bun", &["-e", "--eval", "-p", "--print"]),
    ("deno", &["eval"]),
    ("find", &["-exec", "-execdir", "-ok", "-okdir", "-delete"]),
    ("git", &["-c", "--config-env", "--exec-path"]),
    ("lua", &["-e"]),
    ("node", &["-e", "--eval", "-p", "--print", "-pe"]),
    ("nodejs", &["-e", "--eval", "-p", "--print", "-pe"]),
    ("npm", &["exec", "x", "-c", "--call"]),
    ("npx", &["-c", "--call"]),
    ("perl", &["-e", "-E"]),
    ("php", &["-r"]),
    ("pypy", &["-c"]),
    ("python", &["-c"]),
    ("ruby", &["-e"]),
    ("sed", &["-e", "--expression"]),
];

/// Whether what would happen cannot be told from the arguments, even by somebody who knows all of the programs. A
/// script or a build file of the workspace is not meant: it can be read. This is advice for the reader of a card;
/// protection is the sandbox.
fn is_uninspectable(argv: &[String]) -> bool {
    let program = Path::new(&argv[0]).file_name().unwrap_or_default().to_string_lossy();
    // `python3.12` and `perl5.36` are who they are.
    let family = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if RUN_THEIR_ARGUMENTS.contains(&family) {
        return true;
    }
    let options = INTERPRETERS_WITH_OPTION.iter().find(|(name, _)| *name == family).map(|(_, options)| *options);
    let Some(options) = options else { return false };
    argv[1..].iter().any(|word| options.iter().any(|option| is_option(word, option)))
}

/// Whether `word` is `option`, also with its value attached (`-cprint(1)`, `--eval=1`) or, for single letters,
/// bundled with others (`-ne`).
fn is_option(word: &str, option: &str) -> bool {
    let single = option.strip_prefix('-').filter(|rest| rest.len() == 1);
    match single {
        Some(letter) => word.starts_with('-') && !word.starts_with("--") && word.contains(letter),
        None => word == option || word.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uninspectable(line: &str) -> bool {
        is_uninspectable(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn code_in_an_argument_cannot_be_inspected() {
        for line in [
            "sh -c ls",
            "/bin/bash script.sh",
            "python3.12 -c print(1)",
            "python -Ic x",
            "perl -pe s/a/b/ f",
            "node --eval=1",
            "env A=1 cargo test",
            "xargs rm",
            "sudo ls",
            "find . -delete",
            "/usr/bin/awk x",
        ] {
            assert!(uninspectable(line), "{line}");
        }
    }

    #[test]
    fn a_program_with_plain_arguments_can() {
        for line in ["cargo build", "python3 tool.py -v", "node build.js", "make test", "find . -name x", "ls -c"] {
            assert!(!uninspectable(line), "{line}");
        }
    }
}

//! The tool `shell`: runs a program by its arguments, confined to the workspace; a step of a procedure that is run for a
//! host of the configuration runs on that host. No shell interprets them unless the program is one, and then the card
//! says that it cannot be inspected.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::process::confined;
use super::process::confined::Plan;
use super::remote::{Hosts, Machine, NamedHost, Ran};
use super::sandbox::Sandbox;
use super::workspace::Before;
use super::{args, cards};
use crate::domain::{
    EffectCard, EffectClass, FailureKind, Payload, RUN_THEIR_ARGUMENTS, Repeat, Reversibility, Risk, ToolResult,
    ToolSpec, Untrusted,
};
use crate::ports::{Caller, Invocation, Prepared, Tool, ToolContext};

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
    hosts: Hosts,
}

impl Shell {
    pub fn new(sandbox: Arc<Sandbox>, hosts: Hosts) -> Self {
        // Repeatable, because all it can change is the workspace, which belongs to this run alone: running it a
        // second time does what a person does who presses the up arrow. Nothing outside sees it twice.
        let spec = args::spec::<Args>(
            "shell",
            EffectClass::Workspace,
            Repeat::Repeatable,
            "Runs a program in the workspace, without network: builds, formatters, scripts, one-off inspections. Only \
             the workspace can be changed, and it is on this machine, whichever one an alert is about. Use run_tests \
             for tests and the git tools for git.",
        );
        Self { spec, sandbox, hosts }
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
        let timeout_seconds = timeout_seconds.unwrap_or(USUAL_SECONDS).min(LONGEST_SECONDS);
        if let Some(host) = self.host(context)? {
            if cwd.is_some() {
                return Err(args::bad_call(&self.spec, "\"cwd\" is a directory of the workspace, which is not there"));
            }
            return Ok(Prepared::Effect(Box::new(over_ssh(&self.spec, &host, context, argv, timeout_seconds))));
        }
        let cwd = confined::inside(confined::workspace(context)?, cwd.as_deref().unwrap_or("."))?;
        if !cwd.is_dir() {
            return Err(args::bad_call(&self.spec, "\"cwd\" must be a directory"));
        }
        let env = variables(context);
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
        match self.host(invocation.context) {
            Ok(None) => confined::perform(&self.sandbox, &invocation, invocation.output).await.into_result(),
            Ok(Some(host)) => perform_over_ssh(&host, &invocation).await,
            Err(refusal) => refusal,
        }
    }

    async fn clear_up(&self, context: &ToolContext) -> Option<Untrusted> {
        Before::of_run(context)?.sweep().await.told().map(Untrusted::new)
    }
}

impl Shell {
    /// The host that a program runs on, where that is not this machine: only for scripts that a person wrote into a
    /// procedure. What an agent thinks of never leaves the sandbox. An alert about a machine that nobody configured is
    /// looked into in the sandbox, too, which changes nothing.
    fn host(&self, context: &ToolContext) -> Result<Option<NamedHost>, ToolResult> {
        if context.caller == Caller::Agent {
            return Ok(None);
        }
        match self.hosts.known(context)? {
            Some(Machine::Host(host)) => Ok(Some(host)),
            Some(Machine::Here) | None => Ok(None),
        }
    }
}

fn variables(context: &ToolContext) -> Vec<String> {
    context.inputs.iter().map(|(name, value)| format!("{name}={}", value.raw())).collect()
}

/// The card of a program on another host, which nothing confines.
fn over_ssh(
    spec: &ToolSpec,
    host: &NamedHost,
    context: &ToolContext,
    argv: Vec<String>,
    timeout_seconds: u64,
) -> EffectCard {
    let outside = |words: &[String]| words.iter().map(Untrusted::new).collect();
    let payload = Payload::Exec { argv: outside(&argv), cwd: "~".into(), env: outside(&variables(context)) };
    let target = Untrusted::new(confined::command_line(&argv));
    let mut card = cards::change(spec, "run", vec![target], payload);
    card.risk = Risk::High;
    card.reversible = Reversibility::Unknown;
    host.mark(&mut card);
    let program = Path::new(&argv[0]).file_name().unwrap_or_default().to_string_lossy();
    cards::fact(&mut card, "program", program.as_ref());
    cards::fact(&mut card, "timeout_seconds", timeout_seconds);
    if is_uninspectable(&argv) {
        cards::fact(&mut card, "uninspectable", true);
    }
    let notice = format!("no sandbox there: it may do everything that the user of {} may", host.destination);
    cards::notice(&mut card, Some(notice));
    card
}

/// Runs what the card says, on the host that it says.
async fn perform_over_ssh(host: &NamedHost, invocation: &Invocation<'_>) -> ToolResult {
    let (card, context) = (invocation.card, invocation.context);
    let Payload::Exec { argv, .. } = &card.payload else { return host.is_another() };
    if !host.is_on(card) {
        return host.is_another();
    }
    let argv: Vec<_> = argv.iter().map(|word| word.raw().to_owned()).collect();
    let seconds = card.facts.get("timeout_seconds").and_then(Value::as_u64).unwrap_or(USUAL_SECONDS);
    match host.run(&argv, context, seconds, invocation.output, &invocation.cancel).await {
        Ok(Ran { code, output }) => {
            let mut result = ToolResult::success(format!("exit {code} on {}", host.name), output);
            result.failure = (code != 0).then_some(FailureKind::Failed);
            result
        }
        Err(result) => result,
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
    use crate::domain::{CallNo, Environment, RunId, Workspace};
    use crate::tools::remote::Unheard;
    use crate::tools::sandbox::SandboxSettings;

    fn uninspectable(line: &str) -> bool {
        is_uninspectable(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[tokio::test]
    async fn only_a_procedure_leaves_the_sandbox_for_another_host() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: root.path().display().to_string(), ..Workspace::default() };
        // With this helper nothing can be confined.
        let settings = SandboxSettings { helper: Some("/bin/false".into()), ..SandboxSettings::default() };
        let host = NamedHost { name: "web3".to_owned(), destination: "web3".to_owned(), instances: Vec::new() };
        let shell = Shell::new(Arc::new(Sandbox::detect(settings)), Hosts::new(vec![host]));
        let args = serde_json::json!({ "argv": ["uptime"] });
        for (input, value) in [("LABEL_instance", "web3:9100"), ("HOST", "web3")] {
            let context = |caller| ToolContext {
                run: RunId(uuid::Uuid::nil()),
                agent: "ops".to_owned(),
                caller,
                workspace: Some(workspace.clone()),
                inputs: [(input.to_owned(), value.into())].into(),
            };
            let refused = shell.prepare(&context(Caller::Agent), &args).await.unwrap_err();
            assert_eq!(refused.failure, Some(FailureKind::Unconfined), "{refused:?}");
            let prepared = shell.prepare(&context(Caller::Procedure), &args).await.unwrap();
            let Prepared::Effect(card) = prepared else { panic!("{prepared:?}") };
            assert_eq!((card.class, card.environment), (EffectClass::External, Environment::Remote));

            let (context, sink) = (context(Caller::Agent), Unheard);
            let cancel = tokio_util::sync::CancellationToken::new();
            let call = CallNo(1);
            let invocation = Invocation { context: &context, call, args: &args, card: &card, output: &sink, cancel };
            let refused = shell.perform(invocation).await;
            assert_eq!(refused.failure, Some(FailureKind::Unconfined), "approved for a procedure: {refused:?}");
        }
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

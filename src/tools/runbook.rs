//! `propose_runbook`: writes a runbook among the user's own, after approval. The card shows what changes in the runbook
//! that is used now, and nothing that a check finds fault with is asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{args, cards, files};
use crate::domain::{
    EffectCard, EffectClass, Environment, FailureKind, Faults, Output, Payload, Repeat, Reversibility, Risk,
    ToolResult, ToolSpec, Untrusted, Workspace,
};
use crate::ports::{Checked, Invocation, Prepared, Tool, ToolContext};

/// The inputs of a run that says which runbook helped, and with which alerts.
const HELPED: &str = "RUNBOOK";
const LABELS: &str = "ALERT_LABELS";

/// Bytes of a runbook, and of its name.
const LONGEST: usize = 64 * 1024;
const LONGEST_NAME: usize = 64;

/// What is wrong with a runbook of this name and text; without, which alerts it is for.
pub type Lint = dyn Fn(&str, &str) -> Result<String, Faults> + Send + Sync;

/// Where the user's runbooks are, and what is known of runbooks.
#[derive(Clone)]
pub struct Shelf {
    /// Its absolute path. It need not exist.
    pub directory: PathBuf,
    pub lint: Arc<Lint>,
    /// The text of the bundled runbook of this name.
    pub bundled: fn(&str) -> Option<&'static str>,
    /// The text of a runbook of this name and text that also matches alerts with these labels.
    pub widened: fn(&str, &str, &BTreeMap<String, String>) -> Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// Its name in lower-case letters, digits and hyphens. One that exists is replaced.
    name: Option<String>,
    /// The whole file: front matter with `name`, `description` and `match`, then a `##` heading for each step, with what
    /// the step does in a fenced block.
    text: Option<String>,
}

/// Writes a runbook.
pub struct ProposeRunbook {
    spec: ToolSpec,
    shelf: Option<Shelf>,
}

/// What would be written, and where.
struct Plan {
    card: EffectCard,
    /// The file system as the file tools take it: as a workspace.
    root: ToolContext,
    path: String,
    text: Vec<u8>,
}

impl ProposeRunbook {
    pub fn new(shelf: Option<Shelf>) -> Self {
        let about = "Proposes a runbook for alerts like these: a new one, or a better version of one that there is. A person \
                     sees the difference and decides. Scripts take labels only as \"$LABEL_name\", and the last step that \
                     changes something has a verify block.";
        Self { spec: args::spec::<Args>("propose_runbook", EffectClass::Host, Repeat::Checkable, about), shelf }
    }

    async fn plan(&self, context: &ToolContext, args: &Value) -> Result<Plan, ToolResult> {
        let Args { name, text } = args::parse(&self.spec, args)?;
        let helped = context.inputs.get(HELPED).map(|name| name.raw().to_owned());
        let failed = |summary: String| ToolResult::failure(FailureKind::Failed, summary);
        let shelf = self.shelf.as_ref().ok_or_else(|| failed("there is no directory for runbooks".to_owned()))?;
        let (name, text) = match (name, text, helped) {
            (Some(name), Some(text), _) => (name, text),
            (None, None, Some(name)) => {
                let text = shelf.widened(&name, context).await?;
                (name, text)
            }
            _ => return Err(args::bad_call(&self.spec, "give both the \"name\" and the \"text\" of the runbook")),
        };
        check_form(&name, &text).map_err(|problem| args::bad_call(&self.spec, &problem))?;
        let alerts = (shelf.lint)(&name, &text).map_err(|faults| self.faulty(&faults))?;
        let path = shelf.directory.join(format!("{name}.md"));
        let path = path
            .to_str()
            .ok_or_else(|| failed("the directory for runbooks has a name that is not UTF-8".to_owned()))?;
        let root = whole_machine(context);
        let written = text.clone().into_bytes();
        let card = files::plan_content(&self.spec, "write", &root, path, written.clone()).await?;
        let Payload::Patch { path: place, before, diff } = &card.payload else {
            return Err(failed(format!("{path} cannot be written")));
        };
        // A link as the last part of the path would lead out of the directory.
        if files::check_path(&root, path)? != Path::new(place.raw()) {
            let summary = format!("{path} is a symbolic link; nothing was written");
            return Err(ToolResult::failure(FailureKind::Refused, summary));
        }
        if diff.is_empty() && !before.is_empty() {
            return Err(failed(format!("the runbook {name} reads like this already")));
        }
        let bundled = (shelf.bundled)(&name).filter(|_| before.is_empty());
        let card = asked(&card, &Facts { name, text, alerts, bundled });
        Ok(Plan { card, root, path: path.to_owned(), text: written })
    }

    /// Each fault with its file and line, and what to do about it.
    fn faulty(&self, faults: &Faults) -> ToolResult {
        let first = faults.iter().next().map(ToString::to_string).unwrap_or_default();
        ToolResult { output: Output::text(faults.rendered()), ..args::bad_call(&self.spec, &first) }
    }
}

impl Shelf {
    /// The runbook that helped, which matches the alerts of the incident from then on.
    async fn widened(&self, name: &str, context: &ToolContext) -> Result<String, ToolResult> {
        let by_hand = || {
            let summary = format!("{name} cannot be changed by itself to match these alerts; edit its `match`");
            ToolResult::failure(FailureKind::Failed, summary)
        };
        check_form(name, "").map_err(|_| by_hand())?;
        let path = self.directory.join(format!("{name}.md"));
        let own = files::get(&whole_machine(context), path.to_str().ok_or_else(by_hand)?).await?;
        let own = own.map(String::from_utf8).transpose().map_err(|_| by_hand())?;
        let text = own.or_else(|| (self.bundled)(name).map(str::to_owned)).ok_or_else(by_hand)?;
        let labels = context.inputs.get(LABELS).and_then(|labels| serde_json::from_str(labels.raw()).ok());
        (self.widened)(name, &text, &labels.unwrap_or_default()).ok_or_else(by_hand)
    }
}

/// What the card says beyond what the file tools say.
struct Facts {
    name: String,
    text: String,
    alerts: String,
    bundled: Option<&'static str>,
}

fn check_form(name: &str, text: &str) -> Result<(), String> {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > LONGEST_NAME || name.starts_with('-') || !name.bytes().all(is_name) {
        return Err(format!("{name:?} is not a name for a runbook: use lower-case letters, digits and hyphens"));
    }
    if text.len() > LONGEST {
        return Err(format!("\"text\" is {} bytes long, at most {LONGEST} fit", text.len()));
    }
    Ok(())
}

/// The file system as a workspace: its directorys may not exist, and what a card says must not depend on that.
fn whole_machine(context: &ToolContext) -> ToolContext {
    let root = Workspace { root: "/".to_owned(), ..Workspace::default() };
    ToolContext { workspace: Some(root), ..context.clone() }
}

fn asked(card: &EffectCard, facts: &Facts) -> EffectCard {
    let Facts { name, text, alerts, bundled } = facts;
    let mut card = card.clone();
    (card.class, card.environment, card.risk) = (EffectClass::Host, Environment::Host, Risk::Medium);
    let Payload::Patch { path, before, diff } = &mut card.payload else { return card };
    *path = format!("/{}", path.raw()).into();
    let shown = path.raw().to_owned();
    card.targets = vec![path.clone()];
    card.reversible = Reversibility::Undo(match (before.is_empty(), bundled) {
        (true, None) => format!("delete {shown}").into(),
        (true, Some(_)) => format!("delete {shown}; the bundled runbook {name} is used again then").into(),
        (false, _) => format!("apply the diff to {shown} in reverse").into(),
    });
    if let Some(bundled) = bundled {
        *diff = files::unified(&format!("{name}.md"), bundled.as_bytes(), text.as_bytes()).into();
    }
    cards::fact(&mut card, "path", shown);
    cards::fact(&mut card, "inside_workspace", false);
    cards::fact(&mut card, "runbook", name.as_str());
    cards::notice(&mut card, Some(format!("it becomes the runbook for alerts with {alerts}")));
    let replaces = "it takes the place of the bundled runbook; the diff shows what differs from that";
    cards::notice(&mut card, bundled.map(|_| replaces.to_owned()));
    card
}

/// The card as the file tools wrote it.
fn within(card: &EffectCard) -> EffectCard {
    let mut card = card.clone();
    if let Payload::Patch { path, .. } = &mut card.payload {
        *path = path.raw().trim_start_matches('/').into();
    }
    card
}

#[async_trait]
impl Tool for ProposeRunbook {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        Ok(Prepared::Effect(Box::new(self.plan(context, args).await?.card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        // A repeat after a crash finds its own work done; planning it again would find nothing to change.
        if let Checked::Happened(result) = self.check(invocation.context, invocation.card).await {
            return *result;
        }
        let Plan { root, path, text, .. } = match self.plan(invocation.context, invocation.args).await {
            Ok(plan) => plan,
            Err(result) => return result,
        };
        written(files::make_content(&root, &path, text, &within(invocation.card)).await, invocation.card)
    }

    async fn check(&self, context: &ToolContext, card: &EffectCard) -> Checked {
        match files::check_content(&whole_machine(context), &within(card)).await {
            Checked::Happened(result) => Checked::Happened(Box::new(written(*result, card))),
            other => other,
        }
    }
}

fn written(result: ToolResult, card: &EffectCard) -> ToolResult {
    if !result.succeeded() {
        return result;
    }
    let shown = card.targets.first().map(Untrusted::raw).unwrap_or_default();
    let summary = format!("{shown} written; it is used from now on, without a restart");
    ToolResult { summary: summary.as_str().into(), output: Output::text(summary), ..result }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{Fault, RunId, SourceText};
    use crate::ports::Caller;

    const TEXT: &str = "---\nname: web-gone\n---\n## Restart\n";

    fn tool(directory: PathBuf) -> ProposeRunbook {
        let lint = |name: &str, text: &str| match text.contains("{{") {
            true => Err(Fault::new(&SourceText::new(format!("{name}.md"), text), 0..1, "labels are not put in").into()),
            false => Ok("alertname=WebGone".to_owned()),
        };
        let bundled = |name: &str| (name == "service-down").then_some("---\nname: service-down\n---\n## Restart\n");
        let widened = |_: &str, text: &str, labels: &BTreeMap<String, String>| {
            labels.get("alertname").map(|alert| format!("{text}## {alert}\n"))
        };
        ProposeRunbook::new(Some(Shelf { directory, lint: Arc::new(lint), bundled, widened }))
    }

    fn context() -> ToolContext {
        let run = RunId(uuid::Uuid::nil());
        ToolContext { run, agent: String::new(), caller: Caller::Agent, workspace: None, inputs: Default::default() }
    }

    async fn card(tool: &ProposeRunbook, args: &Value) -> Result<EffectCard, ToolResult> {
        match tool.prepare(&context(), args).await? {
            Prepared::Effect(card) => Ok(*card),
            other => panic!("{other:?}"),
        }
    }

    async fn perform(tool: &ProposeRunbook, args: &Value, card: &EffectCard) -> ToolResult {
        let context = context();
        let call = crate::domain::CallNo(1);
        let cancel = tokio_util::sync::CancellationToken::new();
        tool.perform(Invocation { context: &context, call, args, card, output: &Nowhere, cancel }).await
    }

    struct Nowhere;

    #[async_trait]
    impl crate::ports::OutputSink for Nowhere {
        fn chunk(&self, _: &[u8]) {}

        async fn store(&self, _: &[u8]) -> Option<crate::domain::BlobId> {
            None
        }
    }

    #[tokio::test]
    async fn a_new_runbook_is_written_as_its_card_says_and_no_other_way() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().canonicalize().unwrap().join("config/procedures");
        let tool = tool(directory.clone());
        let args = json!({ "name": "web-gone", "text": TEXT });
        let asked = card(&tool, &args).await.unwrap();
        let path = directory.join("web-gone.md");
        assert_eq!(asked.targets, [Untrusted::from(path.to_str().unwrap())]);
        assert_eq!((asked.environment, &asked.facts["inside_workspace"]), (Environment::Host, &json!(false)));
        assert_eq!(asked.reversible, Reversibility::Undo(format!("delete {}", path.display()).into()));
        assert!(!directory.exists(), "a dry run makes nothing");
        assert_eq!(tool.check(&context(), &asked).await, Checked::DidNotHappen);
        let result = perform(&tool, &args, &asked).await;
        assert!(result.succeeded(), "{result:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), TEXT);
        assert!(matches!(tool.check(&context(), &asked).await, Checked::Happened(_)));
        assert!(perform(&tool, &args, &asked).await.succeeded(), "done twice is done once");

        let better = json!({ "name": "web-gone", "text": format!("{TEXT}## Look\n") });
        let asked = card(&tool, &better).await.unwrap();
        let Payload::Patch { diff, .. } = &asked.payload else { panic!("{asked:?}") };
        assert!(diff.raw().contains("\n+## Look\n") && !diff.raw().contains("+## Restart"), "{diff:?}");
        std::fs::write(&path, "mine").unwrap();
        assert_eq!(perform(&tool, &better, &asked).await.failure, Some(FailureKind::Drift));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[tokio::test]
    async fn what_takes_the_place_of_a_bundled_one_is_compared_with_that() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().canonicalize().unwrap();
        let tool = tool(directory.clone());
        let text = "---\nname: service-down\n---\n## Look\n## Restart\n";
        let args = json!({ "name": "service-down", "text": text });
        let asked = card(&tool, &args).await.unwrap();
        let Payload::Patch { diff, before, .. } = &asked.payload else { panic!("{asked:?}") };
        assert!(before.is_empty() && diff.raw().contains("\n+## Look\n ## Restart\n"), "{diff:?}");
        assert!(perform(&tool, &args, &asked).await.succeeded());
        assert_eq!(std::fs::read_to_string(directory.join("service-down.md")).unwrap(), text);
    }

    #[tokio::test]
    async fn a_runbook_that_helped_is_proposed_with_the_alert_that_it_helped_with() {
        let home = tempfile::tempdir().unwrap();
        let tool = tool(home.path().canonicalize().unwrap());
        let inputs = |runbook: &str| {
            let pairs = [(HELPED, runbook), (LABELS, "{\"alertname\":\"WebGone\"}")];
            pairs.map(|(name, text)| (name.to_owned(), Untrusted::from(text))).into()
        };
        let for_it = ToolContext { inputs: inputs("service-down"), ..context() };
        let Ok(Prepared::Effect(asked)) = tool.prepare(&for_it, &json!({})).await else { panic!("nothing is asked") };
        let Payload::Patch { diff, .. } = &asked.payload else { panic!("{asked:?}") };
        assert!(diff.raw().contains("\n ## Restart\n+## WebGone\n"), "{diff:?}");
        assert!(tool.prepare(&context(), &json!({})).await.is_err(), "nothing is said to have helped");
        for name in ["unknown", "../outside"] {
            let for_it = ToolContext { inputs: inputs(name), ..context() };
            assert_eq!(tool.prepare(&for_it, &json!({})).await.unwrap_err().failure, Some(FailureKind::Failed));
        }
    }

    #[tokio::test]
    async fn nothing_faulty_and_nothing_outside_the_directory_is_asked_for() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().canonicalize().unwrap().join("procedures");
        std::fs::create_dir(&directory).unwrap();
        std::os::unix::fs::symlink(home.path().join("outside.md"), directory.join("link.md")).unwrap();
        std::fs::write(home.path().join("outside.md"), "outside").unwrap();
        let tool = tool(directory);
        for name in ["../outside", "a/b", "/etc/x", "", "-x", "Web", "a.b", "a b"] {
            let refused = card(&tool, &json!({ "name": name, "text": TEXT })).await.unwrap_err();
            assert_eq!(refused.failure, Some(FailureKind::BadCall), "{name}");
        }
        let linked = card(&tool, &json!({ "name": "link", "text": TEXT })).await.unwrap_err();
        assert_eq!(linked.failure, Some(FailureKind::Refused), "{linked:?}");
        let faulty = card(&tool, &json!({ "name": "web-gone", "text": "echo {{label}}" })).await.unwrap_err();
        assert_eq!(faulty.failure, Some(FailureKind::BadCall));
        assert!(faulty.summary.raw().contains("web-gone.md:1:1: labels are not put in"), "{faulty:?}");
        let nowhere = ProposeRunbook::new(None);
        let failed = card(&nowhere, &json!({ "name": "web-gone", "text": TEXT })).await.unwrap_err();
        assert_eq!(failed.failure, Some(FailureKind::Failed));
    }
}

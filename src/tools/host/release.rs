//! `switch_release`: points the link `current` of a deployment at the release before, or back.
//!
//! It is for deployments that keep each release in a directory of its own, beside the others, and a link `current` to
//! the one that runs.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::{
    EffectCard, EffectClass, Environment, FailureKind, Output, Payload, Repeat, Reversibility, Risk, ToolResult,
    ToolSpec, Untrusted,
};
use crate::ports::{Checked, Invocation, Prepared, Tool, ToolContext};
use crate::tools::remote::Hosts;
use crate::tools::{args, cards};

/// The input that names the deployment's directory: a label of the alert.
const LABEL: &str = "LABEL_deployment";
const CURRENT: &str = "current";
/// The link that a switch leaves to what ran before it.
const SWITCHED_FROM: &str = "current.switched-from";

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The absolute path of the directory that holds `current`; when left out, what the alert's label `deployment` says.
    directory: Option<String>,
    /// The one before the release that runs, or the one that ran before the last switch.
    to: To,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum To {
    Previous,
    SwitchedFrom,
}

/// Points `current` at another release.
pub struct SwitchRelease {
    spec: ToolSpec,
    hosts: Hosts,
}

impl SwitchRelease {
    pub fn new(hosts: Hosts) -> Self {
        let about = "Points the link `current` of a deployment at the release before the one that runs, or \
                     back. The service is restarted by restart_service.";
        Self { spec: args::spec::<Args>("switch_release", EffectClass::Host, Repeat::Checkable, about), hosts }
    }
}

/// A deployment as it is.
struct Deployment {
    directory: PathBuf,
    now: Release,
    then: Release,
}

struct Release {
    /// As the link names it.
    link: PathBuf,
    since: SystemTime,
}

impl SwitchRelease {
    fn find(&self, context: &ToolContext, args: &Value) -> Result<Deployment, ToolResult> {
        let Args { directory, to } = args::parse(&self.spec, args)?;
        self.hosts.only_here(&self.spec, context)?;
        let directory = directory.or_else(|| context.inputs.get(LABEL).map(|label| label.raw().to_owned()));
        let missing = "no deployment is named: neither in the call, nor by a label `deployment` of the alert";
        let directory = PathBuf::from(directory.ok_or_else(|| failed(missing))?);
        if !directory.is_absolute() {
            return Err(args::bad_call(&self.spec, "\"directory\" is an absolute path"));
        }
        let current = directory.join(CURRENT);
        let link = std::fs::read_link(&current)
            .map_err(|error| failed(&format!("{} is not a link to a release: {error}", current.display())))?;
        let now = directory.join(&link);
        let (Some(releases), Some(parent)) = (now.parent(), link.parent()) else {
            return Err(failed(&format!("{} leads to no release", current.display())));
        };
        let is_inside = releases.canonicalize().is_ok_and(|real| real.starts_with(&directory));
        if !is_inside {
            return Err(failed(&format!("the releases do not lie in {}", directory.display())));
        }
        let since = made(&now).ok_or_else(|| failed(&format!("there is no release {}", now.display())))?;
        let then = match to {
            To::SwitchedFrom => {
                let link = std::fs::read_link(directory.join(SWITCHED_FROM));
                let link = link.map_err(|_| failed("nothing says which release ran before"))?;
                let since = made(&directory.join(&link)).ok_or_else(|| failed("the release before is gone"))?;
                Release { link, since }
            }
            To::Previous => {
                let others =
                    std::fs::read_dir(releases).map_err(|error| failed(&format!("{}: {error}", releases.display())))?;
                let others = others.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
                let others = others.filter_map(|entry| Some((made(&entry.path())?, entry.file_name())));
                let found = others.filter(|(at, name)| *at < since && now.file_name() != Some(name)).max();
                let (at, name) = found.ok_or_else(|| failed("there is no older release to go back to"))?;
                Release { link: parent.join(name), since: at }
            }
        };
        Ok(Deployment { directory, now: Release { link, since }, then })
    }

    fn card(&self, deployment: &Deployment) -> EffectCard {
        let Deployment { directory, now, then } = deployment;
        let shown = |path: &Path| path.display().to_string();
        let current = directory.join(CURRENT);
        let payload = json!({ "link": shown(&current), "from": shown(&now.link), "to": shown(&then.link) });
        let mut card = cards::change(&self.spec, "switch", Vec::new(), Payload::Arguments { args: payload });
        card.class = EffectClass::Host;
        card.environment = Environment::Host;
        card.risk = Risk::High;
        card.reversible = Reversibility::Undo(format!("ln -sfn {} {}", shown(&now.link), shown(&current)).into());
        card.targets = vec![Untrusted::new(shown(&current))];
        let told = |release: &Release| {
            let at = DateTime::<Utc>::from(release.since).to_rfc3339_opts(SecondsFormat::Secs, true);
            format!("{}, of {at}", release.link.display())
        };
        cards::notice(&mut card, Some(format!("now: {}", told(now))));
        cards::notice(&mut card, Some(format!("then: {}", told(then))));
        card
    }
}

fn failed(why: &str) -> ToolResult {
    ToolResult::failure(FailureKind::Failed, why)
}

/// When a release was made: writing into it later does not count, where the file system tells.
fn made(path: &Path) -> Option<SystemTime> {
    let found = std::fs::metadata(path).ok()?;
    found.created().or_else(|_| found.modified()).ok()
}

/// The link, and where it leads and is to lead, as the card has it.
fn planned(card: &EffectCard) -> Option<[PathBuf; 3]> {
    let Payload::Arguments { args } = &card.payload else { return None };
    Some([args["link"].as_str()?.into(), args["from"].as_str()?.into(), args["to"].as_str()?.into()])
}

/// Another link takes its place in one step: there is always one.
fn point(link: &Path, to: &Path) -> std::io::Result<()> {
    let new = link.with_file_name(format!(".{CURRENT}-{}", uuid::Uuid::now_v7()));
    std::os::unix::fs::symlink(to, &new)?;
    std::fs::rename(&new, link).inspect_err(|_| drop(std::fs::remove_file(&new)))
}

#[async_trait]
impl Tool for SwitchRelease {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        Ok(Prepared::Effect(Box::new(self.card(&self.find(context, args)?))))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        let Some([link, from, to]) = planned(invocation.card) else { return failed("the card names no release") };
        let switched = point(&link.with_file_name(SWITCHED_FROM), &from).and_then(|()| point(&link, &to));
        match switched {
            Ok(()) => ToolResult::success(format!("{} leads to {}", link.display(), to.display()), Output::default()),
            Err(error) => failed(&format!("{}: {error}", link.display())),
        }
    }

    async fn check(&self, _: &ToolContext, card: &EffectCard) -> Checked {
        match planned(card) {
            Some([link, _, to]) if std::fs::read_link(&link).is_ok_and(|now| now == to) => {
                Checked::Happened(Box::new(ToolResult::success("it was switched", Output::default())))
            }
            Some(_) => Checked::DidNotHappen,
            None => Checked::Unknown,
        }
    }
}

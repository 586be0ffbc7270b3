//! `remove_old_files`: removes old files of a directory of this machine, each of them named in the card with its size.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use ignore::WalkBuilder;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::blocking;
use super::credential::is_credential;
use super::delete::Doomed;
use super::root::Root;
use crate::domain::{
    DURATION_FORM, EffectCard, EffectClass, Environment, FailureKind, Output, Payload, Repeat, Risk, ToolResult,
    ToolSpec, Untrusted, Workspace, parse_duration,
};
use crate::ports::{Clock, Invocation, Prepared, Tool, ToolContext};
use crate::tools::git::Recoverable;
use crate::tools::remote::Hosts;
use crate::tools::{args, cards};

/// Most files of one card: the largest.
const MOST_FILES: usize = 500;
/// Where nobody says otherwise.
const USUAL: &str = "/var/tmp";
/// The input that names the directory: a label of the alert.
const LABEL: &str = "LABEL_directory";
/// Files change their age while somebody reads the card; it is told to the hour, so that the list stays the same.
const HOUR: u64 = 3600;

/// Places that hold more than data that may go, with all below them.
const SYSTEM: &[&str] = &["bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "run", "sbin", "sys", "usr"];
/// Places that are too much to clean up at once.
const WIDE: &[&str] = &["/", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/var", "/var/lib"];

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// An absolute path; when left out, what the alert's label `directory` says, else /var/tmp.
    directory: Option<String>,
    /// Only files that nobody has written to for this long, such as 7d.
    older_than: String,
}

/// Removes old files of a directory of this machine.
pub struct RemoveOldFiles {
    spec: ToolSpec,
    clock: Arc<dyn Clock>,
    private: Vec<PathBuf>,
    hosts: Hosts,
}

impl RemoveOldFiles {
    /// Nothing in `private` is removed: credentials, and what this program keeps.
    pub fn new(clock: Arc<dyn Clock>, private: Vec<PathBuf>, hosts: Hosts) -> Self {
        let about = "Removes files of a directory of this machine that nobody has written to for long. The person sees \
                     every file that would go.";
        let spec = args::spec::<Args>("remove_old_files", EffectClass::Host, Repeat::Once, about);
        Self { spec, clock, private, hosts }
    }

    /// What would go now, and where it lies.
    async fn doomed(&self, context: &ToolContext, args: &Value) -> Result<(ToolContext, Doomed), ToolResult> {
        let Args { directory, older_than } = args::parse(&self.spec, args)?;
        self.hosts.only_here(&self.spec, context)?;
        let named = directory.or_else(|| context.inputs.get(LABEL).map(|label| label.raw().to_owned()));
        let Some(age) = parse_duration(&older_than) else {
            return Err(args::bad_call(&self.spec, &format!("\"older_than\" is {DURATION_FORM}")));
        };
        let now = SystemTime::from(self.clock.now());
        let (context, private) = (context.clone(), self.private.clone());
        blocking(move || {
            // One that is not there holds nothing.
            let private: Vec<_> = private.iter().filter_map(|place| place.canonicalize().ok()).collect();
            let directory = checked(Path::new(named.as_deref().unwrap_or(USUAL)), &private)?;
            let root = directory.to_str().ok_or_else(|| refused("its name is not UTF-8"))?.to_owned();
            let there = ToolContext { workspace: Some(Workspace { root, ..Workspace::default() }), ..context };
            let paths = old(&directory, private, now, age);
            if paths.is_empty() {
                let summary = format!("nothing in {} is older than {older_than}", directory.display());
                return Err(ToolResult::success(summary.clone(), Output::text(summary)));
            }
            let doomed = Doomed::at(&Root::of(&there)?, &paths)?;
            Ok((there, doomed))
        })
        .await?
    }

    fn card(&self, place: &ToolContext, doomed: &Doomed) -> EffectCard {
        let mut card = doomed.card(&self.spec, Recoverable::No);
        let directory = place.workspace.as_ref().map(|workspace| workspace.root.as_str()).unwrap_or_default();
        card.class = EffectClass::Host;
        card.environment = Environment::Host;
        card.risk = Risk::High;
        card.targets = vec![Untrusted::from(directory)];
        cards::fact(&mut card, "path", directory);
        cards::fact(&mut card, "inside_workspace", false);
        cards::fact(&mut card, "credential", doomed.has_credential(Path::new(directory)));
        card
    }
}

/// The directory itself, if files in it may be cleaned up at all.
fn checked(given: &Path, private: &[PathBuf]) -> Result<PathBuf, ToolResult> {
    if !given.is_absolute() {
        return Err(refused("a directory of this machine is named by its absolute path"));
    }
    let real = given
        .canonicalize()
        .map_err(|error| ToolResult::failure(FailureKind::Failed, format!("{}: {error}", given.display())))?;
    let top = real.iter().nth(1).and_then(|name| name.to_str()).unwrap_or_default();
    let is_wide = WIDE.iter().any(|wide| real == Path::new(wide));
    if is_wide || SYSTEM.contains(&top) || !real.is_dir() {
        return Err(refused(&format!(
            "{} may not be cleaned up: it is not a directory, or holds system files",
            real.display()
        )));
    }
    if is_credential(&real) || private.iter().any(|place| real.starts_with(place)) {
        return Err(refused(&format!("{} holds credentials or files of morningai", real.display())));
    }
    Ok(real)
}

fn refused(why: &str) -> ToolResult {
    ToolResult::failure(FailureKind::Refused, why)
}

/// The largest of the files that nobody has written to for so long and that are not in `private`, by their paths below
/// the directory.
fn old(directory: &Path, private: Vec<PathBuf>, now: SystemTime, age: Duration) -> Vec<String> {
    let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let hour = SystemTime::UNIX_EPOCH + Duration::from_secs(since_epoch - since_epoch % HOUR);
    let Some(before) = hour.checked_sub(age) else { return Vec::new() };
    let mut walk = WalkBuilder::new(directory);
    walk.standard_filters(false).follow_links(false).same_file_system(true);
    walk.filter_entry(move |entry| !private.iter().any(|place| entry.path() == place));
    let mut found: Vec<(u64, String)> = walk
        .build()
        .filter_map(|entry| {
            let entry = entry.ok().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))?;
            let metadata = entry.metadata().ok()?;
            let is_old = metadata.modified().ok()? <= before;
            let path = entry.path().strip_prefix(directory).ok()?.to_str()?.to_owned();
            is_old.then_some((metadata.len(), path))
        })
        .collect();
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    found.truncate(MOST_FILES);
    found.into_iter().map(|(_, path)| path).collect()
}

#[async_trait]
impl Tool for RemoveOldFiles {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let (place, doomed) = self.doomed(context, args).await?;
        Ok(Prepared::Effect(Box::new(self.card(&place, &doomed))))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        let (place, doomed) = match self.doomed(invocation.context, invocation.args).await {
            Ok(found) => found,
            Err(result) => return result,
        };
        let card = invocation.card;
        let is_same = doomed.payload() == card.payload && card.facts.get("bytes") == Some(&doomed.bytes().into());
        if !is_same || !matches!(card.payload, Payload::Delete { .. }) {
            let summary = "the files are no longer the ones that were listed; nothing was removed";
            return ToolResult::failure(FailureKind::Drift, summary);
        }
        let removed = blocking(move || Ok::<_, ToolResult>(doomed.remove(&Root::of(&place)?))).await;
        removed.and_then(|result| result).unwrap_or_else(|result| result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_the_system_are_not_cleaned_up() {
        for place in ["/", "/etc", "/usr/lib", "/home", "/proc/self", "tmp", "/no/such/place"] {
            assert!(checked(Path::new(place), &[]).is_err(), "{place}");
        }
        let dir = tempfile::tempdir().unwrap();
        assert!(checked(dir.path(), &[]).is_ok());
        std::os::unix::fs::symlink("/etc", dir.path().join("link")).unwrap();
        assert!(checked(&dir.path().join("link"), &[]).is_err());
    }

    #[test]
    fn credentials_and_what_this_program_keeps_are_not_cleaned_up() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        for place in [".ssh", ".gnupg/deep", ".aws/cli/cache", "data/logs", "cache"] {
            std::fs::create_dir_all(home.join(place)).unwrap();
            std::fs::write(home.join(place).join("x"), "x").unwrap();
        }
        let private = vec![home.join(".aws"), home.join("data")];
        for place in [".ssh", ".gnupg/deep", ".aws", ".aws/cli/cache", "data", "data/logs"] {
            let refusal = checked(&home.join(place), &private).unwrap_err();
            assert_eq!(refusal.failure, Some(FailureKind::Refused), "{place}");
        }
        assert!(checked(&home.join("cache"), &private).is_ok());
        let later = SystemTime::now() + Duration::from_secs(2 * HOUR);
        assert_eq!(old(&home, private, later, Duration::ZERO), [".gnupg/deep/x", ".ssh/x", "cache/x"]);
    }

    #[tokio::test]
    async fn a_credential_is_known_by_the_whole_path() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join(".aws");
        std::fs::create_dir(&place).unwrap();
        let file = std::fs::File::create(place.join("config")).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(30 * 86_400)).unwrap();
        let tool = RemoveOldFiles::new(Arc::new(crate::ports::SystemClock), Vec::new(), Hosts::default());
        let run = crate::domain::RunId(uuid::Uuid::nil());
        let context = ToolContext {
            run,
            agent: String::new(),
            caller: crate::ports::Caller::Agent,
            workspace: None,
            inputs: Default::default(),
        };
        let args = serde_json::json!({ "directory": place, "older_than": "7d" });
        let Ok(Prepared::Effect(card)) = tool.prepare(&context, &args).await else { panic!("there is one to remove") };
        assert_eq!(card.facts["credential"], true);
    }

    #[test]
    fn only_old_files_are_found_and_the_largest_come_first() {
        let dir = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let write = |name: &str, bytes: usize, days: u64| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let file = std::fs::File::create(&path).unwrap();
            file.set_len(bytes as u64).unwrap();
            file.set_modified(now - Duration::from_secs(days * 86_400)).unwrap();
        };
        write("small.log", 10, 30);
        write("deep/large.log", 1000, 30);
        write("new.log", 5000, 0);
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link")).unwrap();
        let found = old(dir.path(), Vec::new(), now, Duration::from_secs(7 * 86_400));
        assert_eq!(found, ["deep/large.log", "small.log"]);
    }
}

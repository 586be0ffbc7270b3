//! `delete_files`: removes files, each of them named in the card with its size.

use std::path::Path;

use async_trait::async_trait;
use ignore::WalkBuilder;
use rustix::fs::AtFlags;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::blocking;
use super::list::size;
use super::root::{LastLink, Missing, Place, Root, failed};
use crate::domain::{
    EffectCard, EffectClass, FailureKind, Output, Payload, Repeat, Reversibility, Risk, ToolResult, ToolSpec, Untrusted,
};
use crate::ports::{Checked, Invocation, Prepared, Tool, ToolContext};
use crate::tools::git::{Recoverable, recoverable};
use crate::tools::{args, cards};

/// Most files one card may list: more than anybody reads, fewer than a store minds.
const MOST_FILES: usize = 2_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// Files and directories, relative to the workspace. A directory goes with everything in it.
    paths: Vec<String>,
}

/// Deletes files and directories of the workspace.
pub struct DeleteFiles {
    spec: ToolSpec,
}

impl Default for DeleteFiles {
    fn default() -> Self {
        let about = "Deletes files and directories of the workspace. The person sees every file that would go.";
        Self { spec: args::spec::<Args>("delete_files", EffectClass::Workspace, Repeat::Checkable, about) }
    }
}

/// Everything a call would remove.
#[derive(Debug, Default)]
pub(super) struct Doomed {
    files: Vec<(Place, u64)>,
    /// Deepest first, so that each is empty when its turn comes.
    directories: Vec<Place>,
    named: Vec<Place>,
}

impl Doomed {
    fn of(spec: &ToolSpec, root: &Root, args: &Value) -> Result<Self, ToolResult> {
        let args: Args = args::parse(spec, args)?;
        if args.paths.is_empty() {
            return Err(args::bad_call(spec, "\"paths\" names nothing"));
        }
        Self::at(root, &args.paths)
    }

    /// What is at these paths, with all that is in them.
    pub(super) fn at(root: &Root, paths: &[String]) -> Result<Self, ToolResult> {
        let mut doomed = Self::default();
        for path in paths {
            let place = root.resolve(path, LastLink::Keep)?;
            if place.is_root() {
                return Err(ToolResult::failure(FailureKind::Refused, "the workspace itself is not deleted"));
            }
            doomed.add(root, place)?;
        }
        doomed.files.sort();
        doomed.files.dedup();
        doomed.directories.sort_by(|a, b| b.cmp(a));
        doomed.directories.dedup();
        Ok(doomed)
    }

    fn add(&mut self, root: &Root, place: Place) -> Result<(), ToolResult> {
        let (kind, bytes) = root.look(&place).map_err(|error| failed(&place, "delete", &error))?;
        self.named.push(place.clone());
        if !kind.is_dir() {
            self.files.push((place, bytes));
            return Ok(());
        }
        // Hidden and ignored files go as well: the directory is removed with all that is in it.
        let walk = WalkBuilder::new(root.absolute(&place)).standard_filters(false).follow_links(false).build();
        for entry in walk {
            let entry = entry.map_err(|error| failed(&place, "look into", &std::io::Error::other(error)))?;
            let Some(found) = root.found(entry.path()) else { continue };
            if found.path().iter().any(|part| part == ".git") {
                let shown = found.target();
                let problem = format!("`{}` is a git directory, which is not deleted", shown.raw());
                return Err(ToolResult::failure(FailureKind::Refused, problem));
            }
            if entry.file_type().is_some_and(|kind| kind.is_dir()) {
                self.directories.push(found);
            } else {
                let bytes = entry.metadata().map(|metadata| metadata.len()).unwrap_or_default();
                self.files.push((found, bytes));
            }
            if self.files.len() > MOST_FILES {
                let problem = format!("more than {MOST_FILES} files are in `{}`; name fewer", place.target().raw());
                return Err(ToolResult::failure(FailureKind::Limit, problem));
            }
        }
        Ok(())
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| bytes).sum()
    }

    pub(super) fn payload(&self) -> Payload {
        let directories = self.directories.iter().map(|place| format!("{}/", place.shown()));
        let files = self.files.iter().map(|(place, _)| place.shown());
        let mut paths: Vec<String> = files.chain(directories).collect();
        paths.sort();
        Payload::Delete { paths: paths.into_iter().map(Untrusted::new).collect() }
    }

    pub(super) fn card(&self, spec: &ToolSpec, recoverable: Recoverable) -> EffectCard {
        let targets = self.named.iter().map(Place::target).collect();
        let mut card = cards::change(spec, "delete", targets, self.payload());
        (card.risk, card.reversible) = match recoverable {
            Recoverable::From(commit) => {
                let way = format!("git restore --source={commit} -- the files listed");
                (Risk::Low, Reversibility::Undo(Untrusted::new(way)))
            }
            Recoverable::No => (Risk::Medium, Reversibility::Irreversible),
        };
        let sizes: serde_json::Map<String, Value> =
            self.files.iter().map(|(place, bytes)| (place.shown(), (*bytes).into())).collect();
        cards::fact(&mut card, "path", self.named.first().map(Place::shown).unwrap_or_default());
        cards::fact(&mut card, "inside_workspace", true);
        cards::fact(&mut card, "credential", self.has_credential(Path::new("")));
        cards::fact(&mut card, "count", self.files.len());
        cards::fact(&mut card, "bytes", self.bytes());
        cards::fact(&mut card, "size_of", sizes);
        card
    }

    /// Whether one of the files is a credential, by its path with that of the directory in which it lies.
    pub(super) fn has_credential(&self, directory: &Path) -> bool {
        self.files.iter().any(|(place, _)| super::credential::is_credential(&directory.join(place.path())))
    }

    pub(super) fn remove(&self, root: &Root) -> ToolResult {
        let mut gone = 0;
        for (place, _) in &self.files {
            match unlink(root, place, AtFlags::empty()) {
                Ok(()) => gone += 1,
                Err(error) => return stopped(failed(place, "delete", &error), gone),
            }
        }
        for place in &self.directories {
            if let Err(error) = unlink(root, place, AtFlags::REMOVEDIR) {
                return stopped(failed(place, "delete", &error), gone);
            }
        }
        let summary = format!("{} deleted, {}", cards::count(gone, "file", "files"), size(self.bytes()));
        let listed: String =
            self.files.iter().map(|(place, bytes)| format!("{}  {}\n", place.target().raw(), size(*bytes))).collect();
        let mut result = ToolResult::success(summary, super::super::output::cut(listed.as_bytes()));
        result.data = Some(serde_json::json!({"files": gone, "bytes": self.bytes()}));
        result
    }
}

fn unlink(root: &Root, place: &Place, flags: AtFlags) -> std::io::Result<()> {
    let (parent, name) = root.parent(place, Missing::IsError)?;
    Ok(rustix::fs::unlinkat(&parent, name, flags)?)
}

/// A deletion that stopped half-way says how far it came.
fn stopped(mut result: ToolResult, gone: usize) -> ToolResult {
    result.output = Output::text(format!("{} had been deleted before that", cards::count(gone, "file", "files")));
    result
}

#[async_trait]
impl Tool for DeleteFiles {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let (spec, owned, args) = (self.spec.clone(), context.clone(), args.clone());
        let doomed = blocking(move || Doomed::of(&spec, &Root::of(&owned)?, &args)).await??;
        let paths: Vec<&Path> = doomed.files.iter().map(|(place, _)| place.path()).collect();
        let way_back = recoverable(context, &paths).await;
        Ok(Prepared::Effect(Box::new(doomed.card(&self.spec, way_back))))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        let (spec, context, args, card) =
            (self.spec.clone(), invocation.context.clone(), invocation.args.clone(), invocation.card.clone());
        let removed = blocking(move || {
            let root = Root::of(&context)?;
            let doomed = Doomed::of(&spec, &root, &args)?;
            if doomed.payload() != card.payload || card.facts.get("bytes") != Some(&doomed.bytes().into()) {
                let summary = "the files are no longer the ones that were listed; nothing was deleted";
                return Err(ToolResult::failure(FailureKind::Drift, summary));
            }
            Ok(doomed.remove(&root))
        });
        removed.await.and_then(|result| result).unwrap_or_else(|result| result)
    }

    async fn check(&self, context: &ToolContext, card: &EffectCard) -> Checked {
        let (context, card) = (context.clone(), card.clone());
        let checked = blocking(move || {
            let (Ok(root), Payload::Delete { paths }) = (Root::of(&context), &card.payload) else {
                return Checked::Unknown;
            };
            let there = |path: &&Untrusted| {
                let place = root.resolve(path.raw(), LastLink::Keep);
                place.is_ok_and(|place| root.look(&place).is_ok())
            };
            match paths.iter().filter(there).count() {
                0 => {
                    let summary = format!("{} already gone", cards::count(paths.len(), "path is", "paths are"));
                    Checked::Happened(Box::new(ToolResult::success(summary.clone(), Output::text(summary))))
                }
                left if left == paths.len() => Checked::DidNotHappen,
                _ => Checked::Unknown,
            }
        });
        checked.await.unwrap_or(Checked::Unknown)
    }
}

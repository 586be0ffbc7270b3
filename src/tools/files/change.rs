//! What editing and writing share: a change of one file as a card, and its atomic execution.
//!
//! The content before is named by its hash in the card and looked at again right before the new content takes its
//! place, so that nothing another program wrote meanwhile is lost.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};

use super::credential::is_credential;
use super::diff::Diff;
use super::root::{Content, Missing, Place, Root, failed};
use crate::domain::{BlobId, EffectCard, FailureKind, Output, Payload, Reversibility, ToolResult, ToolSpec, Untrusted};
use crate::ports::Checked;
use crate::tools::cards;

/// How temporary files begin. A crash may leave one behind; commits leave them out.
pub const TEMPORARY_PREFIX: &str = ".morningai-write-";

/// A change of one file, worked out and not yet made.
#[derive(Clone, Debug)]
pub struct Change {
    pub place: Place,
    pub before: Option<Content>,
    pub after: Vec<u8>,
    /// What the agent should know of how its text was fitted in.
    pub note: Option<String>,
}

impl Change {
    fn before_hash(&self) -> String {
        self.before.as_ref().map(|content| BlobId::of(&content.bytes).0).unwrap_or_default()
    }

    fn diff(&self) -> Diff {
        Diff::of(&self.place.shown(), self.before.as_ref().map(|content| content.bytes.as_slice()), &self.after)
    }

    /// The card of this change.
    pub fn card(&self, spec: &ToolSpec, verb: &str) -> EffectCard {
        let diff = self.diff();
        let payload =
            Payload::Patch { path: self.place.target(), before: self.before_hash(), diff: Untrusted::new(diff.text) };
        let mut card = cards::change(spec, verb, vec![self.place.target()], payload);
        card.reversible = self.way_back();
        cards::fact(&mut card, "path", self.place.shown());
        cards::fact(&mut card, "inside_workspace", true);
        cards::fact(&mut card, "credential", is_credential(self.place.path()));
        cards::fact(&mut card, "after", BlobId::of(&self.after).0);
        cards::fact(&mut card, "lines_added", diff.added);
        cards::fact(&mut card, "lines_removed", diff.removed);
        card
    }

    fn way_back(&self) -> Reversibility {
        let shown = self.place.shown();
        match &self.before {
            None => Reversibility::Undo(Untrusted::new(format!("delete {shown}"))),
            Some(content) if std::str::from_utf8(&content.bytes).is_ok() => {
                Reversibility::Undo(Untrusted::new(format!("apply the diff to {shown} in reverse")))
            }
            // The diff shows replacement characters where the bytes were not text, so it cannot bring them back.
            Some(_) => Reversibility::Irreversible,
        }
    }

    /// Makes the change that `card` names, unless the file is no longer what the card says.
    pub fn make(&self, root: &Root, card: &EffectCard) -> ToolResult {
        let Payload::Patch { path, before, diff: _ } = &card.payload else { return drifted(&self.place) };
        // The two hashes say what the diff does. Its text is for people, and secrets were taken out of it.
        let same = path == &self.place.target()
            && before == &self.before_hash()
            && card.facts.get("after").and_then(|after| after.as_str()) == Some(&BlobId::of(&self.after).0);
        if !same {
            return drifted(&self.place);
        }
        match self.replace(root) {
            Ok(Replaced::Done) => self.made(self.diff()),
            Ok(Replaced::Drifted) => drifted(&self.place),
            Err(error) => failed(&self.place, "write", &error),
        }
    }

    /// Writes without a card, for content nobody has to approve.
    pub fn put(&self, root: &Root) -> io::Result<()> {
        match self.replace(root)? {
            Replaced::Done => Ok(()),
            Replaced::Drifted => Err(io::Error::other("another program writes to it")),
        }
    }

    fn made(&self, diff: Diff) -> ToolResult {
        let shown = self.place.target();
        let lines = cards::count(diff.changed(), "line", "lines");
        let summary = match &self.before {
            None => format!("{} created, {lines}", shown.raw()),
            Some(_) => format!("{lines} changed in {}", shown.raw()),
        };
        let text = [Some(&summary), self.note.as_ref()].into_iter().flatten().cloned().collect::<Vec<_>>().join("\n");
        let mut result = ToolResult::success(summary, Output::text(text));
        result.diff = Some(Untrusted::new(diff.text));
        result.data = Some(serde_json::json!({
            "path": self.place.shown(), "sha256": BlobId::of(&self.after).0,
            "lines_added": diff.added, "lines_removed": diff.removed,
        }));
        result
    }

    /// Writes beside the file, then takes its place in one step.
    fn replace(&self, root: &Root) -> io::Result<Replaced> {
        let (dir, name) = root.parent(&self.place, Missing::Create)?;
        let temporary = Temporary::create(&dir, self.before.as_ref().map(|content| content.mode))?;
        temporary.fill(&self.after)?;
        if root.read(&self.place)?.map(|content| content.bytes) != self.before.as_ref().map(|c| c.bytes.clone()) {
            return Ok(Replaced::Drifted);
        }
        let flags = if self.before.is_none() { RenameFlags::NOREPLACE } else { RenameFlags::empty() };
        match temporary.rename(name, flags) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Replaced::Drifted),
            renamed => renamed.map(|()| Replaced::Done),
        }
    }
}

/// Whether the change named by `card` has been made, judged by the file's content alone.
pub fn check(root: &Root, card: &EffectCard) -> Checked {
    let Payload::Patch { path, before, diff } = &card.payload else { return Checked::Unknown };
    let after = card.facts.get("after").and_then(|after| after.as_str()).unwrap_or_default();
    let Ok(place) = root.resolve(path.raw(), super::root::LastLink::Keep) else { return Checked::Unknown };
    let now = match root.read(&place) {
        Ok(content) => content.map(|content| BlobId::of(&content.bytes).0).unwrap_or_default(),
        Err(_) => return Checked::Unknown,
    };
    if now == after {
        let summary = format!("{} already holds the new content", path.raw());
        let mut result = ToolResult::success(summary.clone(), Output::text(summary));
        result.diff = Some(diff.clone());
        return Checked::Happened(Box::new(result));
    }
    if now == *before { Checked::DidNotHappen } else { Checked::Unknown }
}

enum Replaced {
    Done,
    Drifted,
}

/// What was approved is no longer what would be written.
pub fn drifted(place: &Place) -> ToolResult {
    let shown = place.target();
    let summary = format!("`{}` has changed since this was prepared; nothing was written", shown.raw());
    ToolResult::failure(FailureKind::Drift, summary)
}

/// A file under a name of its own that vanishes unless it is renamed.
struct Temporary<'a> {
    dir: &'a OwnedFd,
    name: String,
    file: File,
}

impl<'a> Temporary<'a> {
    fn create(dir: &'a OwnedFd, mode: Option<u32>) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("{TEMPORARY_PREFIX}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let created = rustix::fs::openat(dir, &name, flags, Mode::from_raw_mode(mode.unwrap_or(0o666) & 0o777))?;
        let file = File::from(created);
        let temporary = Self { dir, name, file };
        if let Some(mode) = mode {
            rustix::fs::fchmod(&temporary.file, Mode::from_raw_mode(mode & 0o777))?;
        }
        Ok(temporary)
    }

    fn fill(&self, content: &[u8]) -> io::Result<()> {
        (&self.file).write_all(content)?;
        self.file.sync_all()
    }

    fn rename(&self, name: &OsStr, flags: RenameFlags) -> io::Result<()> {
        match rustix::fs::renameat_with(self.dir, &self.name, self.dir, name, flags) {
            // Some file systems know no flags; the content was compared a moment ago.
            Err(rustix::io::Errno::INVAL) => rustix::fs::renameat(self.dir, &self.name, self.dir, name)?,
            renamed => renamed?,
        }
        // The rename is durable only with the directory. A file system that cannot sync one has its own way.
        let _ = rustix::fs::fsync(self.dir);
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // After the rename the name is gone, which is the normal case.
        let _ = rustix::fs::unlinkat(self.dir, &self.name, AtFlags::empty());
    }
}

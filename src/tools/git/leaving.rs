//! What leaves with a push, for its card: every commit the remote lacks, oldest first, each with all that is in it.
//!
//! A commit is laid out as its id at the start of a line, its content as git stores it (who, when, the whole message)
//! indented by four spaces, and its diff against each of its parents. Nothing a commit says stands at the start of a
//! line, so no message can pass for a diff or for another commit.

use super::change;
use super::program::MOST_OUTPUT;
use super::remote::{Advertised, Remote};
use super::repository::{Repository, failure, short};
use crate::domain::{ToolResult, Untrusted};

/// Most commits that are laid out: none takes fewer than 128 bytes, so more of them are never shown.
const MOST_COMMITS: usize = change::MOST_SHOWN / 128;

/// The commits, oldest first.
pub struct Leaving {
    new: String,
    commits: Vec<Commit>,
    /// A commit the remote has and these build on.
    boundary: Option<String>,
}

struct Commit {
    id: String,
    parents: Vec<String>,
    subject: String,
}

impl Leaving {
    /// Those up to `new` that nothing which the remote advertises leads to.
    pub async fn of(
        repository: &Repository,
        remote: &Remote,
        advertised: &Advertised,
        new: &str,
    ) -> Result<Self, ToolResult> {
        let held = held(repository, remote, advertised).await?;
        let args = ["log", "--no-show-signature", "-z", "--encoding=UTF-8", "--reverse", "--topo-order", "--boundary"];
        let fixed = ["--format=%m%H %P%x09%s", "--ignore-missing", "--stdin", new];
        let listed = repository.git(args.into_iter().chain(fixed)).stdin(held.into_bytes()).success().await;
        let mut leaving = Self { new: new.to_owned(), commits: Vec::new(), boundary: None };
        for row in listed.map_err(|error| failure(&error))?.texts() {
            let (ids, subject) = row.split_once('\t').unwrap_or((&row, ""));
            let mut ids = ids.split_whitespace().map(str::to_owned);
            let Some(marked) = ids.next() else { continue };
            // A boundary is marked `-`, any other commit `>`.
            match marked.strip_prefix('-') {
                Some(boundary) => leaving.boundary = Some(boundary.to_owned()),
                None => leaving.commits.push(Commit {
                    id: marked.trim_start_matches('>').to_owned(),
                    parents: ids.collect(),
                    subject: subject.to_owned(),
                }),
            }
        }
        Ok(leaving)
    }

    pub fn count(&self) -> usize {
        self.commits.len()
    }

    /// What they build on; `None` when they share nothing with what the remote has.
    pub fn base(&self) -> Option<&str> {
        let nothing_leaves = self.commits.is_empty().then_some(self.new.as_str());
        nothing_leaves.or(self.boundary.as_deref())
    }

    /// The newest ones with their subjects, newest first.
    pub fn subjects(&self, most: usize) -> Vec<String> {
        let newest = self.commits.iter().rev().take(most);
        newest.map(|commit| format!("{} {}", short(&commit.id), commit.subject)).collect()
    }

    /// All of it as a card carries it. `replaced` is the commit the branch is at where the change of the branch is not
    /// what the commits say; `None` when nothing leaves and nothing is replaced.
    pub async fn shown(
        &self,
        repository: &Repository,
        replaced: Option<&str>,
    ) -> Result<Option<Untrusted>, ToolResult> {
        let mut text = Vec::new();
        let mut complete = self.commits.len() <= MOST_COMMITS;
        if let Some(old) = replaced {
            text.extend(format!("the branch goes from {old} to {}\n\n", self.new).into_bytes());
            let diff = repository.trees(change::arguments(old, &self.new)).success().await;
            let diff = diff.map_err(|error| failure(&error))?.stdout;
            complete &= (diff.len() as u64) < MOST_OUTPUT;
            text.extend(change::with_names(&diff));
        }
        complete &= self.lay_commits(repository, &mut text).await?;
        Ok((!text.is_empty()).then(|| Untrusted::new(change::cut(&text, complete))))
    }

    /// Whether all of them are there.
    async fn lay_commits(&self, repository: &Repository, text: &mut Vec<u8>) -> Result<bool, ToolResult> {
        let commits = self.commits.get(..MOST_COMMITS).unwrap_or(&self.commits);
        if commits.is_empty() {
            return Ok(true);
        }
        let ids: String = commits.iter().map(|commit| format!("{}\n", commit.id)).collect();
        let objects = repository.git(["cat-file", "--batch"]).stdin(ids.into_bytes()).success().await;
        let objects = objects.map_err(|error| failure(&error))?.stdout;
        let steps: Vec<(usize, String)> =
            commits.iter().enumerate().flat_map(|(at, commit)| commit.steps(at)).collect();
        let asked: String = steps.iter().map(|(_, step)| format!("{step}\n")).collect();
        let diff = repository.trees(change::of_commits()).stdin(asked.into_bytes());
        let diffs = diff.success().await.map_err(|error| failure(&error))?.stdout;
        let complete = (objects.len().max(diffs.len()) as u64) < MOST_OUTPUT;

        let diffs = change::with_names(&diffs);
        let mut lines = diffs.split_inclusive(|byte| *byte == b'\n').peekable();
        let mut unread = objects.as_slice();
        let mut upcoming = steps.iter().peekable();
        let mut laid = None;
        while let Some((at, step)) = upcoming.next() {
            let commit = &commits[*at];
            if laid != Some(*at) {
                let Some(object) = next_object(&mut unread) else { return Ok(false) };
                commit.lay(object, text);
                laid = Some(*at);
            }
            if let [_, _, ..] = commit.parents.as_slice() {
                let parent = step.split_once(' ').map(|(_, parent)| parent).unwrap_or_default();
                text.extend(format!("against its parent {parent}\n").into_bytes());
            }
            // Each diff begins with the id of its commit. No line inside of one can be an id.
            let is_id = |line: &[u8], id: &str| line.strip_suffix(b"\n") == Some(id.as_bytes());
            if lines.next().is_none_or(|line| !is_id(line, &commit.id)) {
                return Ok(false);
            }
            let next = upcoming.peek().map(|(at, _)| commits[*at].id.as_str());
            while let Some(line) = lines.next_if(|line| next.is_none_or(|next| !is_id(line, next))) {
                text.extend_from_slice(line);
            }
        }
        Ok(complete)
    }
}

impl Commit {
    /// What `git diff-tree` is asked for it: the diff against each parent, or all that a commit without any brings.
    fn steps(&self, at: usize) -> impl Iterator<Item = (usize, String)> {
        let alone = self.parents.is_empty().then(|| self.id.clone());
        alone
            .into_iter()
            .chain(self.parents.iter().map(|parent| format!("{} {parent}", self.id)))
            .map(move |step| (at, step))
    }

    fn lay(&self, object: &[u8], text: &mut Vec<u8>) {
        if !text.is_empty() {
            text.push(b'\n');
        }
        text.extend(format!("commit {}\n", self.id).into_bytes());
        for line in object.strip_suffix(b"\n").unwrap_or(object).split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                text.extend_from_slice(b"    ");
                text.extend_from_slice(line);
            }
            text.push(b'\n');
        }
        text.push(b'\n');
    }
}

/// What the remote has, as lines for git that leave it out. A push sends what these ids do not lead to. Of a branch
/// that has moved on to a commit unknown here, the remote has what was fetched of it; a branch that is gone from the
/// remote says nothing of what is still there.
async fn held(repository: &Repository, remote: &Remote, advertised: &Advertised) -> Result<String, ToolResult> {
    let ids: String = advertised.refs.iter().map(|(id, _)| format!("{id}\n")).collect();
    let asked = repository.git(["cat-file", "--batch-check=%(objectname)"]).stdin(ids.into_bytes()).success().await;
    let asked = asked.map_err(|error| failure(&error))?.text();
    let known = asked.lines().map(|line| !line.ends_with(" missing"));
    let rows = advertised.refs.iter().zip(known).filter_map(|((id, name), is_known)| match is_known {
        true => Some(format!("^{id}\n")),
        false => Some(format!("^refs/remotes/{}/{}\n", remote.name, name.strip_prefix("refs/heads/")?)),
    });
    Ok(rows.collect())
}

/// The content of the next object that `git cat-file --batch` printed; `None` where there is none.
fn next_object<'a>(unread: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = unread.iter().position(|byte| *byte == b'\n')?;
    let size = std::str::from_utf8(&unread[..end]).ok()?.rsplit(' ').next()?.parse::<usize>().ok()?;
    let content = &unread[end + 1..];
    let (object, after) = content.split_at(size.min(content.len()));
    *unread = after.strip_prefix(b"\n").unwrap_or(after);
    Some(object)
}

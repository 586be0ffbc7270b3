//! Where a push would go: a configured remote by name, its address without credentials, what it holds now.

use super::program::NETWORK_LIMIT;
use super::repository::{Repository, failure};
use crate::domain::{FailureKind, Output, ToolResult, Untrusted};

/// A configured remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    pub name: String,
    /// The address pushed to, as configured.
    url: String,
    /// Where its refs are read: by name, unless it is pushed to elsewhere than fetched from.
    asked: String,
}

/// What a remote said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advertised {
    /// The commit the branch is at, if it exists.
    pub branch: Option<String>,
    /// Name of the branch that its `HEAD` points to.
    pub default_branch: Option<String>,
    /// Ids and names of its branches and tags.
    pub refs: Vec<(String, String)>,
}

impl Remote {
    /// The remote of that name, or the one the branch would usually be pushed to.
    pub async fn find(repository: &Repository, name: Option<&str>, branch: &str) -> Result<Self, ToolResult> {
        let listed = repository.git(["remote"]).success().await.map_err(|error| failure(&error))?.text();
        let remotes: Vec<&str> = listed.lines().filter(|name| !name.starts_with('-')).collect();
        if remotes.is_empty() {
            return Err(ToolResult::failure(FailureKind::Failed, "the repository has no remote to push to"));
        }
        let name = match name {
            Some(name) => name.to_owned(),
            None => usual(repository, branch, &remotes).await,
        };
        if !remotes.contains(&name.as_str()) {
            let shown = Untrusted::from(name.as_str());
            let summary = format!("there is no remote `{}`; the remotes are: {}", shown.raw(), remotes.join(", "));
            return Err(ToolResult::failure(FailureKind::BadCall, summary));
        }
        Self::configured(repository, name).await
    }

    async fn configured(repository: &Repository, name: String) -> Result<Self, ToolResult> {
        let ask = async |options: &[&str]| {
            let args = ["remote", "get-url"].iter().chain(options).copied().chain([name.as_str()]);
            let ran = repository.git(args).success().await.map_err(|error| failure(&error))?;
            Ok::<_, ToolResult>(ran.text().lines().map(str::to_owned).collect::<Vec<_>>())
        };
        let pushed = ask(&["--push", "--all"]).await?;
        let [url] = pushed.as_slice() else {
            let summary = format!("remote {name} is pushed to {} addresses; only one can be approved", pushed.len());
            return Err(ToolResult::failure(FailureKind::Failed, summary));
        };
        let fetched = ask(&["--all"]).await?;
        let asked = if fetched.first() == Some(url) { name.clone() } else { url.clone() };
        let remote = Self { name, url: url.clone(), asked };
        remote.check_outside(repository)?;
        Ok(remote)
    }

    /// A repository inside the workspace would bring its own hooks, which an agent could have written.
    fn check_outside(&self, repository: &Repository) -> Result<(), ToolResult> {
        let path = self.url.strip_prefix("file://").unwrap_or(&self.url);
        let there = repository.home.join(path).canonicalize();
        let work_tree = repository.work_tree.canonicalize();
        if let (Ok(there), Ok(work_tree)) = (there, work_tree)
            && there.starts_with(work_tree)
        {
            let summary = format!("remote {} lies inside the workspace and is not pushed to", self.name);
            return Err(ToolResult::failure(FailureKind::Refused, summary));
        }
        Ok(())
    }

    /// The address as it may be shown: without user, password or token.
    pub fn shown(&self) -> String {
        redacted(&self.url)
    }

    /// Takes the credentials of the address out of what git said.
    pub fn redact(&self, text: &str) -> String {
        let text = text.replace(&self.url, &redacted(&self.url));
        match credentials(&self.url) {
            Some(secret) => text.replace(secret, "…"),
            None => text,
        }
    }

    /// Asks the remote where the branch stands, and what else it has.
    pub async fn advertised(&self, repository: &Repository, branch: &str) -> Result<Advertised, ToolResult> {
        let reference = format!("refs/heads/{branch}");
        let ask = ["ls-remote", "--symref", "--", &self.asked, "HEAD", "refs/heads/*", "refs/tags/*"];
        let ran = online(repository.git(ask).limit(NETWORK_LIMIT), repository).await.success().await;
        let ran = ran.map_err(|error| self.unreachable(&error.to_string()))?;
        let mut advertised = Advertised::default();
        for line in ran.text().lines() {
            if let Some((id, name)) = line.split_once('\t')
                && id.bytes().all(|byte| byte.is_ascii_hexdigit())
            {
                advertised.refs.push((id.to_owned(), name.to_owned()));
            }
            match line.split_once('\t') {
                Some((value, "HEAD")) => {
                    let default = value.strip_prefix("ref: refs/heads/").map(str::to_owned);
                    advertised.default_branch = advertised.default_branch.or(default);
                }
                Some((commit, name)) if name == reference => advertised.branch = Some(commit.to_owned()),
                _ => {}
            }
        }
        Ok(advertised)
    }

    /// A network failure with what to do about it.
    pub fn unreachable(&self, said: &str) -> ToolResult {
        let said = self.redact(said);
        let mut result =
            ToolResult::failure(FailureKind::Failed, format!("remote {} did not answer as it should", self.name));
        result.output = Output::text(format!("{said}\n{}", hint(&said)));
        result
    }
}

/// Prepares a command that goes over the network: where relative addresses start, and no question to a terminal.
pub async fn online(git: super::program::Git, repository: &Repository) -> super::program::Git {
    let git = git.cwd(&repository.home).fetching();
    if std::env::var_os("GIT_SSH").is_some() {
        return git;
    }
    let configured = repository.git(["config", "--get", "core.sshCommand"]).run().await.map(|ran| ran.text());
    let ssh = std::env::var("GIT_SSH_COMMAND").ok().or(configured.ok().filter(|ssh| !ssh.is_empty()));
    git.env("GIT_SSH_COMMAND", format!("{} -o BatchMode=yes", ssh.as_deref().unwrap_or("ssh")))
}

async fn usual(repository: &Repository, branch: &str, remotes: &[&str]) -> String {
    let configured = repository.git(["config", "--get", &format!("branch.{branch}.remote")]).run().await;
    let configured = configured.map(|ran| ran.text()).unwrap_or_default();
    let known = |name: &&&str| **name == configured.as_str();
    let usual = remotes.iter().find(known).or_else(|| remotes.iter().find(|name| **name == "origin"));
    usual.or(remotes.first()).map(|name| (*name).to_owned()).unwrap_or_default()
}

/// `user:password` of an address, where there is one.
fn credentials(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (secret, _) = authority.rsplit_once('@')?;
    // `ssh://git@host` names an account everybody shares; it is no secret and helps the reader.
    (!secret.is_empty() && secret != "git").then_some(secret)
}

fn redacted(url: &str) -> String {
    match credentials(url) {
        Some(secret) => url.replacen(&format!("{secret}@"), "…@", 1),
        None => url.to_owned(),
    }
}

fn hint(said: &str) -> &'static str {
    if said.contains("terminal prompts disabled") || said.contains("Authentication failed") {
        "Nobody is asked for a password here: set up a credential helper or a key for this remote, then try again."
    } else if said.contains("Permission denied") || said.contains("Host key verification failed") {
        "Connect once by hand with ssh, so that key and host are known to the agent of this session."
    } else if said.contains("Could not resolve host") || said.contains("did not end within") {
        "The network or the host is not reachable from here; try again later."
    } else {
        "Run the same push by hand in the repository to see what it needs."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_show() {
        assert_eq!(redacted("https://me:s3cret@example.com/a.git"), "https://…@example.com/a.git");
        assert_eq!(redacted("https://ghp_token@example.com/a.git"), "https://…@example.com/a.git");
        assert_eq!(redacted("https://a@b:c@example.com/x@y"), "https://…@example.com/x@y");
        for plain in ["https://example.com/a.git", "ssh://git@example.com/a", "git@example.com:a.git", "/srv/a@b.git"] {
            assert_eq!(redacted(plain), plain);
        }
    }

    #[test]
    fn what_git_says_is_redacted_too() {
        let url = "https://me:s3cret@example.com/a.git".to_owned();
        let remote = Remote { name: "origin".to_owned(), asked: url.clone(), url };
        let said = remote.redact("fatal: unable to access 'https://me:s3cret@example.com/a.git/': me:s3cret");
        assert!(!said.contains("s3cret"), "{said}");
    }
}

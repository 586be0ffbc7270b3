//! Where everything is, after options, environment and configuration had their say. Makes directories private.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::store::StorePlace;
use crate::cli::{Failure, GlobalOptions};
use crate::config::{Config, Overrides, Paths, PlatformDirs};
use crate::domain::{SourceText, Tenant, written_text};
use crate::tools::sandbox::SandboxSettings;

/// Where a server puts backups, below the data directory.
const BACKUPS: &str = "backups";

/// How a place came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Somebody named it.
    Named,
    /// It is where things are when nothing is said.
    Default,
}

/// All places of one process.
pub(super) struct Places {
    pub(super) paths: Paths,
    pub(super) store: StorePlace,
    pub(super) store_is: Choice,
    pub(super) tenant: Tenant,
    home: Option<PathBuf>,
}

/// The same options with every path absolute: whatever changes directory later, or reads them elsewhere, means the same.
pub(super) fn absolute(options: &GlobalOptions) -> Result<GlobalOptions, Failure> {
    let mut options = options.clone();
    let paths = options.config.iter_mut().chain(&mut options.data_dir).chain(&mut options.policy);
    for path in paths.filter(|path| !path.as_os_str().is_empty()) {
        *path = from_here(path)?;
    }
    if let Some(url) = options.db.as_deref().map(str::trim).filter(|url| !url.is_empty())
        && let StorePlace::Sqlite(path) = StorePlace::named(url)?
    {
        options.db = Some(format!("sqlite:{}", from_here(&path)?.display()));
    }
    Ok(options)
}

fn from_here(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::usage(format!("the current directory cannot be found, so a relative path cannot be used: {error}"))
            .at(path.display().to_string())
            .next("start from a directory that exists, or give an absolute path")
    })
}

impl Places {
    pub(super) fn of(options: &GlobalOptions) -> Result<Self, Failure> {
        let overrides = Overrides { config_file: options.config.clone(), data_dir: options.data_dir.clone() };
        let paths = Paths::new(overrides, PlatformDirs::of_user())
            .map_err(|error| Failure::usage(error.to_string()).next(error.hint))?;
        let (store, store_is) = match options.db.as_deref().map(str::trim).filter(|url| !url.is_empty()) {
            Some(url) => (StorePlace::named(url)?, Choice::Named),
            None => (StorePlace::Sqlite(paths.store_file()), Choice::Default),
        };
        let tenant = if options.tenant.is_empty() { Tenant::default() } else { Tenant(options.tenant.clone()) };
        let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        Ok(Self { paths, store, store_is, tenant, home })
    }

    /// The directory for everything this program writes; only its owner may look into it.
    pub(super) fn make_data_dir(&self) -> Result<(), Failure> {
        make_private(self.paths.data_dir(), "data directory")
    }

    /// The directory for backups that a server writes; nobody else may look into it either.
    pub(super) fn make_backup_dir(&self) -> Result<PathBuf, Failure> {
        let dir = self.backup_dir();
        make_private(&dir, "directory of backups")?;
        Ok(dir)
    }

    /// The same without making it.
    pub(super) fn backup_dir(&self) -> PathBuf {
        self.paths.data_dir().join(BACKUPS)
    }

    /// Path in the configuration, as a path on this machine.
    pub(super) fn resolve(&self, path: &Path) -> PathBuf {
        self.paths.resolve(path, self.home.as_deref())
    }

    /// Path that a person typed, as a path on this machine: they mean the directory the program was started in.
    pub(super) fn typed(&self, path: &Path) -> PathBuf {
        match std::env::current_dir() {
            Ok(here) if !path.starts_with("~") => here.join(path),
            _ => self.resolve(path),
        }
    }

    /// The user's policies: those of the configuration, then those of the command line.
    pub(super) fn policy_files(&self, config: &Config, options: &GlobalOptions) -> Result<Vec<SourceText>, Failure> {
        let configured = config.policy.files.iter().map(|path| self.resolve(path));
        configured.chain(options.policy.iter().cloned()).map(|path| read(&path, "policy")).collect()
    }

    pub(super) fn sandbox_settings(&self, config: &Config) -> SandboxSettings {
        let hidden = [self.paths.data_dir(), self.paths.config_dir(), self.paths.log_dir()];
        SandboxSettings {
            hidden: hidden.into_iter().map(Path::to_owned).chain(self.store.hidden(self.paths.data_dir())).collect(),
            choice: config.sandbox.rung,
            ..SandboxSettings::default()
        }
    }
}

/// A text that a person wrote and that must be there.
pub(super) fn read(path: &Path, what: &str) -> Result<SourceText, Failure> {
    let place = path.display().to_string();
    let failed = |problem: String, hint| {
        Failure::usage(format!("the {what} file cannot be read: {problem}")).at(place.clone()).next(hint)
    };
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string(), "check the path and its permissions"))?;
    let text = written_text(bytes).map_err(|error| failed(error.message, error.hint))?;
    Ok(SourceText::new(place.clone(), text))
}

fn make_private(dir: &Path, what: &str) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(dir).map_err(|error| {
        Failure::usage(format!("the {what} cannot be made: {error}"))
            .at(dir.display().to_string())
            .next("check what is there and who owns it; HOME and XDG_DATA_HOME lead there, unless --data-dir names another place")
    })
}

/// Who decides here: as told, else the login name by the environment, else by the system's database of users.
pub(super) fn person(options: &GlobalOptions) -> String {
    let named = |name: &str| std::env::var(name).ok();
    first_name([options.user.clone(), named("USER"), named("LOGNAME"), login_name()])
        .unwrap_or_else(|| format!("uid{}", rustix::process::getuid().as_raw()))
}

fn first_name(names: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    names.into_iter().flatten().map(|name| name.trim().to_owned()).find(|name| !name.is_empty())
}

/// The name of the user this process runs as; a user that the system has no entry of has none.
fn login_name() -> Option<String> {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::current());
    user.ok().flatten().map(|user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_that_is_one_counts_and_the_system_knows_the_login_name() {
        let given = |name: &str| Some(name.to_owned());
        assert_eq!(first_name([None, given(" "), given(" ana "), given("root")]).unwrap(), "ana");
        assert_eq!(first_name([None, given("")]), None);
        let asked = std::process::Command::new("id").arg("-un").output().unwrap();
        assert_eq!(login_name().unwrap(), String::from_utf8(asked.stdout).unwrap().trim());
    }

    #[test]
    fn directories_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let made = dir.path().join("a/b");
        make_private(&made, "directory").unwrap();
        make_private(&made, "directory").unwrap();
        assert_eq!(std::fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

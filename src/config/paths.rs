//! Where things are: the configuration, the store, workspaces and logs. Computes paths, touches no file.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

/// Directories the operating system's conventions give a program (XDG on Linux).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformDirs {
    pub config: PathBuf,
    pub data: PathBuf,
    pub state: PathBuf,
}

impl PlatformDirs {
    /// Those of the user who runs this process; `None` when the user has no home directory, or one that depends on where
    /// the program is started.
    pub fn of_user() -> Option<Self> {
        let dirs = ProjectDirs::from("", "", "morningai")?;
        let data = dirs.data_local_dir().to_owned();
        let state = dirs.state_dir().unwrap_or(&data).to_owned();
        // Of the XDG variables those are left out that are not absolute, as their specification wants; HOME is not.
        let is_fixed = dirs.config_dir().is_absolute() && data.is_absolute() && state.is_absolute();
        is_fixed.then(|| Self { config: dirs.config_dir().to_owned(), data, state })
    }
}

/// What the command line or the environment says instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--config`, `MORNINGAI_CONFIG`: the file. Agents, procedures and keys are looked for beside it.
    pub config_file: Option<PathBuf>,
    /// `--data-dir`, `MORNINGAI_DATA_DIR`: everything this program writes, logs included.
    pub data_dir: Option<PathBuf>,
}

/// All places this program reads and writes of its own accord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    config_file: PathBuf,
    config_dir: PathBuf,
    data_dir: PathBuf,
    log_dir: PathBuf,
}

/// Whether a file is not there, be it that what should be a directory on the way to it is none (`HOME=/dev/null`).
pub fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// No place for the files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("HOME names no absolute directory to keep {what} in")]
pub struct PathsError {
    what: &'static str,
    /// What to do next.
    pub hint: &'static str,
}

impl Paths {
    /// The overrides where there are any, else the platform's directories. An empty override counts as none.
    pub fn new(overrides: Overrides, platform: Option<PlatformDirs>) -> Result<Self, PathsError> {
        let given = |path: Option<PathBuf>| path.filter(|path| !path.as_os_str().is_empty());
        let (config_file, data_dir) = (given(overrides.config_file), given(overrides.data_dir));
        let config_file = config_file.or_else(|| platform.as_ref().map(|dirs| dirs.config.join("config.toml")));
        let config_file = config_file.ok_or(PathsError {
            what: "the configuration",
            hint: "set HOME to an absolute path, or give --config FILE",
        })?;
        let places = match (data_dir, platform) {
            (Some(data), _) => Some((data.join("logs"), data)),
            (None, Some(dirs)) => Some((dirs.state.join("logs"), dirs.data)),
            (None, None) => None,
        };
        let (log_dir, data_dir) =
            places.ok_or(PathsError { what: "data", hint: "set HOME to an absolute path, or give --data-dir DIR" })?;
        let config_dir = config_file.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { config_file, config_dir, data_dir, log_dir })
    }

    pub fn config_file(&self) -> &Path {
        &self.config_file
    }

    pub fn config_dir(&self) -> &Path {
        &self.config_dir
    }

    /// The user's agents, one Markdown file each.
    pub fn agents_dir(&self) -> PathBuf {
        self.config_dir.join("agents")
    }

    /// The user's procedures, one Markdown file each.
    pub fn procedures_dir(&self) -> PathBuf {
        self.config_dir.join("procedures")
    }

    /// The user's keys, used when the configuration names no other file.
    pub fn keys_file(&self) -> PathBuf {
        self.config_dir.join("keys.toml")
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The default store.
    pub fn store_file(&self) -> PathBuf {
        self.data_dir.join("morningai.db")
    }

    /// One directory for each run.
    pub fn workspaces_dir(&self) -> PathBuf {
        self.data_dir.join("workspaces")
    }

    pub fn log_dir(&self) -> &Path {
        &self.log_dir
    }

    /// A path from the configuration: relative ones are relative to it, `~/` is the home directory given.
    pub fn resolve(&self, path: &Path, home: Option<&Path>) -> PathBuf {
        match (path.strip_prefix("~"), home) {
            (Ok(below), Some(home)) => home.join(below),
            _ => self.config_dir.join(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform() -> Option<PlatformDirs> {
        let [config, data, state] = ["/h/.config/m", "/h/.local/share/m", "/h/.local/state/m"].map(PathBuf::from);
        Some(PlatformDirs { config, data, state })
    }

    #[test]
    fn the_platform_decides_where_nobody_else_does() {
        let paths = Paths::new(Overrides::default(), platform()).unwrap();
        assert_eq!(paths.config_file(), Path::new("/h/.config/m/config.toml"));
        assert_eq!(paths.agents_dir(), Path::new("/h/.config/m/agents"));
        assert_eq!(paths.store_file(), Path::new("/h/.local/share/m/morningai.db"));
        assert_eq!(paths.log_dir(), Path::new("/h/.local/state/m/logs"));
    }

    #[test]
    fn an_override_moves_everything_that_belongs_to_it() {
        let overrides = Overrides { config_file: Some("/etc/m/c.toml".into()), data_dir: Some("/srv/m".into()) };
        let paths = Paths::new(overrides, None).unwrap();
        assert_eq!(paths.procedures_dir(), Path::new("/etc/m/procedures"));
        assert_eq!(paths.workspaces_dir(), Path::new("/srv/m/workspaces"));
        assert_eq!(paths.log_dir(), Path::new("/srv/m/logs"));
        let blank = Overrides { config_file: Some("".into()), data_dir: None };
        assert_eq!(Paths::new(blank, platform()), Paths::new(Overrides::default(), platform()));
    }

    #[test]
    fn without_a_home_it_says_which_option_helps() {
        let error = Paths::new(Overrides::default(), None).unwrap_err();
        assert_eq!(error.hint, "set HOME to an absolute path, or give --config FILE");
        let overrides = Overrides { config_file: Some("/etc/m/c.toml".into()), data_dir: None };
        assert_eq!(
            Paths::new(overrides, None).unwrap_err().to_string(),
            "HOME names no absolute directory to keep data in"
        );
    }

    #[test]
    fn paths_in_the_configuration_are_relative_to_it() {
        let paths = Paths::new(Overrides::default(), platform()).unwrap();
        let home = Some(Path::new("/h"));
        assert_eq!(paths.resolve(Path::new("a.cedar"), home), Path::new("/h/.config/m/a.cedar"));
        assert_eq!(paths.resolve(Path::new("~/a.cedar"), home), Path::new("/h/a.cedar"));
        assert_eq!(paths.resolve(Path::new("/a.cedar"), home), Path::new("/a.cedar"));
    }
}

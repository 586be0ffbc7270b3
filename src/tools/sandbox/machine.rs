//! What of this machine a confined program needs (system, toolchains, environment) and what it must never see.
//!
//! Anything not listed as readable does not exist for it: the lists of secrets only matter where one lies inside
//! something readable, or where a person's configuration makes more readable.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The parts of this process's surroundings that decide. Captured once, so that tests can make their own.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    pub home: Option<PathBuf>,
    pub env: BTreeMap<String, String>,
}

/// System directories and files: programs, libraries, their settings, and what run-time systems ask the kernel.
const SYSTEM: &[&str] = &[
    "/bin",
    "/etc",
    "/home/linuxbrew/.linuxbrew",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/opt",
    "/run/current-system",
    "/sbin",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
    "/usr",
];

/// Toolchains below the home directory.
const TOOLCHAINS: &[&str] = &[
    ".asdf",
    ".bun",
    ".cargo",
    ".deno",
    ".local/bin",
    ".local/lib",
    ".local/share/mise",
    ".nvm",
    ".pyenv",
    ".rbenv",
    ".rustup",
    ".sdkman/candidates",
    ".volta",
    "go/bin",
    "go/pkg",
];

/// Variables that name a toolchain's place, and the place below home they default to.
const TOOLCHAIN_VARIABLES: &[(&str, &str)] = &[
    ("CARGO_HOME", ".cargo"),
    ("GOPATH", "go"),
    ("GOROOT", ""),
    ("JAVA_HOME", ""),
    ("NVM_DIR", ".nvm"),
    ("PYENV_ROOT", ".pyenv"),
    ("RUSTUP_HOME", ".rustup"),
    ("VIRTUAL_ENV", ""),
    ("VOLTA_HOME", ".volta"),
];

/// Variables passed on as they are, besides `LC_*`.
const PASSED_ON: &[&str] = &["LANG", "LANGUAGE", "LOGNAME", "RUSTUP_TOOLCHAIN", "TZ", "USER"];

/// Variables set for every program: no colours, no questions, and no waiting for a network that is not there.
const SET: &[(&str, &str)] = &[
    ("CARGO_NET_OFFLINE", "true"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GOPROXY", "off"),
    ("GOTOOLCHAIN", "local"),
    ("NO_COLOR", "1"),
    ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
    ("PIP_NO_INDEX", "1"),
    ("RUSTUP_AUTO_INSTALL", "0"),
    ("SHELL", "/bin/sh"),
    ("TERM", "dumb"),
    ("npm_config_offline", "true"),
    ("npm_config_update_notifier", "false"),
];

const SYSTEM_SECRETS: &[&str] = &[
    "/etc/NetworkManager/system-connections",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/krb5.keytab",
    "/etc/kubernetes",
    "/etc/rancher",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/wireguard",
];

const HOME_SECRETS: &[&str] = &[
    ".aws",
    ".azure",
    ".bash_history",
    ".config/gcloud",
    ".config/gh",
    ".config/git/credentials",
    ".config/hub",
    ".docker",
    ".git-credentials",
    ".gnupg",
    ".kube",
    ".local/share/fish/fish_history",
    ".local/share/keyrings",
    ".mysql_history",
    ".netrc",
    ".npmrc",
    ".password-store",
    ".pgpass",
    ".psql_history",
    ".pypirc",
    ".python_history",
    ".ssh",
    ".terraform.d/credentials.tfrc.json",
    ".vault-token",
    ".zsh_history",
];

impl Machine {
    pub fn of_this_process(home: Option<PathBuf>) -> Self {
        let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        let env: BTreeMap<_, _> = std::env::vars_os().filter_map(text).collect();
        Self { home: home.or_else(std::env::home_dir), env }
    }

    /// Trees and files to read and execute.
    pub fn readable(&self) -> Vec<PathBuf> {
        let mut readable: Vec<_> = SYSTEM.iter().map(PathBuf::from).collect();
        if let Some(home) = &self.home {
            readable.extend(TOOLCHAINS.iter().map(|place| home.join(place)));
        }
        let named = TOOLCHAIN_VARIABLES.iter().filter_map(|(name, _)| {
            // A Go path also holds the user's own sources.
            let place = if *name == "GOPATH" { "pkg" } else { "" };
            Some(Path::new(self.env.get(*name)?).join(place))
        });
        readable.extend(named.chain(self.program_directories()).filter(|path| self.is_harmless(path)));
        readable
    }

    /// Credentials and histories.
    pub fn secrets(&self) -> Vec<PathBuf> {
        let mut secrets: Vec<_> = SYSTEM_SECRETS.iter().map(PathBuf::from).collect();
        if let Some(home) = &self.home {
            secrets.extend(HOME_SECRETS.iter().map(|place| home.join(place)));
        }
        let named = self.env.get("CARGO_HOME").map(PathBuf::from);
        let usual = self.home.as_ref().map(|home| home.join(".cargo"));
        secrets.extend([named, usual].into_iter().flatten().flat_map(|cargo| cargo_secrets(&cargo)));
        secrets
    }

    /// The environment of every confined program, HOME and TMPDIR excepted. Everything else is dropped.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let mut env: BTreeMap<_, _> =
            SET.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for (name, value) in &self.env {
            if PASSED_ON.contains(&name.as_str()) || name.starts_with("LC_") {
                env.insert(name.clone(), value.clone());
            }
        }
        let path: Vec<_> = self.program_directories().map(|directory| directory.display().to_string()).collect();
        env.insert("PATH".to_owned(), path.join(":"));
        for (name, place) in TOOLCHAIN_VARIABLES {
            // Its home is elsewhere inside, so a toolchain must be told where it is.
            let Some(directory) = self.toolchain(name, place).filter(|directory| directory.is_dir()) else { continue };
            env.insert((*name).to_owned(), directory.display().to_string());
        }
        env
    }

    /// The directories of PATH that are absolute: a relative one would mean the workspace.
    pub fn program_directories(&self) -> impl Iterator<Item = PathBuf> {
        let path = self.env.get("PATH").map_or("/usr/local/bin:/usr/bin:/bin", String::as_str);
        std::env::split_paths(path).filter(|directory| directory.is_absolute()).collect::<Vec<_>>().into_iter()
    }

    fn toolchain(&self, variable: &str, place: &str) -> Option<PathBuf> {
        let named = self.env.get(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        named.or_else(|| (!place.is_empty()).then(|| self.home.as_ref().map(|home| home.join(place)))?)
    }

    /// Whether a directory somebody put into a variable is one of programs: not all of a home, or of the machine.
    fn is_harmless(&self, directory: &Path) -> bool {
        let real = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let holds_homes = ["/", "/home", "/root", "/tmp", "/var", "/mnt", "/media", "/srv", "/run", "/dev", "/proc"];
        let holds_this_home = self.home.as_ref().is_some_and(|home| home.starts_with(&real));
        directory.is_absolute() && !holds_homes.iter().any(|place| Path::new(place) == real) && !holds_this_home
    }
}

/// Cargo's credentials. Its settings are needed to build offline, unless somebody keeps a token in them.
fn cargo_secrets(cargo: &Path) -> Vec<PathBuf> {
    let has_token = |file: &PathBuf| {
        fs::read(file).is_ok_and(|text| String::from_utf8_lossy(&text).to_ascii_lowercase().contains("token"))
    };
    let settings = ["config", "config.toml"].map(|name| cargo.join(name)).into_iter().filter(has_token);
    settings.chain(["credentials", "credentials.toml"].map(|name| cargo.join(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(variables: &[(&str, &str)]) -> Machine {
        let env = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Machine { home: Some(PathBuf::from("/home/ada")), env }
    }

    #[test]
    fn secrets_of_the_environment_are_not_passed_on() {
        let env = machine(&[("OPENAI_API_KEY", "sk"), ("LC_ALL", "C"), ("SSH_AUTH_SOCK", "/x")]).environment();
        assert_eq!(env.get("LC_ALL").map(String::as_str), Some("C"));
        assert!(!env.contains_key("OPENAI_API_KEY") && !env.contains_key("SSH_AUTH_SOCK"));
    }

    #[test]
    fn a_relative_program_directory_is_dropped() {
        let env = machine(&[("PATH", "/usr/bin:.::node_modules/.bin:/bin")]).environment();
        assert_eq!(env.get("PATH").map(String::as_str), Some("/usr/bin:/bin"));
    }

    #[test]
    fn a_variable_cannot_make_a_home_readable() {
        let readable = machine(&[("PATH", "/home/ada:/home:/srv/tools/bin"), ("GOPATH", "/")]).readable();
        assert!(readable.contains(&PathBuf::from("/srv/tools/bin")));
        for place in ["/home/ada", "/home", "/"] {
            assert!(!readable.contains(&PathBuf::from(place)), "{place}");
        }
    }

    #[test]
    fn a_token_in_cargos_settings_hides_them() {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join(".cargo/config.toml");
        fs::create_dir(home.path().join(".cargo")).unwrap();
        let machine = Machine { home: Some(home.path().to_owned()), env: BTreeMap::new() };
        fs::write(&config, "[net]\nretry = 1\n").unwrap();
        assert!(!machine.secrets().contains(&config));
        fs::write(&config, "[registry]\ntoken = \"x\"\n").unwrap();
        assert!(machine.secrets().contains(&config));
    }
}

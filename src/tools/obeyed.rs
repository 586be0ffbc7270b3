//! Files that other programs obey: which program runs, or does, what is in them, by their names. A person who enters a
//! directory, opens it in an editor or builds in it should know that they have changed.
//!
//! Advice for those who decide; nothing is refused because of it. Nothing of ours outside the sandbox obeys any of them.

use std::path::Path;

use crate::tools::names;

/// Files that a report names one by one.
const MOST_NAMED: usize = 12;

/// Who obeys files of these names, in whichever directory.
const NAMES: &[(&str, &[&str])] = &[
    (
        "AI agents",
        &["agents.md", "claude.md", "gemini.md", ".cursorrules", ".windsurfrules", ".mcp.json", ".aider.conf.yml"],
    ),
    ("Bazel", &[".bazelrc", "build.bazel", "module.bazel", "workspace.bazel"]),
    ("Bundler", &["gemfile", ".bundle"]),
    ("Cargo", &["build.rs", "rust-toolchain", "rust-toolchain.toml"]),
    (
        "continuous integration",
        &[
            ".gitlab-ci.yml",
            "jenkinsfile",
            ".travis.yml",
            "azure-pipelines.yml",
            ".drone.yml",
            "appveyor.yml",
            "bitbucket-pipelines.yml",
            "cloudbuild.yaml",
            ".woodpecker.yml",
            ".cirrus.yml",
        ],
    ),
    (
        "containers",
        &["dockerfile", "containerfile", "docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"],
    ),
    ("debuggers", &[".gdbinit", ".lldbinit", ".pdbrc", ".pryrc", ".irbrc"]),
    ("direnv", &[".envrc", ".direnvrc"]),
    ("Emacs", &[".dir-locals.el", ".dir-locals-2.el"]),
    ("git", &[".gitattributes", ".gitmodules", ".gitconfig", ".lfsconfig"]),
    (
        "git hooks",
        &[
            ".pre-commit-config.yaml",
            "lefthook.yml",
            "lefthook.yaml",
            ".lefthook.yml",
            ".overcommit.yml",
            ".huskyrc",
            ".huskyrc.json",
            ".lintstagedrc",
            ".lintstagedrc.json",
        ],
    ),
    (
        "Gradle or Maven",
        &[
            "build.gradle",
            "build.gradle.kts",
            "settings.gradle",
            "settings.gradle.kts",
            "init.gradle",
            "gradlew",
            "mvnw",
            "pom.xml",
        ],
    ),
    ("just", &["justfile", ".justfile"]),
    ("make", &["makefile", "gnumakefile", "bsdmakefile"]),
    ("Nix", &["flake.nix", "shell.nix", "default.nix"]),
    (
        "npm and its kin",
        &[
            "package.json",
            ".npmrc",
            ".yarnrc",
            ".yarnrc.yml",
            ".pnp.cjs",
            ".pnp.js",
            ".pnpmfile.cjs",
            "pnpmfile.js",
            "pnpm-workspace.yaml",
            "bunfig.toml",
            "deno.json",
            "deno.jsonc",
            "binding.gyp",
        ],
    ),
    (
        "Python",
        &[
            "conftest.py",
            "setup.py",
            "setup.cfg",
            "pyproject.toml",
            "noxfile.py",
            "tox.ini",
            "pytest.ini",
            "sitecustomize.py",
            "usercustomize.py",
            "pip.conf",
            ".pythonrc",
            "tasks.py",
        ],
    ),
    ("Rake", &["rakefile"]),
    (
        "shells",
        &[
            ".bashrc",
            ".bash_profile",
            ".bash_login",
            ".bash_logout",
            ".bash_aliases",
            ".profile",
            ".zshrc",
            ".zshenv",
            ".zprofile",
            ".zlogin",
            ".zlogout",
            ".kshrc",
            ".cshrc",
            ".tcshrc",
            ".login",
            "config.fish",
            ".inputrc",
            ".env",
            ".autoenv",
            ".autoenv.zsh",
        ],
    ),
    ("SSH", &["authorized_keys", "known_hosts", "ssh_config"]),
    ("Task", &["taskfile.yml", "taskfile.yaml"]),
    ("terminals", &[".tmux.conf", ".screenrc"]),
    ("Vagrant", &["vagrantfile"]),
    (
        "version managers",
        &[
            ".tool-versions",
            "mise.toml",
            ".mise.toml",
            ".nvmrc",
            ".node-version",
            ".python-version",
            ".ruby-version",
            ".java-version",
            ".sdkmanrc",
        ],
    ),
    ("Vim", &[".vimrc", "_vimrc", ".exrc", "_exrc", ".nvimrc", ".nvim.lua", ".lvimrc", ".local.vimrc", ".gvimrc"]),
];

/// Who obeys all that is in directories of these names.
const DIRECTORIES: &[(&str, &[&str])] = &[
    ("AI agents", &[".claude", ".cursor", ".gemini", ".codex"]),
    ("Cargo", &[".cargo"]),
    ("continuous integration", &[".circleci", ".buildkite", ".woodpecker", ".gitea", ".forgejo"]),
    ("containers", &[".devcontainer"]),
    ("git hooks", &[".husky", ".githooks", ".git-hooks", "githooks"]),
    ("JetBrains", &[".idea", ".fleet"]),
    ("Gradle or Maven", &[".mvn", "buildsrc"]),
    ("SSH", &[".ssh"]),
    ("version managers", &[".mise"]),
    ("Vim", &[".vim", ".nvim"]),
    ("Visual Studio Code", &[".vscode", ".vscode-server"]),
    ("Zed", &[".zed"]),
];

/// The program that obeys a file of this name; names are compared as a disk that knows no case does.
pub fn obeyed_by(path: &Path) -> Option<&'static str> {
    let lower = |part: &std::ffi::OsStr| part.to_string_lossy().to_lowercase();
    let name = lower(path.file_name()?);
    let named = |table: &[(&'static str, &[&str])], name: &str| {
        table.iter().find(|(_, names)| names.contains(&name)).map(|(who, _)| *who)
    };
    let above: Vec<String> = path.parent().into_iter().flat_map(Path::iter).map(lower).collect();
    let pair = |first: &str, second: &str| above.windows(2).any(|parts| parts[0] == first && parts[1] == second);
    named(NAMES, &name)
        .or_else(|| above.iter().find_map(|directory| named(DIRECTORIES, directory)))
        .or_else(|| (pair(".github", "workflows") || pair(".github", "actions")).then_some("continuous integration"))
        .or_else(|| pair("node_modules", ".bin").then_some("npm and its kin"))
        .or_else(|| name.ends_with(".pth").then_some("Python"))
        .or_else(|| name.ends_with(".code-workspace").then_some("Visual Studio Code"))
        .or_else(|| (name.ends_with(".mk") || name.ends_with(".mak")).then_some("make"))
        // Beside a file `HEAD`, this is the configuration of a repository that was committed as files.
        .or_else(|| (name == "config" && above.last().is_some_and(|part| part.ends_with(".git"))).then_some("git"))
}

/// What there is to say of changed files; `None` when no other program obeys any of them.
pub fn notice<'a>(changed: impl IntoIterator<Item = &'a Path>) -> Option<String> {
    let obeyed: Vec<String> = changed
        .into_iter()
        .filter_map(|path| Some((path, obeyed_by(path)?)))
        .map(|(path, who)| format!("`{}` ({who})", names::written(path)))
        .collect();
    // A single one is named rather than counted.
    let most = if obeyed.len() == MOST_NAMED + 1 { obeyed.len() } else { MOST_NAMED };
    let named = obeyed.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    let more = obeyed.len().saturating_sub(most);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!obeyed.is_empty()).then(|| format!("changed files that control other programs: {named}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_obeyed_is_named_with_who_obeys_it() {
        let by = |path: &str| obeyed_by(Path::new(path));
        for (path, who) in [
            (".envrc", "direnv"),
            ("deep/down/.EnvRC", "direnv"),
            ("Makefile", "make"),
            ("web/package.json", "npm and its kin"),
            (".vscode/tasks.json", "Visual Studio Code"),
            (".cargo/config.toml", "Cargo"),
            (".github/workflows/ci.yml", "continuous integration"),
            (".husky/pre-commit", "git hooks"),
            (".exrc", "Vim"),
            ("tests/conftest.py", "Python"),
            ("a/node_modules/.bin/tsc", "npm and its kin"),
            ("fixtures/repo.git/config", "git"),
            (".gitattributes", "git"),
        ] {
            assert_eq!(by(path), Some(who), "{path}");
        }
        for path in ["src/lib.rs", "README.md", ".github/CODEOWNERS", "config", ".gitignore", "makefile.md"] {
            assert_eq!(by(path), None, "{path}");
        }
        let all = [Path::new("src/lib.rs"), Path::new(".envrc"), Path::new("Makefile")];
        let told = notice(all).unwrap();
        assert_eq!(told, "changed files that control other programs: `.envrc` (direnv), `Makefile` (make)");
        assert_eq!(notice([Path::new("src/lib.rs")]), None);
        let odd = notice([Path::new("⟨→/.envrc"), Path::new("a\nb/Makefile")]).unwrap();
        assert!(odd.ends_with(": `⟨→/.envrc` (direnv), `a\\x0ab/Makefile` (make)"), "as tools take it: {odd}");
    }
}

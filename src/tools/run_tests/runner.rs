//! Which runner a project has, and the command line that runs its tests. Looks at files; runs nothing.

use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cargo::Cargo;
use super::go::Go;
use super::js::Js;
use super::pytest::Pytest;
use super::report::Parser;
use super::unittest::Unittest;
use crate::tools::names;

/// A program that finds and runs tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Runner {
    Cargo,
    Go,
    Npm,
    Pytest,
    Unittest,
}

/// In the order they are looked for: a Python helper beside a Rust project does not make it a Python project.
const ALL: [Runner; 5] = [Runner::Cargo, Runner::Go, Runner::Npm, Runner::Pytest, Runner::Unittest];

/// Where tests are to be run, with what, and on which part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Project {
    pub runner: Runner,
    /// The directory of its manifest.
    pub directory: PathBuf,
}

/// What to run in a project.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Selection<'a> {
    /// Only tests whose name has this in it.
    pub filter: Option<&'a str>,
    /// Only tests below this file or directory, absolute.
    pub path: Option<&'a Path>,
}

impl Runner {
    pub fn name(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Go => "go",
            Self::Npm => "npm",
            Self::Pytest => "pytest",
            Self::Unittest => "unittest",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        ALL.into_iter().find(|runner| runner.name() == name)
    }

    pub fn parser(self) -> Box<dyn Parser> {
        match self {
            Self::Cargo => Box::<Cargo>::default(),
            Self::Go => Box::<Go>::default(),
            Self::Npm => Box::<Js>::default(),
            Self::Pytest => Box::<Pytest>::default(),
            Self::Unittest => Box::<Unittest>::default(),
        }
    }

    /// Variables that make output complete and plain.
    pub fn env(self) -> &'static [&'static str] {
        match self {
            Self::Cargo => &["CARGO_TERM_COLOR=never", "CARGO_TERM_PROGRESS_WHEN=never", "RUST_BACKTRACE=0"],
            // Without it, test runners may wait for changes, or write missing snapshots instead of failing.
            Self::Npm => &["CI=true"],
            // Short summaries are cut to the terminal's width.
            Self::Pytest => &["COLUMNS=200"],
            Self::Go | Self::Unittest => &[],
        }
    }

    /// Whether `directory` is the top of a project of this kind by what its own files declare.
    fn is_declared_at(self, directory: &Path) -> bool {
        let has = |name: &str| directory.join(name).is_file();
        match self {
            Self::Cargo => has("Cargo.toml"),
            Self::Go => has("go.mod"),
            Self::Npm => has("package.json") && test_script(directory).is_some(),
            Self::Pytest => {
                has("pytest.ini")
                    || mentions(&directory.join("pyproject.toml"), "pytest")
                    || mentions(&directory.join("setup.cfg"), "[tool:pytest]")
                    || mentions(&directory.join("tox.ini"), "pytest")
            }
            Self::Unittest => false,
        }
    }

    /// Whether there are tests of this kind at or below `directory` without anything that declares a project.
    fn is_loose_at(self, directory: &Path) -> bool {
        match self {
            Self::Cargo | Self::Go | Self::Npm => false,
            Self::Pytest => python_tests(directory).iter().any(|file| !mentions(file, "unittest")),
            Self::Unittest => !python_tests(directory).is_empty(),
        }
    }
}

/// The project that holds `from` (a file or directory inside `root`): the nearest above it, else one directly below
/// `root`. `wanted` restricts it to one runner. The error says what was looked for.
pub(super) fn find(root: &Path, from: &Path, wanted: Option<Runner>) -> Result<Project, String> {
    // Tests in Python may lie in a project of any kind.
    let python_only = wanted.is_none() && from.extension().is_some_and(|extension| extension == "py");
    let fits = |runner: &Runner| match wanted {
        Some(wanted) => wanted == *runner,
        None => !python_only || matches!(runner, Runner::Pytest | Runner::Unittest),
    };
    let candidates: Vec<_> = ALL.into_iter().filter(fits).collect();
    let declared = |directory: &Path| candidates.iter().copied().find(|runner| runner.is_declared_at(directory));
    let loose = |directory: &Path| candidates.iter().copied().find(|runner| runner.is_loose_at(directory));
    let above: Vec<_> = from.ancestors().take_while(|directory| directory.starts_with(root)).collect();
    // Loose Python tests import what lies beside their directory, so the outermost place is the one to run them from.
    let found = above.iter().find_map(|directory| Some((declared(directory)?, directory)));
    let found = found.or_else(|| above.iter().rev().find_map(|directory| Some((loose(directory)?, directory))));
    if let Some((runner, directory)) = found {
        return Ok(Project { runner, directory: directory.to_path_buf() });
    }
    let kind = |directory: &Path| declared(directory).or_else(|| loose(directory));
    let below = subdirectories(root);
    let project = |directory: &PathBuf| Some(Project { runner: kind(directory)?, directory: directory.clone() });
    let mut found = below.iter().filter_map(project);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (Some(first), Some(second)) => {
            let name = |project: &Project| names::written(project.directory.strip_prefix(root).unwrap_or(root));
            Err(format!(
                "several projects, such as {:?} and {:?}: choose one with \"path\"",
                name(&first),
                name(&second)
            ))
        }
        (None, _) => {
            let names: Vec<_> = candidates.iter().map(|runner| runner.name()).collect();
            Err(format!("no tests found for {}: no manifest and no test files", names.join(", ")))
        }
    }
}

impl Project {
    /// The command line. It is the runner's own; a workspace's scripts run inside the sandbox like everything else.
    pub fn argv(&self, selection: Selection<'_>) -> Vec<String> {
        let path = selection.path.and_then(|path| path.strip_prefix(&self.directory).ok());
        let path = path.filter(|path| !path.as_os_str().is_empty()).map(|path| format!("./{}", path.display()));
        let filter = selection.filter;
        match self.runner {
            Runner::Cargo => words(&["cargo", "test", "--no-fail-fast"], filter),
            Runner::Go => self.go(filter, path),
            Runner::Npm => self.npm(filter, path),
            Runner::Pytest => self.pytest(filter, path),
            Runner::Unittest => self.unittest(filter, path),
        }
    }

    fn go(&self, filter: Option<&str>, path: Option<String>) -> Vec<String> {
        let mut argv = words(&["go", "test", "-json"], None);
        argv.extend(filter.map(|filter| format!("-run={filter}")));
        argv.push(match path {
            // A file's tests belong to the package of its directory.
            Some(file) if file.ends_with(".go") => {
                Path::new(&file).parent().unwrap_or(Path::new(".")).display().to_string()
            }
            Some(directory) => format!("{directory}/..."),
            None => "./...".to_owned(),
        });
        argv
    }

    fn npm(&self, filter: Option<&str>, path: Option<String>) -> Vec<String> {
        let script = test_script(&self.directory).unwrap_or_default();
        let mut argv = words(&["npm", "test", "--silent"], None);
        if filter.is_some() || path.is_some() {
            argv.push("--".to_owned());
        }
        if let Some(filter) = filter {
            let option = if script.contains("mocha") {
                "--grep"
            } else if script.contains("node --test") || script.contains("node:test") {
                "--test-name-pattern"
            } else {
                "--testNamePattern"
            };
            argv.push(format!("{option}={filter}"));
        }
        argv.extend(path);
        argv
    }

    fn pytest(&self, filter: Option<&str>, path: Option<String>) -> Vec<String> {
        let mut argv = words(&[&self.python(), "-m", "pytest", "--tb=short", "-rfE", "--color=no"], None);
        match filter {
            // The way failures are named in results: a test's own address.
            Some(address) if address.contains("::") => argv.push(address.to_owned()),
            Some(words) => argv.extend(["-k".to_owned(), words.to_owned()]),
            None => {}
        }
        argv.extend(path);
        argv
    }

    fn unittest(&self, filter: Option<&str>, path: Option<String>) -> Vec<String> {
        let mut argv = words(&[&self.python(), "-m", "unittest"], None);
        match path {
            Some(file) if file.ends_with(".py") => argv.extend(["-v".to_owned(), file]),
            Some(directory) => argv.extend(["discover", "-v", "-s", &directory].map(str::to_owned)),
            None if has_tests(&self.directory) => argv.push("-v".to_owned()),
            None => argv.extend(["discover", "-v", "-s", "tests"].map(str::to_owned)),
        }
        argv.extend(filter.into_iter().flat_map(|filter| ["-k".to_owned(), filter.to_owned()]));
        argv
    }

    /// The project's own environment, where it has one.
    fn python(&self) -> String {
        let own = [".venv/bin/python", "venv/bin/python"].map(|place| self.directory.join(place));
        own.into_iter()
            .find(|python| python.exists())
            .map_or("python3".to_owned(), |python| python.display().to_string())
    }
}

fn words(fixed: &[&str], last: Option<&str>) -> Vec<String> {
    fixed.iter().copied().chain(last).map(str::to_owned).collect()
}

/// The script of `npm test`, unless it is the one that `npm init` writes.
fn test_script(directory: &Path) -> Option<String> {
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(directory.join("package.json")).ok()?).ok()?;
    let script = manifest["scripts"]["test"].as_str()?;
    (!script.contains("no test specified")).then(|| script.to_owned())
}

fn mentions(file: &Path, word: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.contains(word))
}

/// Files that both Python runners take for tests: at the top of a project, and below `tests`.
fn python_tests(directory: &Path) -> Vec<PathBuf> {
    const DEEPEST: usize = 4;
    let mut found = files(directory);
    let mut level: Vec<_> = ["tests", "test"].map(|name| directory.join(name)).to_vec();
    for _ in 0..DEEPEST {
        found.extend(level.iter().flat_map(|place| files(place)));
        level = level.iter().flat_map(|place| subdirectories(place)).collect();
    }
    found.retain(|file| is_test(file));
    found
}

fn has_tests(directory: &Path) -> bool {
    files(directory).iter().any(|file| is_test(file))
}

fn is_test(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".py") && (name.starts_with("test") || name.ends_with("_test.py"))
}

fn files(directory: &Path) -> Vec<PathBuf> {
    entries(directory).into_iter().filter(|path| path.is_file()).collect()
}

fn subdirectories(directory: &Path) -> Vec<PathBuf> {
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    entries(directory).into_iter().filter(|path| path.is_dir() && !path.is_symlink() && !hidden(path)).collect()
}

/// Sorted, so that the same workspace always gives the same card.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> =
        fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let root = directory.path().canonicalize().unwrap();
        (directory, root)
    }

    fn line(files: &[(&str, &str)], filter: Option<&str>, path: Option<&str>) -> String {
        let (_directory, root) = workspace(files);
        let path = path.map(|path| root.join(path));
        let project = find(&root, path.as_deref().unwrap_or(&root), None).unwrap();
        project.argv(Selection { filter, path: path.as_deref() }).join(" ")
    }

    #[test]
    fn each_kind_of_project_has_its_command_line() {
        let jest = r#"{"scripts": {"test": "jest"}}"#;
        let mocha = r#"{"scripts": {"test": "mocha"}}"#;
        for (files, filter, path, expected) in [
            (&[("Cargo.toml", "")][..], Some("adds"), None, "cargo test --no-fail-fast adds"),
            (&[("go.mod", "")], Some("Sum"), None, "go test -json -run=Sum ./..."),
            (&[("go.mod", ""), ("a/b_test.go", "")], None, Some("a/b_test.go"), "go test -json ./a"),
            (&[("package.json", jest)], Some("adds"), None, "npm test --silent -- --testNamePattern=adds"),
            (&[("package.json", mocha)], Some("adds"), None, "npm test --silent -- --grep=adds"),
            (
                &[("tests/test_a.py", "def test_x(): pass")],
                Some("x"),
                Some("tests/test_a.py"),
                "python3 -m pytest --tb=short -rfE --color=no -k x ./tests/test_a.py",
            ),
            (&[("test_a.py", "import unittest")], None, None, "python3 -m unittest -v"),
            (
                &[("tests/test_a.py", "import unittest")],
                Some("x"),
                None,
                "python3 -m unittest discover -v -s tests -k x",
            ),
        ] {
            assert_eq!(line(files, filter, path), expected);
        }
    }

    #[test]
    fn the_nearest_project_above_a_path_is_taken() {
        let (_directory, root) = workspace(&[
            ("Cargo.toml", ""),
            ("web/package.json", r#"{"scripts":{"test":"jest"}}"#),
            ("web/src/a.js", ""),
        ]);
        let project = find(&root, &root.join("web/src"), None).unwrap();
        assert_eq!((project.runner, project.directory), (Runner::Npm, root.join("web")));
        assert_eq!(find(&root, &root, None).unwrap().runner, Runner::Cargo);
        fs::create_dir(root.join("tests")).unwrap();
        fs::write(root.join("tests/test_a.py"), "import unittest").unwrap();
        let python = find(&root, &root.join("tests/test_a.py"), None).unwrap();
        assert_eq!((python.runner, python.directory), (Runner::Unittest, root));
    }

    #[test]
    fn one_project_below_the_root_is_found_and_two_are_a_question() {
        let (_directory, root) = workspace(&[("a/Cargo.toml", ""), ("docs/x.md", "")]);
        assert_eq!(find(&root, &root, None).unwrap().directory, root.join("a"));
        fs::create_dir(root.join("b")).unwrap();
        fs::write(root.join("b/go.mod"), "").unwrap();
        assert!(find(&root, &root, None).unwrap_err().contains("\"a\" and \"b\""));
        assert_eq!(find(&root, &root, Some(Runner::Go)).unwrap().directory, root.join("b"));
    }

    #[test]
    fn a_workspace_without_tests_says_so() {
        let (_directory, root) =
            workspace(&[("package.json", r#"{"scripts":{"test":"echo \"Error: no test specified\""}}"#)]);
        assert!(find(&root, &root, None).unwrap_err().contains("no tests found"));
    }
}

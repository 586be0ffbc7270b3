//! A shelf of files by name: the bundled ones, and the user's own from a directory, which add or take a bundled
//! one's place. A broken file spoils itself alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use super::paths::is_absent;
use crate::domain::{Fault, Faults, SourceText, nearest};

/// Things read from Markdown files, by file name without `.md`.
#[derive(Clone, Debug)]
pub struct Library<T> {
    /// What a member is called in messages.
    noun: &'static str,
    shelf: BTreeMap<String, Result<T, Faults>>,
    /// Names of those from the user's directory.
    own: BTreeSet<String>,
}

/// No usable member of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Nothing has that name.
    Unknown { message: String, hint: String },
    /// Its file is broken, in these ways. A bundled one of the same name does not stand in for it.
    Broken(Faults),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { message, .. } => f.write_str(message),
            Self::Broken(faults) => faults.fmt(f),
        }
    }
}

impl std::error::Error for Missing {}

impl<T> Library<T> {
    /// The bundled files as (name, text), then those of `dir`, if there is such a directory.
    pub(super) fn stock(
        noun: &'static str,
        bundled: &[(&str, &'static str)],
        dir: Option<&Path>,
        read: fn(&SourceText, &str) -> Result<T, Faults>,
    ) -> Self {
        let (mut shelf, mut own) = (BTreeMap::new(), BTreeSet::new());
        for (name, text) in bundled {
            let source = SourceText::new(format!("bundled {noun} {name}.md"), *text);
            shelf.insert((*name).to_owned(), read(&source, name));
        }
        for (name, source) in dir.into_iter().flat_map(markdown_files) {
            let member = source.and_then(|source| read(&source, &name));
            own.insert(name.clone());
            shelf.insert(name, member);
        }
        Self { noun, shelf, own }
    }

    pub fn get(&self, name: &str) -> Result<&T, Missing> {
        match self.shelf.get(name) {
            Some(Ok(member)) => Ok(member),
            Some(Err(faults)) => Err(Missing::Broken(faults.clone())),
            None => {
                Err(Missing::Unknown { message: format!("there is no {} `{name}`", self.noun), hint: self.hint(name) })
            }
        }
    }

    /// Whether it is the user's own, and not a bundled one.
    pub fn is_own(&self, name: &str) -> bool {
        self.own.contains(name)
    }

    /// All that can be used, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.shelf.iter().filter_map(|(name, member)| member.as_ref().ok().map(|member| (name.as_str(), member)))
    }

    /// What is wrong with the others.
    pub fn broken(&self) -> impl Iterator<Item = (&str, &Faults)> {
        self.shelf.iter().filter_map(|(name, member)| member.as_ref().err().map(|faults| (name.as_str(), faults)))
    }

    fn hint(&self, name: &str) -> String {
        let names: Vec<&str> = self.shelf.keys().map(String::as_str).collect();
        match nearest(name, names.iter().copied()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("there are {}", names.join(", ")),
        }
    }
}

type Named = (String, Result<SourceText, Faults>);

/// The `.md` files of a directory. One that does not exist holds none.
fn markdown_files(dir: &Path) -> Vec<Named> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Vec::new(),
        Err(error) => return vec![(dir.display().to_string(), Err(unreadable(dir, &error)))],
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<Named> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .filter_map(|path| {
            let name = path.file_stem()?.to_string_lossy().into_owned();
            let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, &error));
            let written = |bytes| SourceText::written(path.display().to_string(), bytes).map_err(Faults::from);
            Some((name, bytes.and_then(written)))
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

fn unreadable(path: &Path, error: &std::io::Error) -> Faults {
    let source = SourceText::new(path.display().to_string(), "");
    Fault::new(&source, 0..0, format!("it cannot be read: {error}")).help("check its permissions").into()
}

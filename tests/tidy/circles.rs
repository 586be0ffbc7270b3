//! No circles: a file that needs an item of another file is not needed by that one, directly or by way of others.
//!
//! A path leads to the file in which its item is written, through every re-export on the way, so that a `mod.rs` that
//! only declares and re-exports needs nothing. What stands in the body of a macro is the matter of whoever calls it.
//! Tests may name what they test.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{block, plain_code, read, rust_files_below};

/// A path, or the place of a module below the root: one name after the other.
type Names = Vec<String>;

/// What each file needs of others: the file, and a name that leads there.
type Needs = BTreeMap<String, BTreeMap<String, String>>;

static USE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);").unwrap());
static DECLARED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:use\s+[^;]+|mod\s+\w+\s*);").unwrap());
static PATH: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?:^|[^\w:$])(\w+(?:::\w+)+)").unwrap());
static FOR_TESTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"#\[cfg\(test\)\]\s*(?:pub(?:\([^)]*\))?\s+)?(?:mod\s+(\w+)\s*([;{])|use[^;]*;)").unwrap()
});

#[test]
fn no_files_need_each_other_in_a_circle() {
    let files = rust_files_below(Path::new("src")).into_iter().filter(|path| !path.ends_with("main.rs"));
    let circles = circles_of(&files.map(|path| (path.display().to_string(), read(&path))).collect::<Vec<_>>());
    assert!(circles.is_empty(), "move what both ends share to where it belongs:\n{}", circles.join("\n"));
}

#[test]
fn a_circle_is_found_through_what_hides_it() {
    let parent = "mod a; mod b; pub use a::A; pub use b::B;";
    let circle = ["src/room/a.rs (B) → src/room/b.rs (A) → src/room/a.rs"];
    for (a, b) in [
        ("use super::b::B; pub struct A(B);", "use crate::room::{a::A}; pub struct B(A);"),
        ("use super::B; pub struct A(B);", "use crate::room::A; pub struct B(A);"),
        ("pub struct A(super::b::B);", "use super::a; pub struct B(a::A);"),
    ] {
        assert_eq!(circles_in_a_room(parent, a, b), circle, "{a} {b}");
    }
    let takes_all = ("use super::*; pub struct A(B);", "use super::{self as room}; pub struct B(room::A);");
    assert_eq!(circles_in_a_room(parent, takes_all.0, takes_all.1).len(), 1);
    let parent = "mod a; mod b; use a::A; pub struct Hall(A);";
    assert_eq!(circles_in_a_room(parent, "use super::Hall; pub struct A(Hall);", "").len(), 1);
}

#[test]
fn what_is_no_circle_is_not_taken_for_one() {
    let parent = "mod a; mod b; pub use a::A; pub use b::B; pub struct Hall;";
    let a = "use super::{B, Hall}; pub struct A(B, Hall); macro_rules! m { () => { $crate::room::A } }";
    let b = "use super::Hall; // use super::A;\n pub struct B(Hall); #[cfg(test)] mod tests { use super::super::A; }";
    assert_eq!(circles_in_a_room(parent, a, b), Vec::<String>::new());
}

fn circles_in_a_room(parent: &str, a: &str, b: &str) -> Vec<String> {
    let files = [("src/lib.rs", "mod room;"), ("src/room/mod.rs", parent), ("src/room/a.rs", a), ("src/room/b.rs", b)];
    circles_of(&files.map(|(path, text)| (path.to_owned(), text.to_owned())))
}

/// Every circle among files, each given with its text, as one line.
fn circles_of(files: &[(String, String)]) -> Vec<String> {
    let house = House::of(files);
    let needs = house.needs();
    let reached: BTreeMap<_, _> = needs.keys().map(|file| (file.as_str(), reached_from(file, &needs))).collect();
    let mut told = BTreeSet::new();
    let mut circles = Vec::new();
    for (file, others) in &reached {
        if others.contains_key(file) && told.insert(*file) {
            told.extend(others.keys().filter(|other| reached.get(*other).is_some_and(|back| back.contains_key(file))));
            circles.push(circle_at(file, others, &needs));
        }
    }
    circles
}

/// Every file that one needs, with the file before it on the shortest way there.
fn reached_from<'a>(file: &'a str, needs: &'a Needs) -> BTreeMap<&'a str, &'a str> {
    let mut reached = BTreeMap::new();
    let mut waiting = VecDeque::from([file]);
    while let Some(at) = waiting.pop_front() {
        for next in needs.get(at).into_iter().flat_map(BTreeMap::keys) {
            if !reached.contains_key(next.as_str()) {
                reached.insert(next.as_str(), at);
                waiting.push_back(next);
            }
        }
    }
    reached
}

/// `a.rs (B) → b.rs (A) → a.rs`: the shortest circle through a file.
fn circle_at(file: &str, reached: &BTreeMap<&str, &str>, needs: &Needs) -> String {
    let mut circle = file.to_owned();
    let mut at = file;
    loop {
        let before = reached[at];
        circle = format!("{before} ({}) → {circle}", needs[before][at]);
        at = before;
        if at == file {
            return circle;
        }
    }
}

/// A file as a module.
struct Module {
    file: String,
    /// What `use` brings in, and from where.
    imports: BTreeMap<String, Names>,
    /// Modules of which `use` brings in everything.
    globs: Vec<Names>,
    /// Paths that it needs the items of.
    paths: Vec<Names>,
}

/// All modules, by their places.
struct House(BTreeMap<Names, Module>);

impl House {
    fn of(files: &[(String, String)]) -> Self {
        let mut modules = BTreeMap::new();
        let mut tests = Vec::new();
        for (file, text) in files {
            let place = place_of(file);
            let (code, own_tests) = without_tests(&plain_code(text));
            tests.extend(own_tests.into_iter().map(|name| [place.clone(), vec![name]].concat()));
            modules.insert(place, Module::of(file, &code));
        }
        modules.retain(|place, _| !tests.iter().any(|test| place.starts_with(test)));
        Self(modules)
    }

    fn needs(&self) -> Needs {
        let mut needs = Needs::new();
        for (place, module) in &self.0 {
            let mut need = |path: &Names| {
                if let Some(Led::ToItem(file)) = self.follow(place, path, &mut Vec::new())
                    && file != module.file
                {
                    let name = path.iter().rfind(|name| *name != "*").cloned().unwrap_or_default();
                    needs.entry(module.file.clone()).or_default().entry(file.to_owned()).or_insert(name);
                }
            };
            module.paths.iter().for_each(&mut need);
            for glob in &module.globs {
                if let Some(Led::ToModule(taken)) = self.follow(place, glob, &mut Vec::new()) {
                    let all = self.0[&taken].imports.keys().map(String::as_str).chain(["*"]);
                    all.for_each(|name| need(&[glob.clone(), vec![name.to_owned()]].concat()));
                }
            }
        }
        needs
    }

    /// Where a path leads that is written in the module at `from`; `None` for a local name and for other crates.
    fn follow<'a>(&'a self, from: &Names, path: &[String], seen: &mut Vec<(Names, Names)>) -> Option<Led<'a>> {
        let visit = (from.clone(), path.to_vec());
        if seen.contains(&visit) {
            return None;
        }
        seen.push(visit);
        let mut place = from.clone();
        for (index, name) in path.iter().enumerate() {
            let below = [place.clone(), vec![name.clone()]].concat();
            match name.as_str() {
                "crate" => place.clear(),
                "self" => {}
                "super" => drop(place.pop()),
                _ if self.0.contains_key(&below) => place = below,
                _ => {
                    let module = self.0.get(&place)?;
                    let rest = &path[index + 1..];
                    return match module.imports.get(name) {
                        Some(import) => match self.follow(&place, import, seen)? {
                            Led::ToModule(taken) if !rest.is_empty() => {
                                self.follow(&taken, &[vec!["self".to_owned()], rest.to_vec()].concat(), seen)
                            }
                            led => Some(led),
                        },
                        None if index == 0 => None,
                        None => Some(Led::ToItem(&module.file)),
                    };
                }
            }
        }
        Some(Led::ToModule(place))
    }
}

/// Where a path leads.
enum Led<'a> {
    ToModule(Names),
    /// By the file that it is written in.
    ToItem(&'a str),
}

impl Module {
    fn of(file: &str, code: &str) -> Self {
        let mut found = Self { file: file.to_owned(), imports: BTreeMap::new(), globs: Vec::new(), paths: Vec::new() };
        let mut shared = Vec::new();
        for import in USE.captures_iter(code) {
            for (path, name) in flat(&import[2]) {
                match (name.as_str(), import.get(1)) {
                    ("*", _) => found.globs.push(path[..path.len() - 1].to_vec()),
                    (_, None) => found.paths.push(path.clone()),
                    (_, Some(_)) => shared.push((path.clone(), name.clone())),
                }
                found.imports.insert(name, path);
            }
        }
        found.imports.remove("*");
        let body = DECLARED.replace_all(code, "");
        // What a file shares and does not use itself it does not need.
        found.paths.extend(shared.into_iter().filter(|(_, name)| uses(&body, name)).map(|(path, _)| path));
        let names = |path: Captures<'_>| path[1].split("::").map(str::to_owned).collect();
        found.paths.extend(PATH.captures_iter(&body).map(names));
        found
    }
}

/// Whether code names something by this name alone.
fn uses(code: &str, name: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        !before.ends_with(|character| is_word(character) || ".:".contains(character)) && !after.starts_with(is_word)
    })
}

/// `src/room/mod.rs` and `src/room.rs` are both at `room`.
fn place_of(file: &str) -> Names {
    let below = file.trim_start_matches("src/").trim_end_matches(".rs");
    let mut place: Names = below.split('/').map(str::to_owned).collect();
    place.pop_if(|last| last == "mod" || last == "lib");
    place
}

/// Code without what is compiled for tests only, and the test modules that are files of their own.
fn without_tests(code: &str) -> (String, Names) {
    let (mut left, mut rest, mut modules) = (String::new(), code, Names::new());
    while let Some(found) = FOR_TESTS.captures(rest) {
        let whole = found.get(0).unwrap();
        left.push_str(&rest[..whole.start()]);
        rest = &rest[whole.end()..];
        match (found.get(1), found.get(2).map(|end| end.as_str())) {
            (Some(_), Some("{")) => rest = &rest[block(&format!("{{{rest}")).map_or(rest.len(), str::len)..],
            (Some(name), _) => modules.push(name.as_str().to_owned()),
            (None, _) => {}
        }
    }
    (left + rest, modules)
}

/// The paths in a `use`, each with the name that it brings in.
fn flat(tree: &str) -> Vec<(Names, String)> {
    let tree = tree.trim();
    if let Some(inner) = tree.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
        return branches(inner).into_iter().flat_map(flat).collect();
    }
    match tree.split_once("::") {
        Some((first, rest)) => {
            let below = flat(rest).into_iter();
            let led = below.map(|(path, name)| ([vec![first.to_owned()], path].concat(), name));
            // `a::{self}` brings in `a`.
            led.map(|(mut path, name)| {
                path.pop_if(|last| last == "self");
                let name = if name == "self" { first.to_owned() } else { name };
                (path, name)
            })
            .collect()
        }
        None => {
            let (item, name) = tree.split_once(" as ").unwrap_or((tree, tree));
            vec![(vec![item.trim().to_owned()], name.trim().to_owned())]
        }
    }
}

/// Parts between the commas that stand in no braces.
fn branches(inner: &str) -> Vec<&str> {
    let mut depth = 0;
    let outer = inner.split(|character| {
        depth += i32::from(character == '{') - i32::from(character == '}');
        character == ',' && depth == 0
    });
    outer.filter(|branch| !branch.trim().is_empty()).collect()
}

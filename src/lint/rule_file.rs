//! A file of rules as Prometheus reads it, with the line of each part. The manifest of a `PrometheusRule` is one too.

use std::time::Duration;

use promql_parser::util::parse_duration;

use super::yaml::{self, Node, Text};
use crate::domain::{Position, SourceText};

/// Rules of a file that are looked at; more are no file that a person wrote.
const MOST_RULES: usize = 20_000;

/// The rules of one file.
#[derive(Debug, Default)]
pub struct RuleFile {
    pub groups: Vec<Group>,
    pub problems: Vec<Problem>,
}

/// Something for which Prometheus refuses the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub at: Position,
    pub group: String,
    pub alert: String,
    pub message: String,
    pub advice: String,
}

#[derive(Debug)]
pub struct Group {
    pub name: String,
    pub rules: Vec<Rule>,
}

/// A rule that alerts. Rules that record are only checked for being PromQL.
#[derive(Debug)]
pub struct Rule {
    pub name: Text,
    pub alerts: Alerts,
    pub expr: Text,
    /// How long the condition must hold, and where that is said.
    pub hold: Option<(Duration, Position)>,
    pub labels: Vec<(Text, Text)>,
    pub annotations: Vec<(Text, Text)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alerts {
    Yes,
    No,
}

const RULE_KEYS: &[&str] = &["alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"];
const GROUP_KEYS: &[&str] =
    &["name", "interval", "query_offset", "limit", "rules", "labels", "partial_response_strategy", "source_tenants"];

/// Reads as much as can be read.
pub fn read(source: &SourceText) -> RuleFile {
    let mut file = RuleFile::default();
    let documents = match yaml::read(&source.text) {
        Ok(documents) => documents,
        Err(error) => {
            file.problem(error.at, ["", ""], &format!("this is not YAML: {}", error.message), "look at this line");
            return file;
        }
    };
    for document in &documents {
        let manifest = document.get("spec").filter(|_| document.get("kind").is_some());
        let Some(groups) = manifest.unwrap_or(document).get("groups").and_then(Node::list) else {
            let advice = "a file of rules has a list `groups`, and each group a `name` and a list `rules`";
            file.problem(document.at, ["", ""], "there are no groups of rules", advice);
            continue;
        };
        for group in groups {
            file.group(group);
        }
    }
    if documents.is_empty() {
        file.problem(Position { line: 1, column: 1 }, ["", ""], "the file is empty", "write a list `groups` into it");
    }
    file
}

impl RuleFile {
    fn problem(&mut self, at: Position, [group, alert]: [&str; 2], message: &str, advice: &str) {
        let [group, alert, message, advice] = [group, alert, message, advice].map(str::to_owned);
        self.problems.push(Problem { at, group, alert, message, advice });
    }

    fn group(&mut self, node: &Node) {
        let name = node.get("name").and_then(Node::scalar).unwrap_or_default().to_owned();
        self.check_keys(node, [&name, ""], GROUP_KEYS, "a group");
        if name.is_empty() {
            self.problem(node.at, [&name, ""], "the group has no name", "add `name: …`");
        } else if self.groups.iter().any(|group| group.name == name) {
            self.problem(node.at, [&name, ""], "two groups of this file have that name", "rename one of them");
        }
        let mut rules = Vec::new();
        for rule in node.get("rules").and_then(Node::list).unwrap_or_default() {
            if rules.len() + self.groups.iter().map(|group| group.rules.len()).sum::<usize>() >= MOST_RULES {
                self.problem(rule.at, [&name, ""], "the file has too many rules", "split it");
                break;
            }
            rules.extend(self.rule(rule, &name));
        }
        self.groups.push(Group { name, rules });
    }

    fn rule(&mut self, node: &Node, group: &str) -> Option<Rule> {
        let text = |key: &str| {
            let (at, value) = node.map()?.iter().find(|(known, _)| known.text == key)?;
            Some(Text { text: value.scalar()?.to_owned(), at: at.at })
        };
        let (name, alerts) = match (text("alert"), text("record")) {
            (Some(name), None) => (name, Alerts::Yes),
            (None, Some(name)) => (name, Alerts::No),
            (Some(name), Some(_)) => {
                self.problem(
                    name.at,
                    [group, &name.text],
                    "a rule alerts or records, not both",
                    "make two rules of it",
                );
                return None;
            }
            (None, None) => {
                self.problem(node.at, [group, ""], "the rule has no name", "begin it with `- alert: NAME`");
                return None;
            }
        };
        let place = [group, name.text.as_str()];
        self.check_keys(node, place, RULE_KEYS, "a rule");
        let Some(expr) = text("expr").filter(|expr| !expr.text.trim().is_empty()) else {
            self.problem(name.at, place, "the rule has no expression", "add `expr: …`");
            return None;
        };
        let hold = self.duration(text("for"), place);
        self.duration(text("keep_firing_for"), place);
        let labels = self.pairs(node, "labels", place);
        let annotations = self.pairs(node, "annotations", place);
        Some(Rule { alerts, expr, hold, labels, annotations, name })
    }

    fn check_keys(&mut self, node: &Node, place: [&str; 2], known: &[&str], what: &str) {
        let Some(pairs) = node.map() else {
            self.problem(node.at, place, &format!("{what} is a map of names and values"), "look at the indentation");
            return;
        };
        for (key, _) in pairs.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            let nearest = crate::domain::nearest(&key.text, known.iter().copied());
            let advice = nearest.map_or_else(|| format!("one of {}", known.join(", ")), |near| format!("`{near}`?"));
            let message = format!("{what} has no field {:?}, so Prometheus refuses the whole file", key.text);
            self.problem(key.at, place, &message, &advice);
        }
    }

    fn duration(&mut self, text: Option<Text>, place: [&str; 2]) -> Option<(Duration, Position)> {
        let Text { text, at } = text?;
        if matches!(text.as_str(), "0" | "0s" | "0m") {
            return Some((Duration::ZERO, at));
        }
        match parse_duration(&text) {
            Ok(duration) => Some((duration, at)),
            Err(_) => {
                self.problem(at, place, &format!("{text:?} is not a duration"), "write 30s, 5m, 1h30m or 1d");
                None
            }
        }
    }

    fn pairs(&mut self, node: &Node, key: &str, place: [&str; 2]) -> Vec<(Text, Text)> {
        let Some(below) = node.get(key) else { return Vec::new() };
        let Some(pairs) = below.map() else {
            if below.scalar() != Some("~") && below.scalar() != Some("") {
                self.problem(below.at, place, &format!("`{key}` is a map"), "write one `name: value` a line");
            }
            return Vec::new();
        };
        let mut read = Vec::new();
        for (name, value) in pairs {
            match value.scalar() {
                Some(text) => read.push((name.clone(), Text { text: text.to_owned(), at: name.at })),
                None => {
                    let message = format!("the value of {:?} is not a text", name.text);
                    self.problem(name.at, place, &message, "put it in quotes");
                }
            }
        }
        read
    }
}

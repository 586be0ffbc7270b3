//! Which alerts something is for, by their labels: a runbook, a maintenance window, a side of an inhibition.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Serialize};

/// For each label the values it may have; all of the labels must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Values>")]
pub struct Matching(BTreeMap<String, Vec<String>>);

/// One value, or several; `*` stands for any text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

impl TryFrom<BTreeMap<String, Values>> for Matching {
    type Error = serde::de::value::Error;

    fn try_from(given: BTreeMap<String, Values>) -> Result<Self, Self::Error> {
        let mut wanted = BTreeMap::new();
        for (label, values) in given {
            let values = match values {
                Values::One(value) => vec![value],
                Values::Several(values) => values,
            };
            let is_name = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !is_name {
                return Err(Self::Error::custom(format!("no label can be called {label:?}")));
            }
            if values.is_empty() || values.iter().any(String::is_empty) {
                return Err(Self::Error::custom(format!("the label {label} has no value to match")));
            }
            wanted.insert(label, values);
        }
        Ok(Self(wanted))
    }
}

impl Matching {
    /// How well it fits: the number of labels it asks for; `None` where one does not fit, or where it asks for none.
    pub fn fits<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> Option<usize> {
        let fits = |(name, values): (&String, &Vec<String>)| {
            label(name).is_some_and(|value| values.iter().any(|pattern| is_like(pattern, value)))
        };
        (!self.0.is_empty() && self.0.iter().all(fits)).then_some(self.0.len())
    }

    pub fn labels(&self) -> &BTreeMap<String, Vec<String>> {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads `svc=api env=stag*`; a label that is named twice may have either value. `None` where it is not that.
    pub fn read(text: &str) -> Option<Self> {
        let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for word in text.split_whitespace() {
            let (label, value) = word.split_once('=')?;
            given.entry(label.to_owned()).or_default().push(value.to_owned());
        }
        let given = given.into_iter().map(|(label, values)| (label, Values::Several(values)));
        Self::try_from(given.collect::<BTreeMap<_, _>>()).ok().filter(|read| !read.is_empty())
    }

    /// As `read` reads it, with `, ` between values for the same label.
    pub fn line(&self) -> String {
        let word = |(label, values): (&String, &Vec<String>)| format!("{label}={}", values.join(", "));
        self.0.iter().map(word).collect::<Vec<_>>().join(" ")
    }
}

/// Whether a text is as a pattern says, in which `*` stands for any text.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(yaml: &str) -> Result<Matching, yaml_serde::Error> {
        yaml_serde::from_str(yaml)
    }

    #[test]
    fn all_labels_must_fit_and_any_of_their_values_may() {
        let wanted = matching("{ alertname: [DiskFilling, 'NodeFilesystem*'], env: prod }").unwrap();
        let fits = |alertname: &'static str, env: &'static str| {
            wanted.fits(|label| match label {
                "alertname" => Some(alertname),
                "env" => Some(env),
                _ => None,
            })
        };
        assert_eq!(fits("NodeFilesystemAlmostOutOfSpace", "prod"), Some(2));
        assert_eq!(fits("DiskFilling", "prod"), Some(2));
        assert_eq!((fits("DiskFilling", "dev"), fits("DiskFillingSlowly", "prod")), (None, None));
        assert_eq!(Matching::default().fits(|_| Some("x")), None, "what asks for nothing fits nothing");
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, like) in [
            ("*", "", true),
            ("a*b", "ab", true),
            ("a*b*c", "a1b2b3c", true),
            ("a*a", "a", false),
            ("*disk*", "the disk is full", true),
            ("disk", "disks", false),
        ] {
            assert_eq!(is_like(pattern, text), like, "{pattern} {text}");
        }
    }

    #[test]
    fn labels_on_a_command_line_are_words() {
        let read = Matching::read("svc=api env=prod env=stag*").unwrap();
        assert_eq!(read, matching("{ svc: api, env: [prod, 'stag*'] }").unwrap());
        assert_eq!(read.line(), "env=prod, stag* svc=api");
        assert_eq!(serde_json::from_str::<Matching>(&serde_json::to_string(&read).unwrap()).unwrap(), read);
        for bad in ["", "svc", "svc=", "=api", "s-v=c"] {
            assert_eq!(Matching::read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_can_match_nothing_is_a_mistake() {
        for bad in ["{ 'a b': x }", "{ alertname: [] }", "{ alertname: '' }", "{ alertname: 1 }", "[a]"] {
            assert!(matching(bad).is_err(), "{bad}");
        }
    }
}

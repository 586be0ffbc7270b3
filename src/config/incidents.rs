//! `[incidents]`: where alerts come from, how they are put together, and what opens the receivers.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::Error;

use super::secret::SecretSource;
use crate::domain::Matching;

/// Most tokens or secrets that open a receiver: the one in use, and the next.
const MOST_SECRETS: usize = 2;

/// Where alerts come from; what is not written has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IncidentsSection {
    /// An Alertmanager that is asked what fires: `http://localhost:9093`.
    pub alertmanager: Option<String>,
    /// A Prometheus that is asked for metrics, and without an Alertmanager also for what fires: `http://localhost:9090`.
    pub prometheus: Option<String>,
    /// The agent that handles incidents which no runbook matches, where a model is configured: `ops` when nothing is
    /// said, none when this is empty.
    pub agent: Option<String>,
    /// Whether a model says how bad an incident is whose alerts have no severity; or the agent that says it.
    pub classify: Classify,
    /// Labels whose values the alerts of one incident share; as Alertmanager groups them when none are named.
    pub group_by: Vec<String>,
    /// What opens Alertmanager's receiver of `serve`; two while one takes over from the other. Without any, `serve` makes
    /// one.
    #[serde(deserialize_with = "secrets")]
    pub tokens: Vec<SecretSource>,
    /// The receivers of other sources, by their names; one that is not named is closed.
    pub receivers: BTreeMap<String, ReceiverSection>,
    /// How to read JSON that is of no known form; the first that fits is used.
    pub mapping: Vec<MappingSection>,
    /// Which alerts call nobody while which others fire.
    pub inhibit: Vec<InhibitSection>,
}

/// Who says how bad an incident is whose alerts do not: `true`, or the name of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "ClassifyWritten")]
pub enum Classify {
    #[default]
    Nobody,
    /// The bundled agent.
    Usual,
    Agent(String),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "it is true, false, or the name of an agent")]
enum ClassifyWritten {
    Switch(bool),
    Agent(String),
}

impl From<ClassifyWritten> for Classify {
    fn from(written: ClassifyWritten) -> Self {
        match written {
            ClassifyWritten::Switch(true) => Self::Usual,
            ClassifyWritten::Switch(false) => Self::Nobody,
            ClassifyWritten::Agent(name) if name.is_empty() => Self::Nobody,
            ClassifyWritten::Agent(name) => Self::Agent(name),
        }
    }
}

/// While an alert that fits `source` fires, those that fit `target` and have the same `equal` labels call nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InhibitSection {
    #[serde(deserialize_with = "some_labels")]
    pub source: Matching,
    #[serde(deserialize_with = "some_labels")]
    pub target: Matching,
    #[serde(default)]
    pub equal: Vec<String>,
}

/// The receiver of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverSection {
    /// What the source signs with, or shows; two while one takes over from the other.
    #[serde(deserialize_with = "secrets")]
    pub secrets: Vec<SecretSource>,
}

/// Where the parts of an alert are: JSON pointers, all but `alerts` within one alert.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingSection {
    /// What the source is called.
    pub name: String,
    /// The list of alerts in the body; without it, the body is one alert.
    #[serde(default, deserialize_with = "pointer_if_any")]
    pub alerts: Option<String>,
    #[serde(deserialize_with = "pointer")]
    pub alertname: String,
    /// Since when it fires.
    #[serde(deserialize_with = "pointer")]
    pub started: String,
    #[serde(default, deserialize_with = "pointer_if_any")]
    pub ended: Option<String>,
    #[serde(default, deserialize_with = "pointer_if_any")]
    pub state: Option<String>,
    /// Words of `state` that say that it is over.
    #[serde(default = "words_for_resolved")]
    pub resolved: Vec<String>,
    #[serde(default, deserialize_with = "pointer_if_any")]
    pub severity: Option<String>,
    /// An object whose fields are labels.
    #[serde(default, deserialize_with = "pointer_if_any")]
    pub labels: Option<String>,
    /// What the alert is known by; its labels when there is none.
    #[serde(default, deserialize_with = "pointer_if_any")]
    pub id: Option<String>,
    #[serde(default, deserialize_with = "pointer_if_any")]
    pub summary: Option<String>,
    #[serde(default, deserialize_with = "pointer_if_any")]
    pub url: Option<String>,
}

/// What must name at least one label: otherwise it would fit nothing.
pub(super) fn some_labels<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Matching, D::Error> {
    let read = Matching::deserialize(deserializer)?;
    match read.is_empty() {
        false => Ok(read),
        true => Err(D::Error::custom("it names no label, like { alertname = \"NodeDown\" }")),
    }
}

fn words_for_resolved() -> Vec<String> {
    ["resolved", "ok", "closed", "recovered", "normal"].map(str::to_owned).into()
}

/// One, or two while one takes over from the other.
pub(super) fn secrets<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<SecretSource>, D::Error> {
    let secrets = Vec::deserialize(deserializer)?;
    match secrets.len() {
        0..=MOST_SECRETS => Ok(secrets),
        count => Err(D::Error::custom(format!("{count} secrets open the receiver; at most {MOST_SECRETS} may"))),
    }
}

fn pointer<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let pointer = String::deserialize(deserializer)?;
    match pointer.is_empty() || pointer.starts_with('/') {
        true => Ok(pointer),
        false => Err(D::Error::custom(format!("{pointer:?} is not a JSON pointer, which begins with a slash"))),
    }
}

fn pointer_if_any<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    pointer(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<IncidentsSection, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn at_most_two_secrets_open_a_receiver() {
        let two = read("[receivers.github]\nsecrets = [{ env = \"OLD\" }, { file = \"new\" }]").unwrap();
        assert_eq!(two.receivers["github"].secrets.len(), 2);
        let three = "[receivers.github]\nsecrets = [{ env = \"A\" }, { env = \"B\" }, { env = \"C\" }]";
        assert!(read(three).unwrap_err().contains("at most 2 may"));
        assert!(read("[receivers.github]").is_err(), "a receiver that is named has a secret");
    }

    #[test]
    fn who_says_how_bad_it_is_is_switched_on_or_named() {
        let classify = |text: &str| read(text).map(|read| read.classify);
        assert_eq!((classify(""), classify("classify = false")), (Ok(Classify::Nobody), Ok(Classify::Nobody)));
        assert_eq!(classify("classify = true"), Ok(Classify::Usual));
        assert_eq!(classify("classify = \"triage\""), Ok(Classify::Agent("triage".to_owned())));
        assert!(classify("classify = 3").unwrap_err().contains("true, false, or the name of an agent"));
    }

    #[test]
    fn an_inhibition_has_labels_on_both_sides() {
        let rule =
            "[[inhibit]]\nsource = { alertname = \"NodeDown\" }\ntarget = { severity = [\"warning\", \"info\"] }\n";
        let read_one = read(&format!("{rule}equal = [\"instance\"]")).unwrap().inhibit.remove(0);
        assert_eq!(read_one.target.line(), "severity=warning, info");
        assert!(read("[[inhibit]]\nsource = {}\ntarget = { a = \"b\" }").unwrap_err().contains("names no label"));
        assert!(read("[[inhibit]]\ntarget = { a = \"b\" }").is_err());
    }

    #[test]
    fn a_mapping_is_made_of_json_pointers() {
        let mapping = "[[mapping]]\nname = \"cron\"\nalertname = \"/job\"\nstarted = \"/at\"\n";
        let read_one = read(mapping).unwrap().mapping.remove(0);
        assert!(read_one.alerts.is_none() && read_one.resolved.contains(&"ok".to_owned()));
        assert!(read(&format!("{mapping}state = \"status\"")).unwrap_err().contains("is not a JSON pointer"));
    }
}

//! `[incidents]`: where alerts come from, how they are put together, and what opens the receiver.

use serde::Deserialize;
use serde::de::Error;

use super::secret::SecretSource;

/// Most tokens that open the receiver: the one in use, and the next.
const MOST_TOKENS: usize = 2;

/// Where alerts come from; what is not written has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IncidentsSection {
    /// An Alertmanager that is asked what fires: `http://localhost:9093`.
    pub alertmanager: Option<String>,
    /// A Prometheus that is asked for metrics: `http://localhost:9090`.
    pub prometheus: Option<String>,
    /// Labels whose values the alerts of one incident share; as Alertmanager groups them when none are named.
    pub group_by: Vec<String>,
    /// What opens the receiver of `serve`; two while one takes over from the other. Without any, `serve` makes one.
    #[serde(deserialize_with = "tokens")]
    pub tokens: Vec<SecretSource>,
}

fn tokens<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<SecretSource>, D::Error> {
    let tokens = Vec::deserialize(deserializer)?;
    match tokens.len() {
        0..=MOST_TOKENS => Ok(tokens),
        count => Err(D::Error::custom(format!("{count} tokens open the receiver; at most {MOST_TOKENS} may"))),
    }
}

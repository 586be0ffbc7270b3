//! Where the parts of an alert are in the JSON of a source whose format is not known here.

/// Where to look. All but `alerts` are JSON pointers within one alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// What the source is called.
    pub name: String,
    /// The list of alerts in the body; without it the body is one alert.
    pub alerts: Option<String>,
    /// The alert's name.
    pub alertname: String,
    /// What it is known by; without it, its labels.
    pub id: Option<String>,
    /// Since when it fires: by this, a delivery that arrives twice changes nothing the second time.
    pub started: String,
    pub ended: Option<String>,
    /// Whether it fires, and the words that say that it does not.
    pub state: Option<String>,
    pub resolved: Vec<String>,
    pub severity: Option<String>,
    /// An object whose fields are labels.
    pub labels: Option<String>,
    pub summary: Option<String>,
    pub url: Option<String>,
}

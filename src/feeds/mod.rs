//! Alerts from elsewhere, turned into commands about incidents: what sources say is read here, strictly and with limits.
//!
//! Reading is pure. Only pollers, probes and watches look for themselves, and submit what they find to a client.

mod alertmanager;
mod asked;
mod coverage;
mod fields;
mod github;
mod group;
mod groups;
mod heard;
mod http;
mod journal;
mod json;
mod look;
mod mapping;
mod own;
mod pagerduty;
mod poll;
mod probe;
mod probe_board;
mod probe_report;
mod prometheus;
mod prometheus_api;
mod proof;
mod rules;
mod sentry;
mod source;
mod surroundings;
mod tail;
mod trouble;
mod unreadable;
mod watch;

pub use asked::{ALERTMANAGER, Asked, BadAddress, PROMETHEUS};
pub use coverage::{Covered, coverage};
pub use group::{Grouping, LARGEST_BODY};
pub use heard::Heard;
pub use mapping::Mapping;
pub use own::{Machine, MachineTrouble};
pub use poll::Poller;
pub use probe::{BadProbe, Probe, ProbeSettings};
pub use probe_board::ProbeBoard;
pub use probe_report::{ProbeReport, ProbeState, check_all, probe_reports};
pub use prometheus_api::{NoAnswer, Prometheus};
pub use proof::{Claim, Keys, Proof, Unproven};
pub use rules::Rules;
pub use source::{SOURCES, Source};
pub use surroundings::Surroundings;
pub use unreadable::Unreadable;
pub use watch::{BadPattern, Watch, WatchSettings, WatchedPlace};

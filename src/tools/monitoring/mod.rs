//! Tools that ask the Prometheus, and change silences of the Alertmanager, that the configuration names. No other address
//! is ever asked, whatever an agent or an alert says.

mod chart;
mod charts;
mod endpoint;
mod lift;
mod query;
mod silence;
mod silences;

pub use charts::MetricCharts;
pub use endpoint::{Endpoint, WrongAddress};
pub use lift::LiftSilences;
pub use query::QueryMetrics;
pub use silence::SilenceAlerts;

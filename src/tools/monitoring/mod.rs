//! Tools that ask the Prometheus and the Alertmanager that the configuration names, and change silences. No other address
//! is ever asked, whatever an agent or an alert says.

mod chart;
mod charts;
mod check;
mod endpoint;
mod lift;
mod query;
mod silence;
mod silences;

pub use charts::MetricCharts;
pub use check::CheckAlert;
pub use endpoint::{Endpoint, WrongAddress};
pub use lift::LiftSilences;
pub use query::QueryMetrics;
pub use silence::SilenceAlerts;

//! What probes and watches work with.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::rules::Rules;
use crate::ports::{Client, Clock};

/// Where they submit what they find, what time it is, and when to stop.
#[derive(Clone)]
pub struct Surroundings {
    pub client: Arc<dyn Client>,
    pub clock: Arc<dyn Clock>,
    pub stopping: CancellationToken,
    pub rules: Rules,
}

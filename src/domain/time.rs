//! Points in time.

use chrono::{DateTime, Utc};

/// UTC, in whole microseconds: what both stores keep.
pub type Timestamp = DateTime<Utc>;

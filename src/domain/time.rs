//! Points in time.

use chrono::DateTime;
use chrono::Utc;

/// UTC, in whole microseconds: what both stores keep.
pub type Timestamp = DateTime<Utc>;

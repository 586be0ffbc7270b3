//! The time zone in which absolute times are shown: chosen once, before anything is drawn. UTC where nobody chose.

use std::sync::OnceLock;

use chrono::{DateTime, FixedOffset, Local, Offset, Utc};

use crate::domain::Timestamp;

/// Whose clock people read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zone {
    /// This machine's, as `TZ` or the system has it.
    Local,
    #[default]
    Utc,
}

static CHOSEN: OnceLock<Zone> = OnceLock::new();

/// Shows times in this zone from now on. Only the first choice counts.
pub fn show_times_in(zone: Zone) {
    let _ = CHOSEN.set(zone);
}

impl Zone {
    pub fn chosen() -> Self {
        CHOSEN.get().copied().unwrap_or_default()
    }

    /// An instant as the clock on the wall shows it.
    pub fn wall(self, at: Timestamp) -> DateTime<FixedOffset> {
        match self {
            Self::Local => at.with_timezone(&Local).fixed_offset(),
            Self::Utc => at.with_timezone(&Utc.fix()),
        }
    }
}

/// `UTC`, or how far from it a clock is: `+02:00`.
pub fn name(wall: &DateTime<FixedOffset>) -> String {
    match wall.offset().local_minus_utc() {
        0 => "UTC".to_owned(),
        _ => wall.offset().to_string(),
    }
}

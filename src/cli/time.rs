//! Times as people and scripts read them: RFC 3339 in UTC, and spans in a few characters.

use chrono::{SecondsFormat, TimeDelta};

use crate::domain::Timestamp;

/// To the second, for people.
pub fn shown(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// How long ago, or for how long: `3s`, `12m`, `5h`, `9d`.
pub fn span(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_rounded_down_to_one_unit() {
        for (seconds, expected) in [(-5, "0s"), (59, "59s"), (61, "1m"), (7_199, "1h"), (172_800, "2d")] {
            assert_eq!(span(TimeDelta::seconds(seconds)), expected);
        }
    }
}

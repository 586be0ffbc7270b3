//! A time in the past as people name it: by how long ago it was, by its date, or in full.

use std::time::Duration;

use crate::domain::{DURATION_FORM, Timestamp, parse_duration};

/// Why a text names no time in the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPast {
    #[error("this is neither an age nor a date")]
    Unclear,
    #[error("this is in the future")]
    Future,
}

impl NotPast {
    /// What to do next.
    pub fn hint(self) -> String {
        match self {
            Self::Unclear => {
                format!("write an age ({DURATION_FORM}), a date (2026-01-31), or a time (2026-01-31T00:00:00Z)")
            }
            Self::Future => "name a time that is past".to_owned(),
        }
    }
}

/// An age, or a date: at its beginning, UTC; or a full RFC 3339 time.
pub fn past(text: &str, now: Timestamp) -> Result<Timestamp, NotPast> {
    let text = text.trim();
    let age = parse_duration(text).and_then(|age| ago(age, now));
    let moment = age.or_else(|| moment(text)).ok_or(NotPast::Unclear)?;
    if moment > now { Err(NotPast::Future) } else { Ok(moment) }
}

/// A date, at its beginning, UTC; or a full RFC 3339 time; past or to come.
pub fn moment(text: &str) -> Option<Timestamp> {
    let date = text.trim().parse::<chrono::NaiveDate>().ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    let time = || chrono::DateTime::parse_from_rfc3339(text.trim()).ok().map(|at| at.to_utc());
    date.map(|at| at.and_utc()).or_else(time)
}

/// `None` where time does not go back as far.
pub fn ago(age: Duration, now: Timestamp) -> Option<Timestamp> {
    now.checked_sub_signed(chrono::TimeDelta::from_std(age).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_an_age_or_a_date_in_the_past() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("1d", "2026-02-28T12:00:00Z"),
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31T01:00:00+01:00", "2026-01-31T00:00:00Z"),
        ] {
            assert_eq!(past(text, now).unwrap(), expected.parse::<Timestamp>().unwrap(), "{text}");
        }
        for text in ["", "1y", "yesterday", "2026-02-30", "99999999999999d"] {
            assert_eq!(past(text, now), Err(NotPast::Unclear), "{text}");
        }
        assert_eq!(past("2026-03-02", now), Err(NotPast::Future));
    }
}

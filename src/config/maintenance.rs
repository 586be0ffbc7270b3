//! `[[maintenance]]`: times at which some alerts are expected, once or every week.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveTime};
use chrono_tz::Tz;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::incidents::some_labels;
use super::oncall::{hours, zone};
use crate::domain::{Matching, Timestamp};
use crate::rota::{DayOfWeek, Window};

/// A window: from one instant to another, or every week.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct MaintenanceSection {
    pub name: String,
    /// The alerts that it holds back, by their labels.
    pub matching: Matching,
    time: Time,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Time {
    Once { from: Timestamp, to: Timestamp },
    Weekly { zone: Tz, window: Window },
}

impl MaintenanceSection {
    /// From when until when it is the next time, or is now; `None` where it will not be any more.
    pub fn next(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        match &self.time {
            Time::Once { from, to } => (now < *to).then_some((*from, *to)),
            Time::Weekly { zone, window } => window.next(*zone, now),
        }
    }
}

/// As it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    /// The labels of its alerts.
    #[serde(rename = "match", deserialize_with = "some_labels")]
    matching: Matching,
    #[serde(default, deserialize_with = "instant")]
    from: Option<Timestamp>,
    #[serde(default, deserialize_with = "instant")]
    to: Option<Timestamp>,
    /// Days of the week on which it begins; all of them without.
    #[serde(default)]
    days: BTreeSet<DayOfWeek>,
    /// `"22:00-06:00"`, on the wall clock of `zone`.
    #[serde(default, deserialize_with = "hours")]
    hours: Option<(NaiveTime, NaiveTime)>,
    #[serde(default, deserialize_with = "some_zone")]
    zone: Option<Tz>,
}

impl TryFrom<Written> for MaintenanceSection {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { name, matching, from, to, days, hours, zone } = written;
        let is_weekly = hours.is_some() || !days.is_empty() || zone.is_some();
        let time = match (from, to) {
            (Some(from), Some(to)) if from < to && !is_weekly => Time::Once { from, to },
            (Some(from), Some(to)) if from >= to => return Err("it ends before it begins".to_owned()),
            (None, None) if hours.is_some() => {
                let zone = zone.ok_or("hours need a time zone: zone = \"Europe/Berlin\"")?;
                Time::Weekly { zone, window: Window { days, hours } }
            }
            _ => return Err("a window has either `from` and `to`, or `hours` and `zone`".to_owned()),
        };
        Ok(Self { name, matching, time })
    }
}

/// With its offset from UTC, in quotes or as TOML has it.
fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => text,
        toml::Value::Datetime(time) => time.to_string(),
        other => other.type_str().to_owned(),
    };
    let read = DateTime::parse_from_rfc3339(&text).map_err(|_| {
        D::Error::custom("it is written 2026-12-01T22:00:00Z, or with the hours it is ahead of UTC: 23:00:00+01:00")
    })?;
    Ok(Some(read.to_utc()))
}

fn some_zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tz>, D::Error> {
    zone(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::domain::SourceText;

    fn read(text: &str) -> Result<Config, String> {
        let text = format!("[[maintenance]]\nname = \"backup\"\n{text}\n");
        Config::read(&SourceText::new("config.toml", text)).map_err(|faults| faults.to_string())
    }

    #[test]
    fn a_window_is_once_or_every_week() {
        let at = |text: &str| text.parse::<crate::domain::Timestamp>().unwrap();
        let weekly = "match = { svc = \"db\" }\nzone = \"Europe/Berlin\"\ndays = [\"sat\"]\nhours = \"22:00-06:00\"";
        let window = read(weekly).unwrap().maintenance.remove(0);
        let night = (at("2026-12-05T21:00:00Z"), at("2026-12-06T05:00:00Z"));
        assert_eq!(window.next(at("2026-11-30T12:00:00Z")), Some(night));
        assert_eq!(window.next(at("2026-12-06T04:59:59Z")), Some(night), "while it is");
        let once = "match = { svc = \"db\" }\nfrom = 2026-12-01T22:00:00+01:00\nto = \"2026-12-01T23:00:00Z\"";
        let window = read(once).unwrap().maintenance.remove(0);
        let night = (at("2026-12-01T21:00:00Z"), at("2026-12-01T23:00:00Z"));
        assert_eq!(window.next(at("2026-11-30T12:00:00Z")), Some(night));
        assert_eq!(window.next(night.1), None);
    }

    #[test]
    fn what_cannot_be_a_window_is_said_with_its_line() {
        let labels = "match = { svc = \"db\" }";
        for (text, words) in [
            ("match = {}\nfrom = 2026-12-01T22:00:00Z\nto = 2026-12-01T23:00:00Z", "names no label"),
            (&format!("{labels}\nfrom = 2026-12-01T22:00:00\nto = 2026-12-01T23:00:00Z"), "ahead of UTC"),
            (&format!("{labels}\nfrom = 2026-12-01T23:00:00Z\nto = 2026-12-01T22:00:00Z"), "ends before it begins"),
            (&format!("{labels}\nhours = \"02:00-03:00\""), "time zone"),
            (&format!("{labels}\nzone = \"UTC\""), "either `from` and `to`"),
            (&format!("{labels}\nzone = \"UTC\"\nhour = 3"), "unknown key `hour`"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains("config.toml:") && said.contains(words), "{said}");
        }
    }
}

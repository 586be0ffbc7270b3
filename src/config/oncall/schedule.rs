//! A schedule as it is written, and the one it stands for.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{NaiveDateTime, NaiveTime};
use chrono_tz::Tz;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::rota::{DayOfWeek, Layer, Override, Schedule, ShiftLength, Window};

/// Who is on call all through the year.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSection {
    /// The time zone of everything in it: `Europe/Berlin`.
    #[serde(deserialize_with = "zone")]
    pub zone: Tz,
    pub layers: Vec<LayerSection>,
    #[serde(default)]
    pub overrides: Vec<OverrideSection>,
}

/// People who take turns.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerSection {
    pub people: Vec<String>,
    #[serde(deserialize_with = "shift")]
    shift: ShiftLength,
    /// When the first of them begins; handovers follow at the same time of day.
    #[serde(deserialize_with = "wall")]
    from: NaiveDateTime,
    /// Days of the week on which it has somebody.
    #[serde(default)]
    days: BTreeSet<DayOfWeek>,
    /// Hours of the day in which it has somebody: `"22:00-06:00"`.
    #[serde(default, deserialize_with = "hours")]
    hours: Option<(NaiveTime, NaiveTime)>,
}

/// Somebody who stands in for whoever would be on call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideSection {
    pub person: String,
    #[serde(deserialize_with = "wall")]
    pub(super) from: NaiveDateTime,
    #[serde(deserialize_with = "wall")]
    pub(super) until: NaiveDateTime,
}

impl ScheduleSection {
    pub fn schedule(&self) -> Schedule {
        let layer = |written: &LayerSection| Layer {
            people: written.people.clone(),
            length: written.shift,
            from: written.from,
            window: Window { days: written.days.clone(), hours: written.hours },
        };
        let stands_in = |written: &OverrideSection| Override {
            person: written.person.clone(),
            from: written.from,
            until: written.until,
        };
        Schedule {
            zone: self.zone,
            layers: self.layers.iter().map(layer).collect(),
            overrides: self.overrides.iter().map(stands_in).collect(),
        }
    }
}

pub(in crate::config) fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map_err(|_| D::Error::custom(format!("there is no time zone {name:?}; one is written Europe/Berlin")))
}

fn shift<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ShiftLength, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|()| D::Error::custom(format!("a shift is {}", ShiftLength::FORM)))
}

/// A date and a time, in quotes or as TOML has them.
fn wall<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDateTime, D::Error> {
    let text = deserializer.deserialize_any(Written)?;
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let read = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(&text.replace(' ', "T"), format).ok());
    read.ok_or_else(|| D::Error::custom("a time of a schedule is written \"2026-11-02T09:00\", without a zone"))
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date and a time")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<String, A::Error> {
        let read = toml::value::Datetime::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(read.to_string())
    }
}

pub(in crate::config) fn hours<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<(NaiveTime, NaiveTime)>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
    let read = text.split_once('-').and_then(|(from, until)| Some((time(from)?, time(until)?)));
    match read.filter(|(from, until)| from != until) {
        Some(hours) => Ok(Some(hours)),
        None => Err(D::Error::custom("hours are written \"09:00-17:00\", or \"22:00-06:00\" over midnight")),
    }
}

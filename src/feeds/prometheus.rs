//! What Prometheus itself answers to `/api/v1/alerts`, for those who run no Alertmanager.

use std::borrow::Cow;

use serde::Deserialize;

use super::group::{Group, MOST_ALERTS, Pairs, Told, fingerprint, pairs, time};
use super::groups::Groups;
use super::unreadable::Unreadable;

const WHAT: &str = "what Prometheus' /api/v1/alerts answers";

/// Fields that are not named here are of no use to us.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(default, borrow)]
    error: Cow<'a, str>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    alerts: Vec<Known>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    labels: Pairs,
    #[serde(default)]
    annotations: Pairs,
    state: State,
    active_at: String,
    #[serde(default)]
    value: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Inactive,
    /// Its condition has not held for long enough.
    Pending,
    Firing,
}

/// Grouped by `by`, or by name: Prometheus does not group.
pub(super) fn read_groups(body: &[u8], by: &[String]) -> Result<Groups, Unreadable> {
    let text = Unreadable::unless_text(body)?;
    let answer: Answer<'_> = serde_json::from_str(text).map_err(|error| Unreadable::json(WHAT, &error))?;
    let data = match answer.data {
        Some(data) if answer.status == "success" => data,
        _ => {
            let error = super::group::beginning(&answer.error);
            return Err(Unreadable::new(format!("it answers with an error: {}", error.visible()), "look at its log"));
        }
    };
    if data.alerts.len() > MOST_ALERTS {
        return Err(Unreadable::new(format!("more than {MOST_ALERTS} alerts are there"), "use an Alertmanager"));
    }
    let firing = data.alerts.into_iter().filter(|known| known.state == State::Firing);
    let alerts = firing.map(told).collect::<Result<Vec<_>, _>>()?;
    let by = if by.is_empty() { &["alertname".to_owned()] } else { by };
    let all = Group::named("prometheus", &[], alerts);
    let mut groups = Groups::default();
    all.regrouped(by).into_iter().for_each(|group| groups.add(group));
    Ok(groups)
}

fn told(known: Known) -> Result<Told, Unreadable> {
    let wrong = |wrong: String| Unreadable::new(wrong, "times are RFC 3339");
    let starts_at = time(&known.active_at).map_err(wrong)?;
    let mut annotations = known.annotations;
    annotations.extend(pairs([("value", known.value.as_str())]));
    Ok(Told {
        starts_at: starts_at.ok_or_else(|| wrong("activeAt is missing".to_owned()))?,
        ended_at: None,
        fingerprint: fingerprint("", &known.labels),
        labels: known.labels,
        annotations,
        url: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::group::Grouping;
    use crate::feeds::groups::commands;
    use crate::kinds::{Command, IncidentVerb};

    const ANSWER: &str = r#"{"status":"success","data":{"alerts":[
        {"labels":{"alertname":"Down","instance":"a"},"annotations":{"summary":"a is down"},"state":"firing",
         "activeAt":"2026-11-30T07:14:18.837Z","value":"0e+00"},
        {"labels":{"alertname":"Down","instance":"b"},"annotations":{},"state":"firing",
         "activeAt":"2026-11-30T07:15:18Z","value":"0e+00"},
        {"labels":{"alertname":"Slow"},"annotations":{},"state":"pending","activeAt":"2026-11-30T07:14:18Z","value":"3"}]}}"#;

    #[test]
    fn what_fires_is_grouped_by_name_and_what_is_pending_calls_nobody() {
        let at = "2026-11-30T07:16:00Z".parse().unwrap();
        let read = |by: &[String]| {
            let groups = read_groups(ANSWER.as_bytes(), by).unwrap();
            commands(groups, &[], ("http://prometheus:9090", at), &Grouping::default())
        };
        let commands = read(&[]);
        let [Command::Incident { verb: IncidentVerb::Report { report }, .. }] = commands.as_slice() else {
            panic!("{commands:?}")
        };
        assert_eq!((report.alerts.len(), report.labels.get("alertname")), (2, Some("Down")));
        assert_eq!(report.alerts[0].annotations.get("value"), Some("0e+00"));
        assert_eq!(read(&["instance".to_owned()]).len(), 2);
    }

    #[test]
    fn an_error_is_told_in_its_own_words() {
        let error = read_groups(br#"{"status":"error","errorType":"x","error":"no \u001b[2J"}"#, &[]).err().unwrap();
        assert_eq!(error.message, "it answers with an error: no ␛[2J");
        for body in ["", "[]", "{}", &ANSWER.replace("firing", "burning"), &ANSWER.replace("2026-11-30T", "")] {
            assert!(read_groups(body.as_bytes(), &[]).is_err(), "{body}");
        }
    }
}

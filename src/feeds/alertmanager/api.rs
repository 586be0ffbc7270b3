//! What Alertmanager's API answers to `/api/v2/alerts/groups`: all alerts there are, as it groups them.

use serde::Deserialize;

use crate::feeds::group::{Group, MOST_ALERTS, Pairs, Told, fingerprint, time};
use crate::feeds::groups::Groups;
use crate::feeds::unreadable::Unreadable;

#[derive(Deserialize)]
struct Listed {
    labels: Pairs,
    alerts: Vec<Known>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    labels: Pairs,
    #[serde(default)]
    annotations: Pairs,
    starts_at: String,
    fingerprint: String,
    #[serde(default, rename = "generatorURL")]
    url: String,
    status: Standing,
}

#[derive(Deserialize)]
struct Standing {
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Unprocessed,
    Active,
    /// Silenced or inhibited: it goes on, and calls nobody.
    Suppressed,
}

pub(in crate::feeds) fn read_groups(body: &[u8], by: &[String]) -> Result<Groups, Unreadable> {
    let listed: Vec<Listed> = serde_json::from_slice(body)
        .map_err(|error| Unreadable::json("what Alertmanager's /api/v2/alerts/groups answers", &error))?;
    let mut read = Groups::default();
    let mut count = 0;
    for Listed { labels, alerts } in listed {
        count += alerts.len();
        if count > MOST_ALERTS {
            let message = format!("more than {MOST_ALERTS} alerts are there");
            return Err(Unreadable::new(message, "let Prometheus send fewer, or use the webhook"));
        }
        let told = alerts.into_iter().map(|known| told(known, &mut read)).collect::<Result<Vec<_>, _>>()?;
        let group = Group { key: Group::key(&labels, "{}"), labels, alerts: told, left_out: 0 };
        group.regrouped(by).into_iter().for_each(|group| read.add(group));
    }
    Ok(read)
}

fn told(known: Known, groups: &mut Groups) -> Result<Told, Unreadable> {
    let wrong = |wrong: String| Unreadable::new(wrong, "times are RFC 3339");
    let starts_at = time(&known.starts_at).map_err(wrong)?;
    let starts_at = starts_at.ok_or_else(|| wrong("startsAt is missing".to_owned()))?;
    let fingerprint = fingerprint(&known.fingerprint, &known.labels);
    if known.status.state == State::Suppressed {
        groups.suppress(&fingerprint);
    }
    let (labels, annotations) = (known.labels, known.annotations);
    Ok(Told { labels, annotations, starts_at, ended_at: None, fingerprint, url: known.url })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Actor, Timestamp, Untrusted};
    use crate::feeds::group::Grouping;
    use crate::feeds::groups::commands;
    use crate::kinds::{Alert, Command, Incident, IncidentEvent, IncidentVerb, Kept, Labels, Stamp};

    const ANSWER: &str = r#"[{"labels":{"alertname":"HighErr"},"receiver":{"name":"a"},"alerts":[
        {"annotations":{},"endsAt":"2026-11-30T07:19:18Z","fingerprint":"05fa","receivers":[{"name":"a"}],
         "startsAt":"2026-11-30T07:14:18.837Z","status":{"inhibitedBy":[],"silencedBy":[],"state":"active"},
         "updatedAt":"2026-11-30T07:14:18Z","labels":{"alertname":"HighErr","svc":"db"}},
        {"annotations":{},"endsAt":"2026-11-30T07:19:18Z","fingerprint":"2f9d","receivers":[{"name":"a"}],
         "startsAt":"2026-11-30T07:14:18.837Z","status":{"inhibitedBy":[],"silencedBy":["x"],"state":"suppressed"},
         "updatedAt":"2026-11-30T07:14:18Z","labels":{"alertname":"HighErr","svc":"web"}}]},
        {"labels":{"alertname":"HighErr"},"receiver":{"name":"b"},"alerts":[]}]"#;

    #[test]
    fn groups_of_several_receivers_are_one_and_the_silenced_call_nobody() {
        let at = "2026-11-30T07:15:00Z".parse().unwrap();
        let groups = read_groups(ANSWER.as_bytes(), &[]).unwrap();
        let commands = commands(groups, &[], ("http://am:9093", at), &Grouping::default());
        let [Command::Incident { verb: IncidentVerb::Report { report }, .. }] = commands.as_slice() else {
            panic!("{commands:?}")
        };
        assert_eq!(report.alerts.iter().map(|alert| alert.fingerprint.as_str()).collect::<Vec<_>>(), ["05fa"]);
        assert_eq!(report.group, Group::key(&[("alertname".to_owned(), "HighErr".to_owned())].into(), ""));
    }

    /// The incident of that group, in which an alert fires that is not in the answer.
    fn incident(at: Timestamp) -> Incident {
        let group = Group::key(&[("alertname".to_owned(), "HighErr".to_owned())].into(), "");
        let stamp = |version| Stamp { version, at, by: &Actor::System };
        let id = group.incident(at);
        let opened = IncidentEvent::Opened {
            group,
            title: "x".into(),
            labels: Labels::default(),
            runbook: None,
            agent: None,
            classifier: None,
            part: Default::default(),
            is_held: false,
        };
        let mut incident = Incident::begin(id, &opened, &stamp(1)).unwrap();
        let alert = Alert {
            fingerprint: "77aa".to_owned(),
            starts_at: at,
            ended_at: None,
            labels: Labels::default(),
            annotations: Labels::default(),
            url: Untrusted::default(),
            source: "http://am:9093".into(),
            marks: Default::default(),
        };
        incident.apply(&IncidentEvent::AlertFired { alert: Box::new(alert), group: None }, &stamp(2));
        incident
    }

    #[test]
    fn a_group_in_which_nothing_calls_anybody_any_more_empties_its_incident() {
        let at = "2026-11-30T07:15:00Z".parse().unwrap();
        let silenced = ANSWER.replace("\"active\"", "\"suppressed\"");
        for answer in [&silenced, r#"[{"labels":{"alertname":"HighErr"},"alerts":[]}]"#, "[]"] {
            let groups = read_groups(answer.as_bytes(), &[]).unwrap();
            let commands = commands(groups, &[incident(at)], ("http://am:9093", at), &Grouping::default());
            let [Command::Incident { verb: IncidentVerb::Report { report }, .. }] = commands.as_slice() else {
                panic!("{answer}: {commands:?}")
            };
            assert!(report.alerts.is_empty(), "{answer}: {report:?}");
        }
    }

    #[test]
    fn nonsense_is_no_answer() {
        for body in ["", "<html>", "{}", r#"[{"labels":{}}]"#, &ANSWER.replace("active", "x")] {
            assert!(read_groups(body.as_bytes(), &[]).is_err(), "{body}");
        }
        assert_eq!(read_groups(b"[]", &[]).unwrap().len(), 0);
    }
}

//! Sentry's webhooks: issue alerts, metric alerts, and issues that were resolved.
//!
//! An issue is one incident, however often its alert is triggered; so is the rule of a metric.

use super::fields::{Fields, parse};
use super::group::{Group, Grouping, Told, pairs};
use super::heard::Heard;
use super::unreadable::Unreadable;
use crate::domain::Timestamp;
use crate::kinds::Sight;

const NAME: &str = "sentry";

pub(super) fn read(body: &[u8], grouping: &Grouping) -> Result<Heard, Unreadable> {
    let body = parse("the body of a Sentry webhook", body)?;
    let fields = Fields::of(&body);
    let action = fields.text_or_empty("/action");
    let (event, issue, metric) =
        (fields.part("/data/event"), fields.part("/data/issue"), fields.part("/data/metric_alert"));
    let group = match (action, event, issue, metric) {
        ("triggered", Some(event), _, _) => Some(triggered(fields, event)?),
        ("resolved", _, Some(issue), _) => Some(resolved(issue)?),
        ("critical" | "warning" | "resolved", _, _, Some(metric)) => Some(measured(fields, metric, action)?),
        _ => None,
    };
    Ok(match group.and_then(|group| group.command(NAME, Sight::Told, &grouping.rules)) {
        Some(command) => Heard::Alerts(vec![command]),
        None => Heard::Ignored("it is not an alert and does not resolve one".to_owned()),
    })
}

fn of_issue(id: &str, told: Told) -> Group {
    Group::named(NAME, &["issue", id], vec![told])
}

fn triggered(body: Fields<'_>, event: Fields<'_>) -> Result<Group, Unreadable> {
    let id = event.id("/issue_id")?;
    let title = event.text("/title").or_else(|| event.text("/message")).unwrap_or("an issue");
    let tags = event.value("/tags").and_then(|tags| tags.as_array()).into_iter().flatten();
    let tag = |wanted: &str| {
        let mut pairs = tags.clone().filter_map(|pair| Some((pair.get(0)?.as_str()?, pair.get(1)?.as_str()?)));
        pairs.find_map(|(name, value)| (name == wanted).then_some(value)).unwrap_or_default()
    };
    let at = event.time("/datetime").or_else(|_| event.time("/timestamp"))?;
    let project = event.word("/project").unwrap_or_default();
    let rule = body.text_or_empty("/data/triggered_rule");
    let told = Told {
        labels: pairs([
            ("alertname", "SentryIssue"),
            ("severity", event.text_or_empty("/level")),
            ("issue", &id),
            ("project", &project),
            ("environment", tag("environment")),
            ("culprit", event.text_or_empty("/culprit")),
        ]),
        annotations: pairs([("summary", title), ("rule", rule)]),
        starts_at: at,
        ended_at: None,
        fingerprint: "issue".to_owned(),
        url: event.text("/web_url").or_else(|| event.text("/issue_url")).unwrap_or_default().to_owned(),
    };
    Ok(of_issue(&id, told))
}

fn resolved(issue: Fields<'_>) -> Result<Group, Unreadable> {
    let id = issue.id("/id")?;
    // Sentry says when the issue was seen last, not when it was resolved.
    let at = issue.time("/lastSeen")?;
    let title = issue.text("/title").unwrap_or("an issue");
    Ok(of_issue(&id, over(at, "SentryIssue", title, "issue")))
}

/// A metric that changes from bad to worse is another alert of the same incident, in place of the first.
fn measured(body: Fields<'_>, metric: Fields<'_>, action: &str) -> Result<Group, Unreadable> {
    let rule = metric.id("/alert_rule/id")?;
    let name = metric.text("/alert_rule/name").or_else(|| metric.text("/title")).unwrap_or("a metric");
    let began = metric.time("/date_started").or_else(|_| metric.time("/date_detected"))?;
    let at = if action == "resolved" { metric.time("/date_closed").unwrap_or(began) } else { began };
    let summary = body.text("/data/description_text").or_else(|| body.text("/data/description_title")).unwrap_or(name);
    let firing = || Told {
        labels: pairs([
            ("alertname", "SentryMetric"),
            ("severity", action),
            ("rule", name),
            ("organization", metric.word("/organization_id").unwrap_or_default().as_str()),
        ]),
        annotations: pairs([("summary", summary)]),
        starts_at: began,
        ended_at: None,
        fingerprint: action.to_owned(),
        url: body.text_or_empty("/data/web_url").to_owned(),
    };
    let alerts = ["critical", "warning"].map(|level| match level == action {
        true => firing(),
        false => over(at, "SentryMetric", summary, level),
    });
    Ok(Group::named(NAME, &["metric", &rule], alerts.into()))
}

/// That an alert has ended; where it is not known, that says nothing.
fn over(at: Timestamp, alert: &str, summary: &str, fingerprint: &str) -> Told {
    Told {
        labels: pairs([("alertname", alert)]),
        annotations: pairs([("summary", summary)]),
        starts_at: at,
        ended_at: Some(at),
        fingerprint: fingerprint.to_owned(),
        url: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::kinds::{IncidentReport, Severity};

    fn heard(body: &Value) -> Heard {
        read(body.to_string().as_bytes(), &Grouping::default()).unwrap()
    }

    fn report(body: &Value) -> IncidentReport {
        heard(body).reports().remove(0)
    }

    fn metric(action: &str) -> Value {
        json!({
            "action": action,
            "data": {
                "metric_alert": {
                    "alert_rule": { "id": "7", "name": "Too many errors" }, "organization_id": "5",
                    "date_started": "2026-11-30T07:00:00Z",
                    "date_closed": if action == "resolved" { json!("2026-11-30T08:00:00Z") } else { Value::Null },
                },
                "description_text": "1000 events in the last hour", "web_url": "https://sentry.example/alerts/1/",
            },
        })
    }

    #[test]
    fn a_metric_that_gets_worse_replaces_what_it_was_and_ends_as_a_whole() {
        let [warning, critical, resolved] = ["warning", "critical", "resolved"].map(|action| report(&metric(action)));
        assert!(warning.group == critical.group && critical.group == resolved.group);
        assert_eq!(warning.title.raw(), "SentryMetric: 1000 events in the last hour");
        let firing = |report: &IncidentReport| {
            let firing = report.alerts.iter().filter(|alert| alert.ended_at.is_none());
            firing.map(|alert| (alert.fingerprint.clone(), alert.severity())).collect::<Vec<_>>()
        };
        assert_eq!(firing(&warning), [("warning".to_owned(), Severity::Warning)]);
        assert_eq!(firing(&critical), [("critical".to_owned(), Severity::Critical)]);
        assert_eq!((firing(&resolved), resolved.alerts.len()), (Vec::new(), 2));
    }

    #[test]
    fn an_issue_is_one_incident_until_it_is_resolved() {
        let body = |issue: Value, level: &str| {
            let event = json!({
                "issue_id": issue, "level": level, "title": "ReferenceError: \u{1b}[2J", "datetime": "2026-11-30T07:00:00Z",
                "tags": [["environment", "prod"], ["odd"]], "project": 1,
            });
            json!({ "action": "triggered", "data": { "event": event, "triggered_rule": "Any error" } })
        };
        let (first, again) = (report(&body(json!("1"), "fatal")), report(&body(json!(1), "error")));
        assert_eq!(first.group, again.group);
        assert_eq!((Severity::of(&first.labels), Severity::of(&again.labels)), (Severity::Critical, Severity::Warning));
        assert_eq!(first.labels.get("environment"), Some("prod"));
        let issue = json!({ "id": "1", "lastSeen": "2026-11-30T07:10:00Z", "status": "resolved" });
        let over = report(&json!({ "action": "resolved", "data": { "issue": issue } }));
        assert_eq!((&over.group, over.alerts[0].fingerprint.as_str()), (&first.group, "issue"));
        assert!(over.alerts[0].ended_at.is_some());
        for ignored in
            [json!({ "action": "created", "data": { "issue": {} } }), json!({ "action": "created" }), json!({})]
        {
            assert!(heard(&ignored).is_ignored(), "{ignored}");
        }
    }

    #[test]
    fn the_shape_that_sentry_documents_is_read() {
        let Ok(shape) = std::fs::read("../shared/contracts/sentry/webhook-event_alert.shape.json") else {
            eprintln!("not tested: the vendors' contracts are not here");
            return;
        };
        let shape: Value = serde_json::from_slice(&shape).unwrap();
        let report = report(&shape["event_alert"]);
        assert_eq!(report.title.raw(), "SentryIssue: ReferenceError: x");
        assert_eq!(report.alerts[0].url.raw(), "https://sentry.example/organizations/o/issues/1/events/0/");
    }
}

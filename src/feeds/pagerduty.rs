//! PagerDuty's webhooks of version 3: incidents there are incidents here.

use super::fields::{Fields, parse};
use super::group::{Group, Grouping, Told, pairs};
use super::heard::Heard;
use super::unreadable::Unreadable;
use crate::kinds::Sight;

const NAME: &str = "pagerduty";

/// What incidents begin with that were made there from here: they would come back as new ones.
const OWN: &str = "morningai";

pub(super) fn read(body: &[u8], grouping: &Grouping) -> Result<Heard, Unreadable> {
    let body = parse("the body of a PagerDuty webhook, version 3", body)?;
    let fields = Fields::of(&body);
    let event = fields
        .part("/event")
        .ok_or_else(|| Unreadable::new("/event is missing", "use a webhook subscription of version 3"))?;
    let kind = event.text_or_empty("/event_type");
    let is_own = event.text_or_empty("/data/incident_key").starts_with(OWN);
    let group = match kind {
        _ if is_own => return Ok(Heard::Ignored("it was opened by morningai".to_owned())),
        "incident.triggered"
        | "incident.acknowledged"
        | "incident.unacknowledged"
        | "incident.reopened"
        | "incident.escalated"
        | "incident.reassigned"
        | "incident.delegated"
        | "incident.priority_updated"
        | "incident.resolved" => incident(event, kind)?,
        _ => return Ok(Heard::Ignored("it changes nothing about an incident".to_owned())),
    };
    let command = group.command(NAME, Sight::Told, &grouping.rules);
    Ok(Heard::Alerts(command.into_iter().collect()))
}

/// Whatever is heard of an incident first tells that it is there: what came before it may have been missed.
fn incident(event: Fields<'_>, kind: &str) -> Result<Group, Unreadable> {
    let id = event.id("/data/id")?;
    let title = event.text("/data/title").or_else(|| event.text("/data/summary")).unwrap_or("an incident");
    let starts_at = match kind {
        "incident.reopened" => event.time("/occurred_at")?,
        _ => event.time("/data/created_at").or_else(|_| event.time("/occurred_at"))?,
    };
    let is_over = kind == "incident.resolved" || event.text_or_empty("/data/status") == "resolved";
    let severity = match event.text_or_empty("/data/urgency") {
        "high" => "critical",
        _ => "warning",
    };
    let told = Told {
        labels: pairs([
            ("alertname", "PagerDutyIncident"),
            ("severity", severity),
            ("service", event.text_or_empty("/data/service/summary")),
            ("priority", event.text_or_empty("/data/priority/summary")),
            ("incident", &id),
        ]),
        annotations: pairs([("summary", title)]),
        starts_at,
        ended_at: if is_over { Some(event.time("/occurred_at")?) } else { None },
        fingerprint: "incident".to_owned(),
        url: event.text_or_empty("/data/html_url").to_owned(),
    };
    Ok(Group::named(NAME, &[&id], vec![told]))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::kinds::Severity;

    fn body(kind: &str, at: &str, key: &str) -> Value {
        json!({
            "event": {
                "id": "01ABC", "event_type": kind, "resource_type": "incident", "occurred_at": at,
                "data": {
                    "id": "PGR0VU2", "type": "incident", "html_url": "https://acme.pagerduty.com/incidents/PGR0VU2",
                    "status": if kind == "incident.resolved" { "resolved" } else { "triggered" }, "incident_key": key,
                    "created_at": "2026-11-30T07:00:00Z", "title": "A little bump in the road",
                    "service": { "id": "PF9KMXH", "summary": "API Service" }, "urgency": "high", "priority": null,
                },
            },
        })
    }

    fn heard(body: &Value) -> Heard {
        read(body.to_string().as_bytes(), &Grouping::default()).unwrap()
    }

    #[test]
    fn an_incident_there_is_one_here_from_whatever_is_heard_first_to_its_end() {
        let report = |kind: &str, at: &str| heard(&body(kind, at, "k")).reports().remove(0);
        let triggered = report("incident.triggered", "2026-11-30T07:00:01Z");
        let escalated = report("incident.escalated", "2026-11-30T07:05:00Z");
        let resolved = report("incident.resolved", "2026-11-30T07:10:00Z");
        let reopened = report("incident.reopened", "2026-11-30T07:20:00Z");
        assert_eq!(triggered, escalated, "nothing new");
        assert_eq!(triggered.title.raw(), "PagerDutyIncident: A little bump in the road");
        assert_eq!(Severity::of(&triggered.labels), Severity::Critical);
        assert_eq!(
            (&resolved.group, resolved.alerts[0].ended_at),
            (&triggered.group, Some("2026-11-30T07:10:00Z".parse().unwrap()))
        );
        assert!(reopened.alerts[0].starts_at > resolved.alerts[0].starts_at);
    }

    #[test]
    fn what_began_here_does_not_come_back_and_the_rest_is_ignored() {
        let at = "2026-11-30T07:00:00Z";
        for (kind, key) in [("incident.triggered", "morningai/0198"), ("pagey.ping", ""), ("service.updated", "")] {
            assert!(heard(&body(kind, at, key)).is_ignored(), "{kind}");
        }
        let old = json!({ "messages": [] }).to_string();
        assert!(read(old.as_bytes(), &Grouping::default()).unwrap_err().hint.contains("version 3"));
    }
}

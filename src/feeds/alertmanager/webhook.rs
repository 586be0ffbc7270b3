//! The body that Alertmanager posts to a webhook, version 4.

use std::borrow::Cow;

use serde::Deserialize;

use crate::feeds::group::{Group, Grouping, MOST_ALERTS, Pairs, Told, beginning, fingerprint, time};
use crate::feeds::heard::Heard;
use crate::feeds::unreadable::Unreadable;
use crate::kinds::Sight;

#[derive(Deserialize)]
struct Version<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
}

/// Fields that are not named here are of no use to us.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    group_key: String,
    #[serde(default)]
    truncated_alerts: u32,
    #[serde(default)]
    group_labels: Pairs,
    #[serde(default, rename = "externalURL")]
    external_url: String,
    alerts: Vec<Sent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    status: Status,
    #[serde(default)]
    labels: Pairs,
    #[serde(default)]
    annotations: Pairs,
    starts_at: String,
    #[serde(default)]
    ends_at: String,
    #[serde(default, rename = "generatorURL")]
    url: String,
    #[serde(default)]
    fingerprint: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Firing,
    Resolved,
}

/// What a body asks for: one command for each incident that it is about.
pub(in crate::feeds) fn read_webhook(body: &[u8], grouping: &Grouping) -> Result<Heard, Unreadable> {
    const WHAT: &str = "the body of an Alertmanager webhook";
    let text = Unreadable::unless_text(body)?;
    let unreadable = |error: serde_json::Error| Unreadable::json(WHAT, &error);
    let Version { version } = serde_json::from_str(text).map_err(unreadable)?;
    if version != "4" {
        let shown = beginning(&version);
        return Err(Unreadable::new(
            format!("this is version {shown:?} of Alertmanager's webhook, and version \"4\" is understood"),
            "use an Alertmanager from 0.6 on, and `webhook_configs`",
        ));
    }
    let body: Body = serde_json::from_str(text).map_err(unreadable)?;
    if body.alerts.len() > MOST_ALERTS {
        let message = format!("{} alerts are in one body, and at most {MOST_ALERTS} are taken", body.alerts.len());
        return Err(Unreadable::new(message, "set `max_alerts` in the webhook's configuration"));
    }
    let alerts = body.alerts.into_iter().enumerate().map(|(place, sent)| {
        sent.told().map_err(|wrong| Unreadable::new(format!("alerts[{place}]: {wrong}"), "times are RFC 3339"))
    });
    let alerts = alerts.collect::<Result<Vec<_>, _>>()?;
    let key = Group::key(&body.group_labels, &body.group_key);
    let group = Group { key, labels: body.group_labels, alerts, left_out: body.truncated_alerts };
    let groups = group.regrouped(&grouping.by).into_iter();
    let commands = groups.filter_map(|group| group.command(&body.external_url, Sight::Told, &grouping.rules));
    Ok(Heard::Alerts(commands.collect()))
}

impl Sent {
    fn told(self) -> Result<Told, String> {
        let starts_at = time(&self.starts_at)?.ok_or("startsAt is missing")?;
        let ended_at = match self.status {
            Status::Firing => None,
            // One that says nothing of its end has ended by the time this was sent.
            Status::Resolved => Some(time(&self.ends_at)?.unwrap_or(starts_at)),
        };
        Ok(Told {
            fingerprint: fingerprint(&self.fingerprint, &self.labels),
            labels: self.labels,
            annotations: self.annotations,
            starts_at,
            ended_at,
            url: self.url,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::kinds::IncidentReport;

    fn alert(name: &str, status: &str) -> Value {
        json!({
            "status": status, "labels": { "alertname": name, "severity": "critical", "svc": "db" },
            "annotations": { "summary": "errors" }, "startsAt": "2026-11-30T07:14:18.837397472Z",
            "endsAt": if status == "firing" { "0001-01-01T00:00:00Z" } else { "2026-11-30T07:20:00Z" },
            "generatorURL": "http://p/g", "fingerprint": "b9489d1fc9ba47fb",
        })
    }

    fn body(alerts: &[Value]) -> Value {
        json!({
            "receiver": "hook", "status": "firing", "alerts": alerts, "groupLabels": { "alertname": "HighErr" },
            "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://vm:9093", "version": "4",
            "groupKey": "{}:{alertname=\"HighErr\"}", "truncatedAlerts": 2,
        })
    }

    fn read(body: &Value) -> Result<Vec<IncidentReport>, Unreadable> {
        Ok(read_webhook(body.to_string().as_bytes(), &Grouping::default())?.reports())
    }

    #[test]
    fn a_group_is_one_report_with_all_of_its_alerts() {
        let reports = read(&body(&[alert("HighErr", "firing")])).unwrap();
        let [report] = reports.as_slice() else { panic!("{reports:?}") };
        assert_eq!((report.title.raw(), report.left_out), ("HighErr: errors", 2));
        assert_eq!(report.labels.get("svc"), Some("db"));
        assert_eq!((report.alerts[0].ended_at, report.alerts[0].source.raw()), (None, "http://vm:9093"));
        let resolved = read(&body(&[alert("HighErr", "resolved")])).unwrap();
        assert_eq!(resolved[0].group, report.group);
        assert_eq!(resolved[0].alerts[0].ended_at, Some("2026-11-30T07:20:00Z".parse().unwrap()));
    }

    #[test]
    fn alerts_are_grouped_by_the_labels_that_are_configured() {
        let mut other = alert("HighErr", "firing");
        other["labels"]["svc"] = "web".into();
        other["fingerprint"] = "1".into();
        let sent = body(&[alert("HighErr", "firing"), other]).to_string();
        let grouping = Grouping { by: vec!["svc".to_owned()], ..Grouping::default() };
        let split = read_webhook(sent.as_bytes(), &grouping).unwrap().reports();
        assert_eq!(split.len(), 2);
        assert_ne!(split[0].group, split[1].group);
    }

    #[test]
    fn what_alertmanager_sent_here_is_read() {
        let folder = std::path::Path::new("../shared/contracts/alertmanager/webhook-v4-recorded");
        if !folder.is_dir() {
            return;
        }
        for name in ["hook-01.json", "hook-02.json", "hook-03.json"] {
            let body = std::fs::read(folder.join(name)).unwrap();
            assert_eq!(read_webhook(&body, &Grouping::default()).unwrap().reports().len(), 1, "{name}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said_with_its_place() {
        let good = body(&[alert("HighErr", "firing")]);
        let with = |path: &str, value: Value| {
            let mut body = good.clone();
            *body.pointer_mut(path).unwrap() = value;
            body.to_string().into_bytes()
        };
        let cut = good.to_string();
        for (body, said) in [
            (b"".to_vec(), "EOF while parsing"),
            (b"[]".to_vec(), "line 1, column"),
            (b"\xff{}".to_vec(), "byte 0 is not UTF-8"),
            (cut.as_bytes()[..cut.len() / 2].to_vec(), "EOF while parsing"),
            (with("/version", json!("3\u{1b}[2J")), "version \"3␛[2J\""),
            (with("/version", json!(4)), "expected a string"),
            (with("/alerts", json!({})), "expected a sequence"),
            (with("/alerts/0/status", json!("burning")), "unknown variant"),
            (with("/alerts/0/startsAt", json!("yesterday")), "alerts[0]: \"yesterday\" is not a time"),
            (with("/alerts/0/startsAt", json!("0001-01-01T00:00:00Z")), "startsAt is missing"),
            (with("/alerts/0/labels", json!({ "a": 1 })), "expected a string"),
            (with("/truncatedAlerts", json!(-1)), "expected u32"),
        ] {
            let error = read_webhook(&body, &Grouping::default()).unwrap_err();
            assert!(error.message.contains(said), "{said:?} is not in {:?}", error.message);
        }
        let many: Vec<_> = (0..=MOST_ALERTS).map(|_| alert("x", "firing")).collect();
        assert!(read(&body(&many)).unwrap_err().message.contains("at most 20000"));
    }

    #[test]
    fn an_attackers_labels_are_kept_short_and_exact() {
        let mut nasty = alert("HighErr", "firing");
        nasty["labels"]["svc"] = "\u{1b}]0;x\u{7}\u{202e}$(rm -rf /)".into();
        nasty["labels"]["huge"] = "x".repeat(100_000).into();
        nasty["annotations"]["summary"] = "y".repeat(100_000).into();
        nasty["generatorURL"] = "z".repeat(100_000).into();
        nasty["fingerprint"] = "../../etc".into();
        let reports = read(&body(&[nasty])).unwrap();
        let written = serde_json::to_string(&reports[0]).unwrap();
        assert!(written.len() < 8_000, "{} bytes", written.len());
        let alert = &reports[0].alerts[0];
        assert_eq!(alert.labels.get("svc"), Some("\u{1b}]0;x\u{7}\u{202e}$(rm -rf /)"));
        assert!(alert.fingerprint.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{}", alert.fingerprint);
    }
}

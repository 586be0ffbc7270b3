//! JSON of any form, read by the first mapping of the configuration that fits it.

use serde_json::Value;

use super::fields::{Fields, parse, scalar};
use super::group::{Group, Grouping, MOST_ALERTS, Pairs, Told, fingerprint, pairs};
use super::heard::Heard;
use super::mapping::Mapping;
use super::unreadable::Unreadable;
use crate::kinds::Sight;

/// Labels taken of one alert.
const MOST_LABELS: usize = 64;

pub(super) fn read(body: &[u8], grouping: &Grouping) -> Result<Heard, Unreadable> {
    let body = parse("JSON", body)?;
    if grouping.mappings.is_empty() {
        return Err(Unreadable::unmapped(
            "there is no mapping to read it by",
            "describe it under [[incidents.mapping]]",
        ));
    }
    let mut looked_for = Vec::new();
    for mapping in &grouping.mappings {
        match alerts(&body, mapping) {
            Ok(alerts) => return Ok(Heard::Alerts(commands(alerts, mapping, grouping))),
            Err(wrong) => looked_for.push(format!("{}: {}", mapping.name, wrong.message)),
        }
    }
    let hint = "compare the pointers under [[incidents.mapping]] with the body";
    Err(Unreadable::unmapped(format!("no mapping fits this body; {}", looked_for.join("; ")), hint))
}

fn alerts(body: &Value, mapping: &Mapping) -> Result<Vec<Told>, Unreadable> {
    let one = std::slice::from_ref(body);
    let (place, listed) = match &mapping.alerts {
        None => (String::new(), one),
        Some(pointer) => {
            let listed = body.pointer(pointer).and_then(Value::as_array);
            let none = || Unreadable::new(format!("{pointer:?} is not a list"), "");
            (pointer.clone(), listed.ok_or_else(none)?.as_slice())
        }
    };
    if listed.len() > MOST_ALERTS {
        return Err(Unreadable::new(
            format!("{} alerts are in one body, and at most {MOST_ALERTS} are taken", listed.len()),
            "",
        ));
    }
    let told = listed.iter().enumerate().map(|(number, alert)| {
        let place = if mapping.alerts.is_some() { format!("{place}/{number}") } else { place.clone() };
        one_alert(Fields::of(alert), mapping).map_err(|wrong| Unreadable::new(format!("{place}{}", wrong.message), ""))
    });
    told.collect()
}

fn one_alert(alert: Fields<'_>, mapping: &Mapping) -> Result<Told, Unreadable> {
    let name = alert.id(&mapping.alertname)?;
    let starts_at = alert.time(&mapping.started)?;
    let is_over = match &mapping.state {
        Some(pointer) => {
            let state = alert.id(pointer)?.to_lowercase();
            mapping.resolved.iter().any(|word| word.to_lowercase() == state)
        }
        None => false,
    };
    let at = |pointer: &Option<String>| pointer.as_deref().and_then(|pointer| alert.word(pointer)).unwrap_or_default();
    let ended = mapping.ended.as_deref().and_then(|pointer| alert.time(pointer).ok());
    let mut labels = listed_labels(alert, mapping);
    labels.extend(pairs([("alertname", name.as_str()), ("severity", at(&mapping.severity).as_str())]));
    let id = at(&mapping.id);
    let known_by: Pairs = if id.is_empty() { labels.clone() } else { pairs([("id", id.as_str())]) };
    Ok(Told {
        annotations: pairs([("summary", at(&mapping.summary).as_str())]),
        starts_at,
        ended_at: is_over.then(|| ended.unwrap_or(starts_at)),
        fingerprint: fingerprint("", &known_by),
        url: at(&mapping.url),
        labels,
    })
}

fn listed_labels(alert: Fields<'_>, mapping: &Mapping) -> Pairs {
    let listed = mapping.labels.as_deref().and_then(|pointer| alert.value(pointer)?.as_object());
    let words = listed.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), scalar(value)?)));
    words.take(MOST_LABELS).collect()
}

fn commands(alerts: Vec<Told>, mapping: &Mapping, grouping: &Grouping) -> Vec<crate::kinds::Command> {
    let by = match grouping.by.is_empty() {
        true => &["alertname".to_owned()],
        false => grouping.by.as_slice(),
    };
    let all = Group::named("json", &[&mapping.name], alerts);
    let groups = all.regrouped(by).into_iter();
    groups.filter_map(|group| group.command(&mapping.name, Sight::Told, &grouping.rules)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::Severity;

    fn grouping() -> Grouping {
        let some = |text: &str| Some(text.to_owned());
        let grafana = Mapping {
            name: "grafana".to_owned(),
            alerts: some("/alerts"),
            alertname: "/labels/alertname".to_owned(),
            started: "/startsAt".to_owned(),
            ended: some("/endsAt"),
            state: some("/status"),
            resolved: vec!["resolved".to_owned()],
            severity: some("/labels/severity"),
            labels: some("/labels"),
            summary: some("/annotations/summary"),
            ..Mapping::default()
        };
        let cron = Mapping {
            name: "cron".to_owned(),
            alertname: "/job".to_owned(),
            started: "/at".to_owned(),
            id: some("/job"),
            ..Mapping::default()
        };
        Grouping { mappings: vec![grafana, cron], ..Grouping::default() }
    }

    #[test]
    fn the_first_mapping_that_fits_reads_it() {
        let listed = json!({ "alerts": [
            { "status": "firing", "labels": { "alertname": "Slow", "severity": "critical", "n": 1, "deep": {} },
              "startsAt": "2026-11-30T07:00:00Z", "annotations": { "summary": "p99 is 3 s" } },
            { "status": "Resolved", "labels": { "alertname": "Down" }, "startsAt": 1796022000, "endsAt": 1796022060000u64 },
        ] });
        let reports = read(listed.to_string().as_bytes(), &grouping()).unwrap().reports();
        assert_eq!(reports.len(), 2, "grouped by name");
        let slow = reports.iter().find(|report| report.title.raw() == "Slow: p99 is 3 s").unwrap();
        assert_eq!((Severity::of(&slow.labels), slow.labels.get("n")), (Severity::Critical, Some("1")));
        let down = reports.iter().find(|report| report.title.raw() == "Down").unwrap();
        assert_eq!(down.alerts[0].ended_at, Some("2026-11-30T07:01:00Z".parse().unwrap()));
        let single = json!({ "job": "backup", "at": "2026-11-30T07:00:00Z" }).to_string();
        let reports = read(single.as_bytes(), &grouping()).unwrap().reports();
        assert_eq!((reports[0].title.raw(), reports[0].alerts[0].source.raw()), ("backup", "cron"));
    }

    #[test]
    fn a_body_that_no_mapping_fits_is_refused_with_what_was_looked_for() {
        for (body, said) in [
            (json!({}), "grafana: \"/alerts\" is not a list; cron: /job is missing"),
            (json!({ "alerts": [{ "labels": {} }] }), "grafana: /alerts/0/labels/alertname is missing"),
            (json!({ "job": "x", "at": "soon" }), "cron: /at: \"soon\" is not a time"),
        ] {
            let error = read(body.to_string().as_bytes(), &grouping()).unwrap_err();
            assert!(error.is_unmapped && error.message.contains(said), "{}", error.message);
        }
        assert!(read(b"{}", &Grouping::default()).unwrap_err().is_unmapped);
    }
}

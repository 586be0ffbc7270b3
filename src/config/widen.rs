//! Adds an alert to those that a runbook is for, in the text of its file, and changes nothing else in it.

use std::collections::BTreeMap;

use super::front_matter;
use super::procedures::Procedure;
use crate::domain::SourceText;

/// The text of a runbook that is also for alerts of this name, which have these labels. `None` where the file is not written
/// so that this could be done for it, or would not match them even then.
pub fn with_alert(name: &str, text: &str, labels: &BTreeMap<String, String>) -> Option<String> {
    let alert = labels.get("alertname")?;
    // A star would match others.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    if alert.is_empty() || !alert.chars().all(is_plain) {
        return None;
    }
    let read = |text: &str| Procedure::read(&SourceText::new(format!("{name}.md"), text), name).ok();
    let before = read(text)?;
    let changed = added(text, &before, alert)?;
    let after = read(&changed)?;
    let fits = |procedure: &Procedure| procedure.matching.fits(|label| labels.get(label).map(String::as_str)).is_some();
    let is_same = after.steps == before.steps && after.limits == before.limits && after.needs == before.needs;
    (is_same && !fits(&before) && fits(&after)).then_some(changed)
}

fn added(text: &str, before: &Procedure, alert: &str) -> Option<String> {
    let matter = front_matter::split(&before.source).ok()?.matter;
    if before.matching.is_empty() {
        return Some(format!("{}match:\n  alertname: {alert}\n{}", &text[..matter.end], &text[matter.end..]));
    }
    let mut at = matter.start;
    for line in text[matter].split_inclusive('\n') {
        let written = line.trim_end();
        if let Some(value) = written.trim_start().strip_prefix("alertname:") {
            let value = value.trim();
            let changed = match value.strip_suffix(']') {
                Some(listed) if value.starts_with('[') => format!("{listed}, {alert}]"),
                // A list on lines of its own, or a comment behind the value.
                _ if value.is_empty() || value.contains('#') || value.starts_with('[') => return None,
                _ => format!("[{value}, {alert}]"),
            };
            let start = at + written.len() - value.len();
            return Some(format!("{}{changed}{}", &text[..start], &text[start + value.len()..]));
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: &str = "## Look\n\n```sh\ntrue\n```\n";

    fn widened(matter: &str, alert: &str) -> Option<String> {
        let labels = [("alertname", alert), ("env", "prod")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let text = format!("---\nname: x\ndescription: d\n{matter}---\n\n{STEP}");
        let changed = with_alert("x", &text, &labels.into())?;
        let head = changed.strip_prefix("---\nname: x\ndescription: d\n").unwrap();
        Some(head.strip_suffix(&format!("---\n\n{STEP}")).unwrap().to_owned())
    }

    #[test]
    fn the_name_of_an_alert_is_added_where_names_stand() {
        for (before, after) in [
            ("", "match:\n  alertname: WebGone\n"),
            ("match:\n  alertname: Down\n", "match:\n  alertname: [Down, WebGone]\n"),
            ("match:\n  alertname: [Down, \"*Lost\"]\n", "match:\n  alertname: [Down, \"*Lost\", WebGone]\n"),
            (
                "match:\n  env: prod\n  alertname: \"Down\"\nneeds: none\n",
                "match:\n  env: prod\n  alertname: [\"Down\", WebGone]\nneeds: none\n",
            ),
        ] {
            assert_eq!(widened(before, "WebGone").as_deref(), Some(after));
        }
    }

    #[test]
    fn what_would_not_match_or_cannot_be_written_is_left_alone() {
        for matter in [
            "match:\n  alertname: \"Web*\"\n",
            "match:\n  env: dev\n  alertname: Down\n",
            "match: { alertname: Down }\n",
            "match:\n  alertname:\n    - Down\n",
            "match:\n  env: prod\n",
        ] {
            assert_eq!(widened(matter, "WebGone"), None, "{matter}");
        }
        for alert in ["", "*", "Web*", "a, b]", "x\ny", "{{x}}", "a #"] {
            assert_eq!(widened("match:\n  alertname: Down\n", alert), None, "{alert}");
        }
    }
}

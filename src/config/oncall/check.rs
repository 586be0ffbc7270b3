//! What is wrong with `[oncall]` although each line of it can be read.

use chrono::Weekday;

use super::OnCallSection;
use super::notifiers::{EmailNotifier, EmailSecurity, SlackNotifier};
use crate::config::secret::SecretSource;
use crate::domain::{AccountName, nearest};

/// Seconds that a step may be away.
const LONGEST_WAIT: u64 = 7 * 24 * 60 * 60;

/// Where, what, and what to do.
pub type Misfit = (String, String, String);

/// Most secrets that Slack may sign with: the one in use, and the next.
const MOST_SECRETS: usize = 2;

/// Everything that does not fit.
pub fn misfits(section: &OnCallSection) -> Vec<Misfit> {
    let mut found = Vec::new();
    people(section, &mut found);
    schedules(section, &mut found);
    policies(section, &mut found);
    notifiers(section, &mut found);
    for (use_of, policy) in [("incidents", &section.incidents), ("approvals", &section.approvals)] {
        if let Some(policy) = policy.as_ref().filter(|policy| !section.policies.contains_key(*policy)) {
            let help = close(policy, "policies", section.policies.keys());
            found.push((format!("oncall.{use_of}"), format!("there is no policy `{policy}`"), help));
        }
    }
    let is_early = |policy: &String| section.steps(policy).iter().any(|(_, step)| step.before_expiry.is_some());
    if section.incidents.as_ref().is_some_and(is_early) {
        let help = "use `after`, or another policy for approvals".to_owned();
        found.push(("oncall.incidents".to_owned(), "an incident does not expire".to_owned(), help));
    }
    if section.slack_signing_secrets.len() > MOST_SECRETS {
        let message = format!("at most {MOST_SECRETS}: the one in use, and the next");
        found.push(("oncall.slack_signing_secrets".to_owned(), message, "keep two of them".to_owned()));
    }
    found
}

fn people(section: &OnCallSection, found: &mut Vec<Misfit>) {
    let mut ids: Vec<&str> = Vec::new();
    for (name, person) in &section.people {
        let path = format!("oncall.people.{name}");
        if let Err(wrong) = AccountName::parse(name) {
            found.push((path.clone(), wrong, "people are called as their accounts are".to_owned()));
        }
        if section.schedules.contains_key(name) {
            let help = "give one of them another name".to_owned();
            found.push((path.clone(), "a schedule has the same name".to_owned(), help));
        }
        if person.notify.is_empty() {
            let help = "name a notifier under [oncall.notifiers]".to_owned();
            found.push((format!("{path}.notify"), "there is no way to reach them".to_owned(), help));
        }
        for notifier in &person.notify {
            if !section.notifiers.names().any(|known| known == notifier) {
                let help = close(notifier, "notifiers", section.notifiers.names());
                found.push((format!("{path}.notify"), format!("there is no notifier `{notifier}`"), help));
            }
        }
        if let Some(id) = person.slack.as_deref() {
            if ids.contains(&id) {
                let help = "a person in Slack decides as one account".to_owned();
                found.push((format!("{path}.slack"), format!("two people have the Slack id {id}"), help));
            }
            ids.push(id);
        }
    }
}

fn schedules(section: &OnCallSection, found: &mut Vec<Misfit>) {
    for (name, written) in &section.schedules {
        let path = format!("oncall.schedules.{name}");
        let layers =
            written.layers.iter().flat_map(|layer| layer.people.iter()).map(|person| ("layers.people", person));
        let overrides = written.overrides.iter().map(|over| ("overrides.person", &over.person));
        for (place, person) in layers.chain(overrides) {
            if !section.people.contains_key(person) {
                let help = close(person, "people", section.people.keys());
                found.push((format!("{path}.{place}"), format!("there is no person `{person}`"), help));
            }
        }
        if written.layers.iter().any(|layer| layer.people.is_empty()) {
            let help = "name those who take turns".to_owned();
            found.push((format!("{path}.layers.people"), "a layer without people".to_owned(), help));
        }
        if written.overrides.iter().any(|over| over.from >= over.until) {
            let help = "`from` is before `until`".to_owned();
            found.push((format!("{path}.overrides"), "an override that ends before it begins".to_owned(), help));
        }
        if let Some((day, time)) = written.schedule().gap() {
            let message = format!("nobody is on call on {} from {}", day_name(day), time.format("%H:%M"));
            let help = "add a layer for that time; one without `days` and `hours` covers all of it".to_owned();
            found.push((format!("{path}.layers"), message, help));
        }
    }
}

fn policies(section: &OnCallSection, found: &mut Vec<Misfit>) {
    for (name, policy) in &section.policies {
        let path = format!("oncall.policies.{name}");
        let mut push =
            |place: &str, message: String, help: &str| found.push((format!("{path}{place}"), message, help.to_owned()));
        if policy.steps.is_empty() {
            push(".steps", "a policy without steps".to_owned(), "say whom to notify");
        }
        for step in &policy.steps {
            let is_known =
                |target: &&String| section.schedules.contains_key(*target) || section.people.contains_key(*target);
            if step.notify.is_empty() {
                push(".steps", "a step that notifies nobody".to_owned(), "name schedules or people");
            }
            if let Some(target) = step.notify.iter().find(|target| !is_known(target)) {
                let names = section.schedules.keys().chain(section.people.keys());
                push(
                    ".steps.notify",
                    format!("there is no schedule or person `{target}`"),
                    &close(target, "schedules", names),
                );
            }
            if [step.after, step.before_expiry].into_iter().flatten().any(|seconds| seconds > LONGEST_WAIT) {
                push(".steps", "a step is at most 7d away".to_owned(), "write a shorter time");
            }
            if step.after.is_some() && step.before_expiry.is_some() {
                push(".steps", "a step has one time".to_owned(), "keep `after` or `before_expiry`");
            }
        }
        if !policy
            .steps
            .iter()
            .filter(|step| step.before_expiry.is_none())
            .is_sorted_by_key(|step| step.after.unwrap_or(0))
        {
            push(".steps", "a step before the one above it".to_owned(), "write them in the order of their times");
        }
        match policy.then.as_ref().map(|then| (then, section.policies.get(then))) {
            Some((then, None)) => {
                push(".then", format!("there is no policy `{then}`"), &close(then, "policies", section.policies.keys()))
            }
            Some((then, Some(_))) if is_circle(section, name) => {
                push(".then", format!("`{then}` leads back to this one"), "end one of them without `then`");
            }
            Some(_) if policy.then_after.is_none() => {
                push(".then", "`then` without `then_after`".to_owned(), "add `then_after = \"30m\"`");
            }
            Some(_) | None => {}
        }
    }
}

fn is_circle(section: &OnCallSection, name: &str) -> bool {
    let next = |name: &&str| section.policies.get(*name)?.then.as_deref();
    std::iter::successors(next(&name), next).take(section.policies.len()).any(|next| next == name)
}

fn notifiers(section: &OnCallSection, found: &mut Vec<Misfit>) {
    let notifiers = &section.notifiers;
    let mut names: Vec<_> = notifiers.names().collect();
    names.sort();
    for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
        let message = format!("two notifiers are called `{}`", pair[0]);
        found.push(("oncall.notifiers".to_owned(), message, "give one of them another name".to_owned()));
    }
    for (name, slack) in &notifiers.slack {
        let path = format!("oncall.notifiers.slack.{name}");
        match slack {
            SlackNotifier { token: Some(_), channel: Some(_), webhook_url: None, .. }
            | SlackNotifier { token: None, channel: None, webhook_url: Some(_), .. } => {}
            _ => {
                let help = "write `token` and `channel`, or `webhook_url` alone".to_owned();
                found.push((path.clone(), "this is neither an app nor an incoming webhook".to_owned(), help));
            }
        }
        found.extend(slack.api.as_deref().and_then(|url| address(format!("{path}.api"), url)));
    }
    for (name, service) in &notifiers.pagerduty {
        let path = format!("oncall.notifiers.pagerduty.{name}.url");
        found.extend(service.url.as_deref().and_then(|url| address(path, url)));
    }
    for (name, hook) in &notifiers.webhook {
        found.extend(address(format!("oncall.notifiers.webhook.{name}.url"), &hook.url));
    }
    for (name, email) in &notifiers.email {
        found
            .extend(wrong_email(email).map(|(message, help)| {
                (format!("oncall.notifiers.email.{name}"), message.to_owned(), help.to_owned())
            }));
    }
    for (name, source) in section.secrets() {
        if *source == SecretSource::Command(Vec::new()) {
            let help = "write a program and its arguments".to_owned();
            found.push(("oncall".to_owned(), format!("{name}: this is not a command"), help));
        }
    }
}

fn wrong_email(email: &EmailNotifier) -> Option<(&'static str, &'static str)> {
    let host = email.server.rsplit_once(':').map(|(host, _)| host).unwrap_or_default();
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    if email.server.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err()) {
        return Some(("the server has no port", "write it as smtp.example.org:587"));
    }
    if email.security == EmailSecurity::None && !is_here {
        return Some(("unencrypted to another machine", "use \"starttls\" or \"tls\""));
    }
    if email.user.is_some() != email.password.is_some() {
        return Some(("a user needs a password, and a password a user", "write both, or neither"));
    }
    email.to.is_empty().then_some(("nobody gets it", "name at least one address in `to`"))
}

fn address(path: String, url: &str) -> Option<Misfit> {
    let host = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let is_good = host.is_some_and(|host| !host.is_empty() && !host.starts_with('/'));
    (!is_good).then(|| {
        (path, "not an http:// or https:// address".to_owned(), "like \"https://hooks.example.org/oncall\"".to_owned())
    })
}

fn close<'a>(given: &str, what: &str, names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    match nearest(given, names.iter().copied()) {
        Some(close) => format!("did you mean `{close}`?"),
        None if names.is_empty() => format!("add one under [oncall.{what}.NAME]"),
        None => format!("there is {}", names.join(", ")),
    }
}

fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}

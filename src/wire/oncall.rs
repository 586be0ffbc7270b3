//! Who is on call and how they are reached, as the configuration has it.

use std::time::Duration;

use chrono::TimeDelta;

use super::Wire;
use crate::cli::{Failure, Finding, card_headline, card_text};
use crate::config::{EmailSecurity, SecretSource, SlackNotifier};
use crate::domain::{AccountName, Timestamp};
use crate::kinds::{Severity, Tidings};
use crate::notify::{Email, Message, Notifier, PagerDuty, Privacy, Secret, Sender, Slack, SlackWay, Webhook};
use crate::pager::{CardWords, Plan, Step, When};
use crate::ports::{Roster, Turn};
use crate::server::SlackDoor;
use crate::shape::OnCallShape;

/// How a request is told to those who are paged.
pub(super) const CARD: CardWords = CardWords { headline: card_headline, text: card_text };

/// Turns that a console is told ahead: the next ones it learns when it starts or attaches again.
const MOST_TURNS: usize = 100;

impl Wire {
    /// All that paging goes by.
    pub(super) fn paging_plan(&self) -> Result<Plan, Failure> {
        let section = &self.config.oncall;
        Ok(Plan {
            schedules: section.schedules.iter().map(|(name, written)| (name.clone(), written.schedule())).collect(),
            people: section.people.iter().map(|(name, person)| (name.clone(), person.notify.clone())).collect(),
            notifiers: self.notifiers()?.into_iter().collect(),
            incidents: section.incidents.as_ref().map(|policy| self.steps(policy)).unwrap_or_default(),
            approvals: section.approvals.as_ref().map(|policy| self.steps(policy)).unwrap_or_default(),
        })
    }

    fn steps(&self, policy: &str) -> Vec<Step> {
        let seconds =
            |seconds: u64| i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds).unwrap_or(TimeDelta::MAX);
        let step = |(begins, step): (u64, &crate::config::StepSection)| Step {
            when: match step.before_expiry {
                Some(early) => When::BeforeExpiry(seconds(early)),
                None => When::After(seconds(begins.saturating_add(step.after.unwrap_or(0)))),
            },
            targets: step.notify.clone(),
        };
        self.config.oncall.steps(policy).into_iter().map(step).collect()
    }

    fn notifiers(&self) -> Result<Vec<(String, Notifier)>, Failure> {
        let written = &self.config.oncall.notifiers;
        let mut notifiers = Vec::new();
        for (name, slack) in &written.slack {
            notifiers.extend(self.slack(slack).map(|slack| (name.clone(), Notifier::Slack(slack))));
        }
        for (name, service) in &written.pagerduty {
            let url = service.url.clone().unwrap_or_else(|| PagerDuty::URL.to_owned());
            let service = PagerDuty { url, routing_key: self.secret(&service.routing_key) };
            notifiers.push((name.clone(), Notifier::PagerDuty(service)));
        }
        for (name, hook) in &written.webhook {
            let hook =
                Webhook { url: hook.url.clone(), secret: hook.secret.as_ref().map(|secret| self.secret(secret)) };
            notifiers.push((name.clone(), Notifier::Webhook(hook)));
        }
        for (name, email) in &written.email {
            let privacy = match email.security {
                EmailSecurity::StartTls => Privacy::StartTls,
                EmailSecurity::Tls => Privacy::Tls,
                EmailSecurity::None => Privacy::None,
            };
            let login = email.user.clone().zip(email.password.as_ref().map(|password| self.secret(password)));
            let email = Email::new(&email.from, &email.to, &email.server, privacy, login)
                .map_err(|error| Failure::usage(error.to_string()).at(format!("[oncall.notifiers.email.{name}]")))?;
            notifiers.push((name.clone(), Notifier::Email(email)));
        }
        Ok(notifiers)
    }

    fn slack(&self, written: &SlackNotifier) -> Option<Slack> {
        let way = match written {
            SlackNotifier { webhook_url: Some(url), .. } => SlackWay::Webhook { url: self.secret(url) },
            SlackNotifier { token: Some(token), channel: Some(channel), api, .. } => SlackWay::App {
                api: api.clone().unwrap_or_else(|| Slack::API.to_owned()),
                token: self.secret(token),
                channel: channel.clone(),
            },
            SlackNotifier { .. } => return None,
        };
        Some(Slack { way })
    }

    /// What opens the receiver of decisions from Slack, and who its people are.
    pub(super) fn slack_door(&self) -> Result<SlackDoor, Failure> {
        let section = &self.config.oncall;
        let (env, base) = (|name: &str| std::env::var(name).ok(), self.places.paths.config_dir());
        let resolved = section.slack_signing_secrets.iter().map(|source| source.resolve(env, base));
        let secrets = resolved
            .collect::<Result<_, _>>()
            .map_err(|error| Failure::usage(error.message).at("[oncall] slack_signing_secrets").next(error.hint))?;
        let person = |(name, person): (&String, &crate::config::Person)| {
            Some((person.slack.clone()?, AccountName::parse(name).ok()?))
        };
        Ok(SlackDoor::new(secrets, section.people.iter().filter_map(person).collect()))
    }

    /// Fetched each time it is needed, so that one that was renewed is used at once.
    fn secret(&self, source: &SecretSource) -> Secret {
        let (source, base) = (source.clone(), self.places.paths.config_dir().to_owned());
        Secret::new(move || source.resolve(|name| std::env::var(name).ok(), &base).map_err(|error| error.message))
    }

    /// Who is on call at an instant, for each schedule.
    pub(super) fn on_call_at(&self, at: Timestamp) -> Vec<OnCallShape> {
        let schedules = self.config.oncall.schedules.iter();
        let shape = |(name, written): (&String, &crate::config::ScheduleSection)| {
            let schedule = written.schedule();
            let duty = schedule.duty(at);
            OnCallShape {
                schedule: name.clone(),
                person: duty.as_ref().map(|duty| duty.person.to_owned()),
                until: duty.and_then(|duty| duty.until),
                zone: schedule.zone.name().to_owned(),
            }
        };
        schedules.map(shape).collect()
    }

    /// Who is on call from then on, in each schedule.
    pub(super) fn rosters(&self, from: Timestamp) -> Vec<Roster> {
        let roster = |(name, written): (&String, &crate::config::ScheduleSection)| {
            let schedule = written.schedule();
            let turn = |from| Turn { from, person: schedule.on_call(from).map(str::to_owned) };
            let next = |before: &Turn| Some(turn(schedule.until(before.from, before.person.as_deref())?));
            let turns = std::iter::successors(Some(turn(from)), next).take(MOST_TURNS).collect();
            Roster { schedule: name.clone(), turns }
        };
        self.config.oncall.schedules.iter().map(roster).collect()
    }

    /// Sends a page that is about nothing.
    pub(super) async fn send_test(&self, name: &str, at: Timestamp) -> Result<String, Failure> {
        let notifiers = self.notifiers()?;
        let Some((_, notifier)) = notifiers.iter().find(|(known, _)| known == name) else {
            let names: Vec<_> = notifiers.iter().map(|(name, _)| name.as_str()).collect();
            let next = match names.is_empty() {
                true => "add one under [oncall.notifiers] in the configuration".to_owned(),
                false => format!("there is {}", names.join(", ")),
            };
            return Err(Failure::usage(format!("no notifier is called {name:?}")).next(next));
        };
        let id = uuid::Uuid::now_v7();
        let message = |tidings: Tidings| Message {
            id: format!("{id}.{}", tidings.name()),
            key: format!("morningai-test-{id}"),
            tidings,
            about: None,
            severity: Severity::Info,
            title: "A test of morningai: nothing is wrong".to_owned(),
            facts: vec![("notifier".to_owned(), name.to_owned())],
            text: "Nobody has to do anything.".to_owned(),
            person: None,
            at,
            outcome: String::new(),
            receipt: String::new(),
            decision: None,
        };
        let failed = |error: crate::notify::Undelivered| {
            Failure::failed(format!("the test did not arrive: {error}"))
                .at(notifier.about())
                .next("`morningai doctor` looks at each notifier")
        };
        let sender = Sender::new().map_err(failed)?;
        let receipt = sender.send(notifier, &message(Tidings::Trigger)).await.map_err(failed)?;
        // What follows is not left open there.
        if notifier.follows() == crate::kinds::Follows::All {
            let over = Message { receipt, outcome: "over".to_owned(), ..message(Tidings::Resolve) };
            sender.send(notifier, &over).await.map_err(failed)?;
        }
        Ok(notifier.about())
    }

    /// Who is on call, and which notifiers can be reached.
    pub(super) async fn examine_on_call(&self, now: Timestamp) -> Vec<Finding> {
        let section = &self.config.oncall;
        let on_call = self.on_call_at(now);
        let notifiers = match self.notifiers() {
            Ok(notifiers) if on_call.is_empty() && notifiers.is_empty() => return Vec::new(),
            Ok(notifiers) => notifiers,
            Err(failure) => return vec![Finding::fail("on call", failure.message(), "mend [oncall.notifiers]")],
        };
        let told: Vec<_> = on_call.iter().map(OnCallShape::line).collect();
        let mut findings = Vec::new();
        if on_call.iter().any(|on_call| on_call.person.is_none()) {
            let advice = "nobody is paged for that schedule now: add a layer or an override";
            findings.push(Finding::warn("on call", told.join("\n"), advice));
        } else if !told.is_empty() {
            findings.push(Finding::ok("on call", told.join("\n")));
        }
        if section.incidents.is_none() && section.approvals.is_none() {
            let advice = "name a policy with `incidents` or `approvals` under [oncall]";
            findings.push(Finding::warn("on call", "nobody is paged: no policy is in use", advice));
        }
        for (name, notifier) in &notifiers {
            let detail = format!("{name}: {}", notifier.about());
            findings.push(match notifier.reach(Duration::from_secs(3)).await {
                Ok(()) => Finding::ok("notifier", detail),
                Err(reason) => {
                    let advice = format!("`morningai oncall test {name}` sends a test once this is mended");
                    Finding::fail("notifier", format!("{detail}: {reason}"), advice)
                }
            });
        }
        findings
    }
}

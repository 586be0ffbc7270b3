//! `[billing]`: the plan that is subscribed to, since when, and its changes. Off where no plan is named.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::incidents::secrets;
use super::limits::seconds;
use super::secret::SecretSource;
use crate::billing::{Account, Cycle, Plans, Term, TermProblem};
use crate::domain::{Fault, SourceText, Timestamp};

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BillingSection {
    /// Name of the plan; without it, nothing is limited and nothing is charged.
    pub plan: Option<String>,
    /// A file of plans instead of the bundled ones.
    pub plans: Option<PathBuf>,
    /// How often it is paid.
    pay: Cycle,
    add_ons: Vec<String>,
    /// The day from which on it counts, in UTC; always, without it.
    #[serde(deserialize_with = "date")]
    since: Option<NaiveDate>,
    /// What was changed since, the oldest first.
    change: Vec<ChangeSection>,
    /// The account at Stripe by which it is paid; the plan is then what is subscribed to there.
    pub stripe: Option<StripeSection>,
}

/// `[billing.stripe]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StripeSection {
    /// A restricted key.
    pub key: SecretSource,
    /// What Stripe signs its webhooks with; two while one takes over from the other.
    #[serde(default, deserialize_with = "secrets")]
    pub webhook_secrets: Vec<SecretSource>,
    /// For how long a plan holds after a payment failed. In seconds; a week without it.
    #[serde(default, deserialize_with = "seconds")]
    grace: Option<u64>,
    /// Where people come back to from the pages of Stripe.
    pub return_url: Option<String>,
    /// A stand-in for Stripe on this machine: `http://127.0.0.1:12111`.
    pub api: Option<String>,
}

impl StripeSection {
    pub fn grace(&self) -> Duration {
        self.grace.map_or(GRACE, Duration::from_secs)
    }
}

const GRACE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What is not written stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeSection {
    #[serde(deserialize_with = "moment")]
    at: Timestamp,
    plan: Option<String>,
    pay: Option<Cycle>,
    add_ons: Option<Vec<String>>,
}

/// What does not fit the plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingMisfit {
    /// The change it is in, by its number from 0.
    change: Option<usize>,
    /// Empty where it is about all of the section.
    key: &'static str,
    message: String,
    hint: String,
}

impl BillingMisfit {
    /// The same in the configuration that it was read from.
    pub fn fault(&self, source: &SourceText) -> Fault {
        let (tree, _) = DeTable::parse_recoverable(&source.text);
        let section = tree.get_ref().get("billing");
        let change = self.change.and_then(|index| {
            let DeValue::Array(changes) = section?.get_ref().as_table()?.get("change")?.get_ref() else { return None };
            changes.get(index)
        });
        let value = |of: &Spanned<DeValue<'_>>| Some(of.get_ref().as_table()?.get(self.key)?.span());
        // What a change does not name is as it was before: the change is to blame.
        let place = change.or(section);
        let span = place.map(|place| value(place).unwrap_or(place.span())).unwrap_or_default();
        let above = if self.change.is_some() { "billing.change" } else { "billing" };
        let dot = if self.key.is_empty() { "" } else { "." };
        Fault::new(source, span, format!("{above}{dot}{}: {}", self.key, self.message)).help(self.hint.as_str())
    }
}

impl BillingSection {
    /// What is subscribed to; `None` where no plan is named.
    pub fn account(&self, plans: Plans) -> Result<Option<Account>, BillingMisfit> {
        if self.stripe.is_some() {
            return self.without_terms();
        }
        let Some(plan) = &self.plan else { return self.without_plan() };
        let begin = self.since.map(|day| day.and_time(NaiveTime::MIN).and_utc());
        if self.is_annual() && begin.is_none() {
            let hint = "add since = \"2026-11-01\", the day on which the first year began";
            return Err(misfit(None, "pay", "a year has to begin on some day".to_owned(), hint.to_owned()));
        }
        let mut now = (plan.as_str(), self.pay, self.add_ons.as_slice());
        let mut terms = vec![term(&plans, begin.unwrap_or(DateTime::UNIX_EPOCH), now, None)?];
        for (index, change) in self.change.iter().enumerate() {
            if terms.last().is_some_and(|last| last.from >= change.at) {
                let hint = "changes stand in the order in which they happened".to_owned();
                return Err(misfit(Some(index), "at", "it is not after the one before".to_owned(), hint));
            }
            now = (
                change.plan.as_deref().unwrap_or(now.0),
                change.pay.unwrap_or(now.1),
                change.add_ons.as_deref().unwrap_or(now.2),
            );
            terms.push(term(&plans, change.at, now, Some(index))?);
        }
        Ok(Some(Account::new(plans, terms)))
    }

    /// Stripe says what is subscribed to, so nothing here does.
    fn without_terms(&self) -> Result<Option<Account>, BillingMisfit> {
        let Self { plan, plans: _, pay: _, add_ons, since, change, stripe: _ } = self;
        let keys = [
            ("plan", plan.is_some()),
            ("pay", self.is_annual()),
            ("add_ons", !add_ons.is_empty()),
            ("since", since.is_some()),
            ("change", !change.is_empty()),
        ];
        let Some((key, _)) = keys.into_iter().find(|(_, is_written)| *is_written) else { return Ok(None) };
        let message = "with [billing.stripe], the plan is what is subscribed to at Stripe".to_owned();
        Err(misfit(None, key, message, format!("remove {key}; `morningai billing checkout PLAN` subscribes")))
    }

    fn is_annual(&self) -> bool {
        self.pay == Cycle::Annual
    }

    fn without_plan(&self) -> Result<Option<Account>, BillingMisfit> {
        let Self { plan: _, plans, pay: _, add_ons, since, change, stripe: _ } = self;
        if plans.is_none() && add_ons.is_empty() && since.is_none() && change.is_empty() && !self.is_annual() {
            return Ok(None);
        }
        let hint = "add plan = \"starter\", or remove the section".to_owned();
        Err(misfit(None, "", "no plan is named".to_owned(), hint))
    }
}

fn term(
    plans: &Plans,
    from: Timestamp,
    (plan, cycle, add_ons): (&str, Cycle, &[String]),
    change: Option<usize>,
) -> Result<Term, BillingMisfit> {
    Term::of(plans, from, (plan, cycle), add_ons).map_err(|problem| {
        let names = |names: Vec<&str>| format!("it is one of {}", names.join(", "));
        let (key, hint) = match &problem {
            TermProblem::NoPlan(_) => ("plan", names(plans.plans.iter().map(|plan| plan.name.as_str()).collect())),
            TermProblem::NoAddOn(_) => {
                ("add_ons", names(plans.add_ons.iter().map(|add_on| add_on.name.as_str()).collect()))
            }
            TermProblem::Included { .. } => ("add_ons", "remove it: it is not sold to that plan".to_owned()),
            TermProblem::Twice(_) => ("add_ons", "name it once".to_owned()),
            TermProblem::NotAnnual(_) => ("pay", "write pay = \"monthly\"".to_owned()),
        };
        misfit(change, key, problem.to_string(), hint)
    })
}

fn misfit(change: Option<usize>, key: &'static str, message: String, hint: String) -> BillingMisfit {
    BillingMisfit { change, key, message, hint }
}

fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| D::Error::custom("a day is written as text, like \"2026-11-01\""))
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    let at = DateTime::parse_from_rfc3339(&text).ok();
    let whole = at.filter(|at| at.timestamp_subsec_nanos() == 0).map(|at| at.to_utc());
    whole
        .ok_or_else(|| D::Error::custom("a moment is written as text, in whole seconds, like \"2026-11-15T12:00:00Z\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read_plans;

    fn account(text: &str) -> Result<Option<Account>, BillingMisfit> {
        let section: BillingSection = toml::from_str(text).unwrap();
        let plans = SourceText::new("plans.toml", include_str!("../../assets/plans.toml"));
        section.account(read_plans(&plans).unwrap())
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let text = "plan = \"starter\"\nadd_ons = [\"soc2_pack\"]\nsince = \"2026-11-01\"\n\
                    [[change]]\nat = \"2026-11-15T12:00:00Z\"\nplan = \"professional\"\n\
                    [[change]]\nat = \"2026-11-20T13:00:00+01:00\"\nadd_ons = []\n";
        let account = account(text).unwrap().unwrap();
        let told: Vec<_> = account
            .terms()
            .iter()
            .map(|term| (term.from.to_rfc3339(), term.plan.name.as_str(), term.add_ons.len()))
            .collect();
        let expected = [
            ("2026-11-01T00:00:00+00:00".to_owned(), "starter", 1),
            ("2026-11-15T12:00:00+00:00".to_owned(), "professional", 1),
            ("2026-11-20T12:00:00+00:00".to_owned(), "professional", 0),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let cases = [
            ("plan = \"gold\"", "2:8: billing.plan", "free, starter, professional, enterprise"),
            ("plan = \"starter\"\nadd_ons = [\"gold\"]", "3:11: billing.add_ons", "priority_support"),
            ("plan = \"starter\"\nadd_ons = [\"custom_agents\"]", "3:11: billing.add_ons", "not sold to that plan"),
            ("plan = \"free\"\nadd_ons = [\"soc2_pack\", \"soc2_pack\"]", "3:11: billing.add_ons", "name it once"),
            ("plan = \"starter\"\npay = \"annual\"", "3:7: billing.pay", "since"),
            ("plan = \"free\"\nsince = \"2026-11-01\"\npay = \"annual\"", "4:7: billing.pay", "monthly"),
            ("add_ons = [\"soc2_pack\"]", "billing: no plan is named", "add plan"),
            ("plan = \"free\"\nstripe = { key = { env = \"K\" } }", "2:8: billing.plan", "remove plan"),
            ("since = \"2026-11-01\"\nstripe = { key = { env = \"K\" } }", "2:9: billing.since", "remove since"),
            (
                "plan = \"free\"\nsince = \"2026-11-01\"\n[[billing.change]]\nat = \"2026-11-01T00:00:00Z\"\n",
                "5:6: billing.change.at",
                "in the order",
            ),
            (
                "plan = \"free\"\n[[billing.change]]\nat = \"2026-11-01T00:00:00Z\"\n\
                 [[billing.change]]\nat = \"2026-11-02T00:00:00Z\"\nplan = \"gold\"",
                "7:8: billing.change.plan",
                "it is one of",
            ),
        ];
        for (text, said, hint) in cases {
            let source = SourceText::new("config.toml", format!("[billing]\n{text}"));
            let plain = text.replace("[[billing.change]]", "[[change]]");
            let misfit = account(&plain).expect_err(text);
            assert!(misfit.fault(&source).to_string().contains(said), "{text}: {}", misfit.fault(&source));
            assert!(misfit.hint.contains(hint), "{text}: {misfit:?}");
        }
        assert_eq!(account(""), Ok(None));
    }

    #[test]
    fn days_and_moments_are_texts_of_one_form() {
        for bad in [
            "since = 2026-11-01",
            "since = \"yesterday\"",
            "[[change]]\nat = \"2026-11-15\"",
            "[[change]]\nat = \"2026-11-15T12:00:00.5Z\"",
            "pay = \"weekly\"",
            "plna = \"free\"",
            "stripe = {}",
            "stripe = { key = \"sk_live_1\" }",
            "stripe = { key = { env = \"K\" }, webhook_secrets = [{ env = \"A\" }, { env = \"B\" }, { env = \"C\" }] }",
        ] {
            assert!(toml::from_str::<BillingSection>(bad).is_err(), "{bad}");
        }
    }
}

//! Annotations of a policy: which exist, what they may say, and what is wrong with one.

use std::time::Duration;

use cedar_policy::Effect as CedarEffect;

use super::rule::Effect;
use super::{DEFAULT_RULE, ERROR_RULE};
use crate::domain::{DURATION_FORM, nearest, parse_duration};

/// Every annotation a policy may carry.
const KNOWN: &[&str] = &["id", "reason", "verdict", "expires", "approvals"];

/// How long a request waits for a person when its rule does not say.
const DEFAULT_EXPIRY: Duration = Duration::from_secs(30 * 60);
const SHORTEST_EXPIRY: Duration = Duration::from_secs(60);
const LONGEST_EXPIRY: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A policy's annotations, understood.
#[derive(Debug)]
pub struct Annotations {
    pub id: String,
    pub reason: String,
    pub effect: Effect,
}

/// Something wrong with an annotation, or with one that is missing.
#[derive(Debug)]
pub struct AnnotationProblem {
    /// The annotation it is about; `None` when one is missing.
    pub name: Option<String>,
    pub message: String,
    pub help: String,
}

impl Annotations {
    /// Reads them, or lists everything that is wrong.
    pub fn read(policy: &cedar_policy::Policy) -> Result<Self, Vec<AnnotationProblem>> {
        let mut problems: Vec<_> = policy.annotations().filter_map(|(name, _)| unknown(name)).collect();
        problems.sort_by(|a, b| a.name.cmp(&b.name));
        let mut take = |name: &str, read: Result<Effect, (String, String)>| match read {
            Ok(effect) => Some(effect),
            Err((message, help)) => {
                problems.push(AnnotationProblem { name: Some(name.to_owned()), message, help });
                None
            }
        };
        let asks = take("verdict", verdict(policy));
        let effect = asks.and_then(|effect| take("expires", expiry(policy, effect)));
        let effect = effect.and_then(|effect| take("approvals", approvals(policy, effect)));
        let id = required(policy, "id", "a short name, unique, e.g. @id(\"no-force-push\")", &mut problems);
        let reason = required(policy, "reason", "a sentence that people read on the card", &mut problems);
        match (effect, id, reason) {
            (Some(effect), Some(id), Some(reason)) if problems.is_empty() => Ok(Self { id, reason, effect }),
            _ => Err(problems),
        }
    }
}

fn unknown(name: &str) -> Option<AnnotationProblem> {
    if KNOWN.contains(&name) {
        return None;
    }
    let help = match nearest(name, KNOWN.iter().copied()) {
        Some(close) => format!("did you mean @{close}?"),
        None => "a policy may carry @id, @reason, @verdict, @expires and @approvals".to_owned(),
    };
    Some(AnnotationProblem { name: Some(name.to_owned()), message: format!("unknown annotation @{name}"), help })
}

fn required(
    policy: &cedar_policy::Policy,
    name: &str,
    what: &str,
    problems: &mut Vec<AnnotationProblem>,
) -> Option<String> {
    let reserved = |text: &str| name == "id" && [DEFAULT_RULE, ERROR_RULE].contains(&text);
    let (about, message) = match policy.annotation(name) {
        Some(text) if reserved(text) => (Some(name.to_owned()), format!("the id {text:?} is reserved")),
        Some(text) if !text.trim().is_empty() => return Some(text.to_owned()),
        Some(_) => (Some(name.to_owned()), format!("@{name} is empty")),
        None => (None, format!("this policy has no @{name}")),
    };
    problems.push(AnnotationProblem { name: about, message, help: format!("give it {what}") });
    None
}

fn verdict(policy: &cedar_policy::Policy) -> Result<Effect, (String, String)> {
    let refused = |message: &str, help: &str| Err((message.to_owned(), help.to_owned()));
    match (policy.effect(), policy.annotation("verdict")) {
        (CedarEffect::Permit, None) => Ok(Effect::Run),
        (CedarEffect::Forbid, None) => Ok(Effect::Refuse),
        (CedarEffect::Permit, Some("ask")) => Ok(Effect::Ask { expires: DEFAULT_EXPIRY }),
        (CedarEffect::Forbid, Some(_)) => {
            refused("a forbid always refuses, so it takes no @verdict", "to ask a person, write a permit")
        }
        (CedarEffect::Permit, Some(_)) => {
            refused("@verdict must be \"ask\"", "leave it out to let the effect run, write forbid to refuse it")
        }
    }
}

fn expiry(policy: &cedar_policy::Policy, effect: Effect) -> Result<Effect, (String, String)> {
    let Some(text) = policy.annotation("expires") else { return Ok(effect) };
    let Effect::Ask { .. } = effect else {
        return Err((
            "only a rule that asks can expire".to_owned(),
            "add @verdict(\"ask\") or take @expires away".to_owned(),
        ));
    };
    match parse_duration(text) {
        Some(expires) if (SHORTEST_EXPIRY..=LONGEST_EXPIRY).contains(&expires) => Ok(Effect::Ask { expires }),
        _ => Err((
            format!("@expires({text:?}) is not a time from one minute to seven days"),
            format!("write {DURATION_FORM}"),
        )),
    }
}

fn approvals(policy: &cedar_policy::Policy, effect: Effect) -> Result<Effect, (String, String)> {
    let Some(text) = policy.annotation("approvals") else { return Ok(effect) };
    match (text.parse::<u32>(), effect) {
        (Ok(1), Effect::Ask { .. }) => Ok(effect),
        (Ok(1..), Effect::Run | Effect::Refuse) => Err((
            "only a rule that asks can want approvals".to_owned(),
            "add @verdict(\"ask\") or take @approvals away".to_owned(),
        )),
        (Ok(2..), Effect::Ask { .. }) => Err((
            format!("@approvals({text:?}) cannot be enforced: one person's approval is enough in this version"),
            "write @approvals(\"1\"), or forbid the effect".to_owned(),
        )),
        _ => Err((
            format!("@approvals({text:?}) is not a number of people"),
            "write @approvals(\"1\") or leave it out".to_owned(),
        )),
    }
}

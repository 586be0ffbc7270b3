//! From policy texts to a policy in force: parse, read annotations, replace by id, validate strictly.
//!
//! Everything wrong in every file is reported at once, each with file, line, column and what to do.

use std::collections::HashMap;
use std::ops::Range;

use cedar_policy::{Authorizer, Entities, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;

use super::annotations::Annotations;
use super::request::EntityTypes;
use super::rule::Rule;
use super::{DEFAULT_POLICIES, SCHEMA};
use crate::domain::{Fault, Faults, SourceText};

/// A policy file's name, for people, and its text.
pub type PolicyFile = SourceText;

/// The policy in force. Building it takes milliseconds, so that happens off the first frame's path.
#[derive(Debug)]
pub struct Policy {
    pub(super) authorizer: Authorizer,
    pub(super) schema: Schema,
    /// Which action belongs to which group.
    pub(super) actions: Entities,
    pub(super) entity_types: EntityTypes,
    pub(super) policies: PolicySet,
    /// In the order of the texts: the user's first, then the bundled ones that still stand.
    pub(super) rules: Vec<Rule>,
    pub(super) places: HashMap<PolicyId, usize>,
}

/// A policy that was read but not yet checked against the schema.
struct Candidate {
    source: SourceText,
    span: Range<usize>,
    policy: cedar_policy::Policy,
    rule: Rule,
}

impl Policy {
    /// The default policies alone.
    pub fn bundled() -> Result<Self, Faults> {
        Self::with_user_files(Vec::new())
    }

    /// The default policies and the user's: one with the same `@id` takes the default's place, others add.
    pub fn with_user_files(files: Vec<PolicyFile>) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let mut candidates = Vec::new();
        for file in &files {
            candidates.extend(read(file, &mut faults));
        }
        faults.extend(duplicates(&candidates));
        let defaults = read(&SourceText::new("default.cedar", DEFAULT_POLICIES), &mut faults);
        for default in defaults {
            if !candidates.iter().any(|other| other.rule.id == default.rule.id) {
                candidates.push(default);
            }
        }
        // Validating what did not parse would only add noise.
        Faults::none_in(faults)?;
        Self::checked(candidates)
    }

    /// The rules in force, in the order in which they are named when several apply.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn checked(candidates: Vec<Candidate>) -> Result<Self, Faults> {
        let schema = schema()?;
        let actions = schema.action_entities().map_err(|error| broken_schema(&error))?;
        let entity_types = EntityTypes::new().map_err(|error| broken_schema(&error))?;
        let policies = PolicySet::from_policies(candidates.iter().map(|candidate| candidate.policy.clone()))
            .map_err(|error| broken_schema(&error))?;
        Faults::none_in(validate(&schema, &policies, &candidates))?;
        let places = candidates.iter().enumerate().map(|(place, one)| (one.policy.id().clone(), place)).collect();
        let rules = candidates.into_iter().map(|candidate| candidate.rule).collect();
        Ok(Self { authorizer: Authorizer::new(), schema, actions, entity_types, policies, rules, places })
    }
}

fn schema() -> Result<Schema, Faults> {
    // The bundled schema gives no warnings; a test says so.
    let (schema, _warnings) = Schema::from_cedarschema_str(SCHEMA).map_err(|error| broken_schema(&error))?;
    Ok(schema)
}

/// Only a mistake in the program itself gets here.
fn broken_schema(error: &dyn std::fmt::Display) -> Faults {
    let source = SourceText::new("schema.cedarschema", SCHEMA);
    Fault::new(&source, 0..0, format!("the bundled schema is broken: {error}")).help("please report this").into()
}

/// All policies of one file. What is wrong goes to `faults`.
fn read(source: &SourceText, faults: &mut Vec<Fault>) -> Vec<Candidate> {
    let parsed = match source.text.parse::<PolicySet>() {
        Ok(parsed) => parsed,
        Err(errors) => {
            faults.extend(errors.iter().map(|error| fault_of(source, error, 0..0)));
            return Vec::new();
        }
    };
    for template in parsed.templates() {
        let span = locate(source, &template.to_string(), 0);
        let fault =
            Fault::new(source, span.start..span.start, "a template with ?principal or ?resource has no use here");
        faults.push(fault.help("name the agent or the target, or leave them open"));
    }
    let mut policies: Vec<_> = parsed.policies().cloned().collect();
    // Cedar numbers them in the order of the text: policy0, policy1, …
    policies.sort_by_key(|policy| number(policy.id()));
    let mut from = 0;
    let mut candidates = Vec::new();
    for policy in policies {
        let span = locate(source, &policy.to_string(), from);
        from = span.end;
        candidates.extend(candidate(source, span, policy, faults));
    }
    candidates
}

fn candidate(
    source: &SourceText,
    span: Range<usize>,
    policy: cedar_policy::Policy,
    faults: &mut Vec<Fault>,
) -> Option<Candidate> {
    match Annotations::read(&policy) {
        Ok(Annotations { id, reason, effect }) => {
            let at = format!("{}:{}", source.name, source.position(span.start).line);
            let policy = policy.new_id(PolicyId::new(&id));
            Some(Candidate { source: source.clone(), span, policy, rule: Rule { id, effect, reason, source: at } })
        }
        Err(problems) => {
            for problem in problems {
                let place = problem.name.map_or(span.start..span.start, |name| annotation_span(source, &span, &name));
                faults.push(Fault::new(source, place, problem.message).help(problem.help));
            }
            None
        }
    }
}

fn number(id: &PolicyId) -> usize {
    let text: &str = id.as_ref();
    text.trim_start_matches("policy").parse().unwrap_or(usize::MAX)
}

/// Where a policy's own text stands. Cedar keeps that text as it was written.
fn locate(source: &SourceText, text: &str, from: usize) -> Range<usize> {
    let start = source.text[from..].find(text).map_or(from, |at| from + at);
    start..(start + text.len()).min(source.text.len())
}

/// Where the annotation `@name` stands in a policy.
fn annotation_span(source: &SourceText, policy: &Range<usize>, name: &str) -> Range<usize> {
    let written = format!("@{name}");
    match source.text[policy.clone()].find(&written) {
        Some(at) => policy.start + at..policy.start + at + written.len(),
        None => policy.start..policy.start,
    }
}

/// Ids used twice by the user's files. The bundled ones are meant to be replaced.
fn duplicates(candidates: &[Candidate]) -> Vec<Fault> {
    let mut first: HashMap<&str, &Candidate> = HashMap::new();
    let mut faults = Vec::new();
    for candidate in candidates {
        let Some(earlier) = first.get(candidate.rule.id.as_str()) else {
            first.insert(&candidate.rule.id, candidate);
            continue;
        };
        let span = annotation_span(&candidate.source, &candidate.span, "id");
        let message = format!("the id {:?} is taken by {}", candidate.rule.id, earlier.rule.source);
        faults.push(Fault::new(&candidate.source, span, message).help("give each policy its own id"));
    }
    faults
}

/// Type errors, and what Cedar only warns of: a rule that can never apply, or a text made to deceive, is not
/// what its writer meant.
fn validate(schema: &Schema, policies: &PolicySet, candidates: &[Candidate]) -> Vec<Fault> {
    let validator = Validator::new(schema.clone());
    let result = validator.validate(policies, ValidationMode::Strict);
    let mut found: Vec<(&PolicyId, &dyn Diagnostic)> =
        result.validation_errors().map(|error| (error.policy_id(), error as &dyn Diagnostic)).collect();
    // A rule with a type error often seems impossible too, which says nothing new.
    if found.is_empty() {
        found.extend(result.validation_warnings().map(|warning| (warning.policy_id(), warning as &dyn Diagnostic)));
    }
    let mut faults: Vec<_> = found
        .into_iter()
        .filter_map(|(id, error)| {
            let candidate = candidates.iter().find(|candidate| candidate.policy.id() == id)?;
            let start = candidate.span.start;
            Some(fault_of(&candidate.source, error, start..start))
        })
        .collect();
    // Cedar checks a policy once for each action it could apply to, in no particular order.
    faults.sort_by_key(|fault| fault.to_string());
    faults.dedup();
    // A finding that fits no policy must still stop the program.
    if faults.is_empty() && !(result.validation_passed_without_warnings()) {
        let source = SourceText::new("policies", "");
        faults.push(Fault::new(&source, 0..0, result.to_string()));
    }
    faults
}

/// A Cedar error as ours, at its own place or else at `otherwise`.
fn fault_of(source: &SourceText, error: &(impl Diagnostic + ?Sized), otherwise: Range<usize>) -> Fault {
    let label = error.labels().and_then(|mut labels| labels.next());
    let span = label.as_ref().map_or(otherwise, |label| label.offset()..label.offset() + label.len());
    let expected = label.as_ref().and_then(|label| label.label()).map(|text| format!(": {text}")).unwrap_or_default();
    let fault = Fault::new(source, span, without_action(&format!("{error}{expected}")));
    match error.help() {
        Some(help) => fault.help(help.to_string()),
        None => fault,
    }
}

/// `attribute x in context for Action::"push" not found` without the action: it is one of many.
fn without_action(message: &str) -> String {
    const WHERE: &str = " in context for Action::\"";
    let Some((before, rest)) = message.split_once(WHERE) else { return message.to_owned() };
    let after = rest.split_once('"').map_or("", |(_, after)| after);
    format!("{before} in context{after}")
}

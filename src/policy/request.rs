//! From an effect card to Cedar requests, one for each target.

use std::collections::BTreeSet;

use cedar_policy::{Context, EntityId, EntityTypeName, EntityUid, ParseErrors, Request, RestrictedExpression, Schema};

use super::vocabulary::{CONFINING_RUNGS, FACTS, FactKind, action_of};
use crate::domain::{EffectCard, Untrusted};

/// The schema's entity types, looked up once.
#[derive(Clone, Debug)]
pub struct EntityTypes {
    agent: EntityTypeName,
    target: EntityTypeName,
    action: EntityTypeName,
    class: EntityTypeName,
    environment: EntityTypeName,
    risk: EntityTypeName,
}

impl EntityTypes {
    pub fn new() -> Result<Self, Box<ParseErrors>> {
        let named = |name: &str| name.parse::<EntityTypeName>().map_err(Box::new);
        Ok(Self {
            agent: named("Agent")?,
            target: named("Target")?,
            action: named("Action")?,
            class: named("Class")?,
            environment: named("Environment")?,
            risk: named("Risk")?,
        })
    }

    /// What to ask Cedar about `card`, or why it cannot be asked.
    pub fn requests(&self, agent: &str, card: &EffectCard, schema: &Schema) -> Result<Vec<Request>, String> {
        let stated = stated_facts(card)?;
        // Each target once, and in an order of its own, so that neither repetition nor order plays a part.
        let mut targets: BTreeSet<&str> = card.targets.iter().map(Untrusted::raw).collect();
        if targets.is_empty() {
            targets.insert("");
        }
        targets.into_iter().map(|target| self.request(agent, card, target, &stated, schema)).collect()
    }

    fn request(
        &self,
        agent: &str,
        card: &EffectCard,
        target: &str,
        stated: &[(String, RestrictedExpression)],
        schema: &Schema,
    ) -> Result<Request, String> {
        let mut pairs = self.always(agent, card, target);
        pairs.extend_from_slice(stated);
        let context = Context::from_pairs(pairs).map_err(|error| error.to_string())?;
        let (principal, resource) = (uid(&self.agent, agent), uid(&self.target, target));
        let action = uid(&self.action, action_of(&card.verb));
        Request::new(principal, action, resource, context, Some(schema)).map_err(|error| error.to_string())
    }

    fn always(&self, agent: &str, card: &EffectCard, target: &str) -> Vec<(String, RestrictedExpression)> {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let entity = |kind: &EntityTypeName, id: &str| RestrictedExpression::new_entity_uid(uid(kind, id));
        let targets = i64::try_from(card.targets.len()).unwrap_or(i64::MAX);
        let confined = CONFINING_RUNGS.contains(&card.confinement.as_str());
        let pairs = [
            ("agent", text(agent)),
            ("tool", text(&card.tool.0)),
            ("verb", text(&card.verb)),
            ("target", text(target)),
            ("targets", RestrictedExpression::new_long(targets)),
            ("class", entity(&self.class, card.class.name())),
            ("environment", entity(&self.environment, card.environment.name())),
            ("risk", entity(&self.risk, card.risk.name())),
            ("reversible", RestrictedExpression::new_bool(card.reversible.is_reversible())),
            ("confined", RestrictedExpression::new_bool(confined)),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

/// The card's facts that the schema knows. One of the wrong type stops everything: leaving `force: "yes"` out
/// would turn a refusal into a question.
fn stated_facts(card: &EffectCard) -> Result<Vec<(String, RestrictedExpression)>, String> {
    let mut stated = Vec::new();
    for (name, kind) in FACTS {
        let Some(value) = card.facts.get(*name) else { continue };
        let expression = match kind {
            FactKind::Flag => value.as_bool().map(RestrictedExpression::new_bool),
            FactKind::Text => value.as_str().map(|text| RestrictedExpression::new_string(text.to_owned())),
            FactKind::Number => value.as_i64().map(RestrictedExpression::new_long),
        };
        let Some(expression) = expression else {
            return Err(format!("the tool {} says {name} is something other than {}", card.tool, kind.expected()));
        };
        stated.push(((*name).to_owned(), expression));
    }
    Ok(stated)
}

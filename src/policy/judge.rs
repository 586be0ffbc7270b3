//! From Cedar's two decisions to three verdicts.

use cedar_policy::Request;

use super::load::Policy;
use super::rule::Effect;
use super::vocabulary::{OTHER_VERB, action_of};
use super::{DEFAULT_RULE, ERROR_RULE};
use crate::domain::{EffectCard, Verdict};

/// What one request came to. The greatest of all targets' findings is the verdict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Finding {
    /// A rule lets it run; by place in the policy, so that the first is named.
    Run(std::cmp::Reverse<usize>),
    /// The shortest time wins, then the first rule.
    Ask(std::cmp::Reverse<(u64, usize)>),
    Unpermitted,
    Forbidden(std::cmp::Reverse<usize>),
    /// A policy failed to evaluate.
    Error(String),
}

impl Policy {
    /// The verdict on what `agent` wants to do. Anything the policy cannot evaluate is refused.
    pub fn judge(&self, agent: &str, card: &EffectCard) -> Verdict {
        let requests = match self.entity_types.requests(agent, card, &self.schema) {
            Ok(requests) => requests,
            Err(problem) => return refuse(ERROR_RULE, format!("This cannot be judged: {problem}.")),
        };
        let strictest = requests.iter().map(|request| self.find(request)).max().unwrap_or(Finding::Unpermitted);
        self.verdict(strictest, card)
    }

    fn find(&self, request: &Request) -> Finding {
        let response = self.authorizer.is_authorized(request, &self.policies, &self.actions);
        if let Some(error) = response.diagnostics().errors().map(ToString::to_string).max() {
            return Finding::Error(error);
        }
        // Cedar lists the satisfied forbids when there are any, else the satisfied permits.
        let satisfied = response.diagnostics().reason().map(|id| match self.places.get(id) {
            None => Finding::Error(format!("there is no rule {id}")),
            Some(&place) => match self.rules[place].effect {
                Effect::Run => Finding::Run(std::cmp::Reverse(place)),
                Effect::Ask { expires } => Finding::Ask(std::cmp::Reverse((expires.as_secs(), place))),
                Effect::Refuse => Finding::Forbidden(std::cmp::Reverse(place)),
            },
        });
        satisfied.max().unwrap_or(Finding::Unpermitted)
    }

    fn verdict(&self, finding: Finding, card: &EffectCard) -> Verdict {
        match finding {
            Finding::Run(place) | Finding::Forbidden(place) => self.rules[place.0].verdict(),
            Finding::Ask(key) => self.rules[key.0.1].verdict(),
            Finding::Unpermitted => refuse(DEFAULT_RULE, unpermitted(card)),
            Finding::Error(error) => refuse(ERROR_RULE, format!("A policy failed, so this is refused: {error}.")),
        }
    }
}

fn unpermitted(card: &EffectCard) -> String {
    let place = card.environment.name();
    let known = if action_of(&card.verb) == OTHER_VERB { " (judged as `act`)" } else { "" };
    format!("No rule permits `{}`{known} by the tool `{}` in the environment {place}.", card.verb, card.tool)
}

fn refuse(rule: &str, reason: String) -> Verdict {
    Verdict::Refuse { rule: rule.to_owned(), reason }
}

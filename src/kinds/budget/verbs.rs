//! What may be asked of a budget.

use uuid::Uuid;

use crate::domain::{BudgetId, BudgetPeriod, BudgetScope};
use crate::kinds::{Verb, Words, verbs};

verbs! {
    /// What may be asked of a budget.
    BudgetVerb of Budget {
        /// Set what runs may cost in a day or a month, those under way included
        Set {
            /// Dollars, as 25 or 2.50.
            amount: String,
            /// Of a day or of a month, in UTC; of a day without it.
            #[serde(default)]
            period: BudgetPeriod,
            /// Only for the runs of this agent.
            #[serde(default)]
            agent: Option<String>,
            /// Only for the runs that this person started.
            #[serde(default)]
            person: Option<String>,
            /// Tell people once it is used up, and pause nothing.
            #[serde(default)]
            soft: bool,
        } = "set", ManageBudgets, begins;
        /// Remove it: from then on, the configuration's holds, if it has one
        Remove = "remove", ManageBudgets;
    }
}

impl BudgetVerb {
    /// Whose runs it is for; `None` where it names both an agent and a person.
    pub(super) fn scope(agent: Option<&str>, person: Option<&str>) -> Option<BudgetScope> {
        match (agent, person) {
            (None, None) => Some(BudgetScope::All),
            (Some(agent), None) => Some(BudgetScope::Agent(agent.trim().to_owned())),
            (None, Some(person)) => Some(BudgetScope::Person(person.trim().to_owned())),
            (Some(_), Some(_)) => None,
        }
    }
}

impl Verb for BudgetVerb {
    fn words(&mut self, each: &mut dyn FnMut(Words<'_>)) {
        match self {
            Self::Set { amount, period: _, agent, person, soft: _ } => {
                let texts = [Some(amount), agent.as_mut(), person.as_mut()];
                texts.into_iter().flatten().for_each(|text| each(Words::Plain(text)));
            }
            Self::Remove => {}
        }
    }

    fn begins_as(&self) -> Option<Uuid> {
        match self {
            Self::Set { agent, person, period, .. } => {
                Self::scope(agent.as_deref(), person.as_deref()).map(|scope| BudgetId::of(&scope, *period).into())
            }
            Self::Remove => None,
        }
    }
}

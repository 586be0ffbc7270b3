//! Setting, raising and removing budgets.

use super::event::BudgetEvent;
use super::in_force::InForce;
use super::row::Budget;
use super::verbs::BudgetVerb;
use crate::domain::{
    Actor, BudgetId, BudgetOffer, BudgetScope, ConfiguredBudget, OnceUsedUp, Rejection, RejectionKind, Untrusted, Usd,
};
use crate::kinds::{Decided, World};

/// A budget of more is a slip of the hand.
const MOST: Usd = Usd(1_000_000_000_000_000_000);
/// Bytes of the name of an agent or a person.
const LONGEST_NAME: usize = 100;

pub(super) fn decide(world: &dyn World, id: BudgetId, verb: BudgetVerb, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    let known = world.budgets().get(&id);
    let event = match verb {
        BudgetVerb::Set { amount, period, agent, person, soft } => {
            let scope = BudgetVerb::scope(agent.as_deref(), person.as_deref()).ok_or_else(|| {
                invalid("a budget is for an agent or for a person, not for both", "set one for each of them")
            })?;
            check_name(&scope)?;
            if BudgetId::of(&scope, period) != id {
                return Err(invalid("a budget's id follows from what it is for", "leave the id out"));
            }
            let once_used_up = if soft { OnceUsedUp::Warn } else { OnceUsedUp::Pause };
            Some(BudgetEvent::Set { scope, period, amount: read(&amount)?, once_used_up })
        }
        BudgetVerb::Remove => Some(removed(known, id)?),
    };
    let is_new = |event: &BudgetEvent| known.is_none_or(|known| changes(known, event));
    Ok(event.filter(is_new).map(|event| Decided::of::<Budget>(id, by, event)).into_iter().collect())
}

/// The budget that a run was paused by, raised as `offer` says; nothing where it has room for that already.
pub fn raise(world: &dyn World, configured: ConfiguredBudget, offer: &BudgetOffer, by: &Actor) -> Option<Decided> {
    let BudgetOffer { scope, period, raised } = offer;
    let holds = InForce::of(world.budgets(), configured, scope, *period)?;
    let event =
        BudgetEvent::Set { scope: scope.clone(), period: *period, amount: *raised, once_used_up: holds.once_used_up };
    let event = Decided::of::<Budget>(BudgetId::of(scope, *period), by, event);
    (holds.amount < *raised && holds.once_used_up == OnceUsedUp::Pause).then_some(event)
}

fn changes(known: &Budget, event: &BudgetEvent) -> bool {
    match event {
        BudgetEvent::Set { amount, once_used_up, .. } => {
            !known.is_set() || (known.amount_usd, known.once_used_up) != (*amount, *once_used_up)
        }
        BudgetEvent::Removed {} => true,
    }
}

fn removed(known: Option<&Budget>, id: BudgetId) -> Result<BudgetEvent, Rejection> {
    match known {
        Some(budget) if budget.is_set() => Ok(BudgetEvent::Removed {}),
        Some(_) | None => {
            let message = format!("nobody set budget {} here, or it was removed", id.short());
            let hint = "`morningai budgets` lists them; those of the configuration are changed there";
            Err(Rejection::new(RejectionKind::NotFound, message).hint(hint))
        }
    }
}

fn read(amount: &str) -> Result<Usd, Rejection> {
    let read = Usd::parse(amount).filter(|amount| *amount > Usd::ZERO && *amount <= MOST);
    read.ok_or_else(|| {
        let message = format!("{:?} is not an amount of dollars that a budget can have", visible(amount));
        invalid(&message, "write dollars, more than 0 and at most a billion, as 25 or 2.50")
    })
}

fn check_name(scope: &BudgetScope) -> Result<(), Rejection> {
    let (BudgetScope::Agent(name) | BudgetScope::Person(name)) = scope else { return Ok(()) };
    let is_name = !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control);
    is_name.then_some(()).ok_or_else(|| {
        let message = format!("{:?} is no name of an agent or a person", visible(name));
        invalid(&message, "write the name that `morningai usage --by agent` or `--by person` shows")
    })
}

fn invalid(message: &str, hint: &str) -> Rejection {
    Rejection::new(RejectionKind::Invalid, message).hint(hint)
}

fn visible(text: &str) -> String {
    Untrusted::from(text).cut(LONGEST_NAME).visible().into_owned()
}

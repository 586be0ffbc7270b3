//! What is subscribed to, as Stripe says.

use std::sync::atomic::Ordering;

use chrono::DateTime;

use super::catalog::{add_on_product, overage_product, plan_product};
use super::customer::{checked, known, segment, submit};
use super::form::Form;
use super::objects::{Invoice, Item, Subscription};
use super::spoken::Stripe;
use crate::billing::Plans;
use crate::domain::{Cents, Timestamp, Untrusted};
use crate::kinds::{LastInvoice, Subscribed, SubscriptionState, SubscriptionVerb};
use crate::ports::{Client, PaymentError};

/// Reads it, and has the log keep what is new.
pub(super) async fn refresh(stripe: &Stripe, client: &dyn Client) -> Result<bool, PaymentError> {
    let asked = stripe.reading.begun.load(Ordering::SeqCst);
    let mut done = stripe.reading.done.lock().await;
    if *done > asked {
        return Ok(false);
    }
    let this = stripe.reading.begun.fetch_add(1, Ordering::SeqCst) + 1;
    let changed = read(stripe, client).await?;
    *done = this;
    Ok(changed)
}

async fn read(stripe: &Stripe, client: &dyn Client) -> Result<bool, PaymentError> {
    let Some(subscription) = known(client).await? else { return Ok(false) };
    if subscription.customer.is_none() {
        return Ok(false);
    }
    let to = Box::new(subscribed(stripe, &subscription).await?);
    submit(client, SubscriptionVerb::Read { to }).await
}

/// What Stripe says now.
pub(super) async fn subscribed(
    stripe: &Stripe,
    known: &crate::kinds::Subscription,
) -> Result<Subscribed, PaymentError> {
    let Some(customer) = checked(stripe, known).await? else {
        let odd = vec!["Stripe no longer has this customer".into()];
        return Ok(Subscribed { odd, ..Subscribed::default() });
    };
    let query =
        Form::new().with("customer", segment(&customer)).with("status", "all").with("expand[]", "data.latest_invoice");
    let key = stripe.key().await?;
    let all = stripe.http.list(&key, "/v1/subscriptions", query, |found: &Subscription| &found.id).await?;
    Ok(of_all(stripe.plans(), &all))
}

/// Of several, the one that gives the most; and that there are several is said.
fn of_all(plans: &Plans, all: &[Subscription]) -> Subscribed {
    let rank = |state: SubscriptionState| match state {
        SubscriptionState::Active | SubscriptionState::Trial => 5,
        SubscriptionState::PastDue => 4,
        SubscriptionState::Unpaid | SubscriptionState::Paused => 3,
        SubscriptionState::Unknown => 2,
        SubscriptionState::Incomplete => 1,
        SubscriptionState::Cancelled | SubscriptionState::None => 0,
    };
    let best = all.iter().max_by_key(|found| (rank(state(&found.status)), found.created, &found.id));
    let Some(best) = best else { return Subscribed::default() };
    let mut read = of_one(plans, best);
    let live = all.iter().filter(|found| state(&found.status).is_live()).count();
    if live > 1 {
        read.odd.push(format!("there are {live} subscriptions, and each is paid: cancel all but one at Stripe").into());
    }
    read
}

fn state(status: &str) -> SubscriptionState {
    match status {
        "incomplete" => SubscriptionState::Incomplete,
        "trialing" => SubscriptionState::Trial,
        "active" => SubscriptionState::Active,
        "past_due" => SubscriptionState::PastDue,
        "unpaid" => SubscriptionState::Unpaid,
        "paused" => SubscriptionState::Paused,
        "canceled" | "incomplete_expired" => SubscriptionState::Cancelled,
        _ => SubscriptionState::Unknown,
    }
}

fn of_one(plans: &Plans, found: &Subscription) -> Subscribed {
    let mut read = Subscribed {
        state: state(&found.status),
        subscription: Some(found.id.clone()),
        period_ends: found.items.data.iter().filter_map(|item| item.current_period_end).max().and_then(time),
        trial_ends: found.trial_end.and_then(time),
        ends_at: found.cancel_at.and_then(time),
        last_invoice: found.latest_invoice.as_ref().map(last_invoice),
        ..Subscribed::default()
    };
    if read.state == SubscriptionState::Unknown {
        let word = Untrusted::from(found.status.as_str()).cut(40);
        read.odd.push(format!("its state is {}, which is not known here", word.visible()).into());
    }
    for item in &found.items.data {
        take_in(&mut read, plans, item);
    }
    if read.plan.is_none() && read.state.grants() {
        read.odd.push("it has none of the plans: is it of another program, or of older plans?".into());
    }
    read.add_ons.sort();
    read
}

/// By its product: a price that was made by hand for one customer still is one of the plan.
fn take_in(read: &mut Subscribed, plans: &Plans, item: &Item) {
    let price = &item.price;
    if price.currency.raw() != "usd" {
        let currency = price.currency.clone().cut(10);
        read.odd.push(format!("it is paid in {}, which is not counted here", currency.visible()).into());
    }
    let plan = plans.plans.iter().find(|plan| plan_product(&plan.name) == price.product);
    let add_on = plans.add_ons.iter().find(|add_on| add_on_product(&add_on.name) == price.product);
    match (plan, add_on) {
        (Some(plan), _) => {
            read.plan = Some(plan.name.clone());
            read.is_annual = price.recurring.as_ref().is_some_and(|recurring| recurring.interval == "year");
        }
        (None, Some(add_on)) => read.add_ons.push(add_on.name.clone()),
        (None, None) if price.product == overage_product() => {}
        (None, None) => {
            let product = Untrusted::from(price.product.as_str()).cut(60);
            read.odd.push(format!("it has {}, which is neither a plan nor an add-on", product.visible()).into());
        }
    }
}

fn last_invoice(invoice: &Invoice) -> LastInvoice {
    LastInvoice {
        invoice: invoice.number.as_ref().unwrap_or(&invoice.id).clone().cut(60).into_raw(),
        state: invoice.status.clone().unwrap_or_default().cut(40),
        due_cents: Cents(invoice.amount_remaining),
    }
}

pub(super) fn time(seconds: i64) -> Option<Timestamp> {
    DateTime::from_timestamp(seconds, 0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::billing::{AddOn, Plan};
    use crate::domain::Usd;

    fn plans() -> Plans {
        let plan = |name: &str| Plan {
            name: name.to_owned(),
            title: name.to_owned(),
            price: Some(Usd(49_000_000_000)),
            annual: None,
            runs: None,
            users: None,
            beyond: Default::default(),
            includes: Vec::new(),
            support: String::new(),
        };
        let add_ons = vec![AddOn { name: "help".to_owned(), title: "Help".to_owned(), price: Usd(1) }];
        Plans { plans: vec![plan("free"), plan("starter")], add_ons, overage: None }
    }

    fn item(product: &str, currency: &str) -> Value {
        let recurring = json!({ "interval": "month", "interval_count": 1, "meter": null, "usage_type": "licensed" });
        let price = json!({ "id": "price_1", "active": true, "product": product, "currency": currency, "unit_amount": 4900, "recurring": recurring });
        json!({ "price": price, "current_period_end": 1_796_000_000 })
    }

    fn subscription(id: &str, status: &str, items: &[Value]) -> Subscription {
        let invoice = json!({ "id": "in_1", "number": null, "status": "open", "amount_remaining": 4900 });
        let all = json!({ "id": id, "status": status, "created": 1, "cancel_at": null, "items": { "data": items }, "latest_invoice": invoice });
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn a_plan_is_known_by_its_product() {
        let items = [
            item("morningai_plan_starter", "usd"),
            item("morningai_addon_help", "usd"),
            item("morningai_overage", "usd"),
        ];
        let read = of_all(&plans(), &[subscription("sub_1", "active", &items)]);
        assert_eq!(
            (read.state, read.plan.as_deref(), read.add_ons.as_slice()),
            (SubscriptionState::Active, Some("starter"), &["help".to_owned()][..])
        );
        assert_eq!((read.odd.len(), read.last_invoice.unwrap().due_cents), (0, Cents(4900)));
    }

    #[test]
    fn what_cannot_be_made_sense_of_is_said_and_gives_nothing() {
        let odd = |status: &str, product: &str, currency: &str| {
            let read = of_all(&plans(), &[subscription("sub_1", status, &[item(product, currency)])]);
            (read.plan, read.odd.iter().map(|odd| odd.raw().to_owned()).collect::<Vec<_>>().join("; "))
        };
        let (plan, said) = odd("active", "prod_other", "usd");
        assert!(plan.is_none() && said.contains("neither a plan") && said.contains("none of the plans"), "{said}");
        let (plan, said) = odd("active", "morningai_plan_starter", "eur");
        assert!(plan.is_some() && said.contains("paid in eur"), "{said}");
        let (_, said) = odd("frozen", "morningai_plan_starter", "usd");
        assert!(said.contains("frozen"), "{said}");
        assert!(!state("frozen").grants());
    }

    #[test]
    fn of_several_the_one_that_is_paid_counts_and_two_that_are_paid_are_said() {
        let one = |id: &str, status: &str| subscription(id, status, &[item("morningai_plan_starter", "usd")]);
        let read = of_all(&plans(), &[one("sub_1", "canceled"), one("sub_2", "active"), one("sub_3", "incomplete")]);
        assert_eq!((read.subscription.as_deref(), read.odd.len()), (Some("sub_2"), 0));
        let read = of_all(&plans(), &[one("sub_1", "past_due"), one("sub_2", "active")]);
        assert!(read.subscription.as_deref() == Some("sub_2") && read.odd[0].raw().contains("there are 2"));
        assert_eq!(of_all(&plans(), &[]), Subscribed::default());
    }
}

//! Pages of Stripe: to subscribe at, and to change a subscription at.

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::catalog::{add_on_product, overage_product, plan_product, prices, sold};
use super::customer::{ACCOUNT, checked, customer, known};
use super::form::{Form, idempotency_key};
use super::http::Listed;
use super::objects::{Done, Price, Session};
use super::read::refresh;
use super::spoken::Stripe;
use super::sync::found_prices;
use crate::billing::{Beyond, Plan};
use crate::ports::{Client, LinkOrder, PaymentError, PaymentErrorKind, Yearly};

/// What a page is for, in its metadata.
const ORDER: &str = "morningai_order";
/// Where people come back to where nothing is configured.
const NOWHERE: &str = "https://stripe.com";

pub(super) async fn link(
    stripe: &Stripe,
    client: &dyn Client,
    order: &LinkOrder,
) -> Result<SecretString, PaymentError> {
    match order {
        LinkOrder::Portal => portal(stripe, client).await,
        LinkOrder::Checkout { plan, by_the_year, add_ons } => {
            let plan = sellable(stripe, plan)?;
            let wanted = wanted_keys(stripe, plan, *by_the_year, add_ons)?;
            checkout(stripe, client, &wanted, *by_the_year).await
        }
    }
}

async fn portal(stripe: &Stripe, client: &dyn Client) -> Result<SecretString, PaymentError> {
    let found = match known(client).await? {
        Some(known) => checked(stripe, &known).await?,
        None => None,
    };
    let Some(customer) = found else {
        let hint = "`morningai billing checkout PLAN` begins a subscription";
        return Err(PaymentError::new(PaymentErrorKind::Usage, "there is no customer at Stripe yet", hint));
    };
    let form = Form::new().with("customer", &customer).with_any("return_url", stripe.settings.return_url.as_ref());
    // Each is a page of its own that lasts some minutes, so each is asked for under a key of its own.
    let once = idempotency_key(&["portal", &customer, &uuid::Uuid::new_v4().to_string()]);
    let session: Session = stripe.http.post(&stripe.key().await?, "/v1/billing_portal/sessions", form, &once).await?;
    address(session)
}

fn address(session: Session) -> Result<SecretString, PaymentError> {
    let url = session.url.as_ref().map(ExposeSecret::expose_secret);
    // It is shown on terminals, and opened on telephones.
    if url.is_some_and(|url| Url::parse(url).is_ok() && url.chars().all(|sign| sign.is_ascii_graphic())) {
        return session.url.ok_or_else(no_address);
    }
    Err(no_address())
}

fn no_address() -> PaymentError {
    PaymentError::new(PaymentErrorKind::Failed, "Stripe made a page without a proper address", "try again")
}

fn sellable<'a>(stripe: &'a Stripe, name: &str) -> Result<&'a Plan, PaymentError> {
    if let Some(plan) = sold(stripe.plans()).find(|plan| plan.name == name) {
        return Ok(plan);
    }
    let names: Vec<_> = sold(stripe.plans()).map(|plan| plan.name.as_str()).collect();
    let message = match stripe.plans().plan(name) {
        Some(plan) if plan.price.is_none() => format!("the price of {} is agreed with each customer", plan.title),
        Some(plan) => format!("{} costs nothing", plan.title),
        None => format!("there is no plan {name:?}"),
    };
    Err(PaymentError::new(PaymentErrorKind::Usage, message, format!("it is one of {}", names.join(", "))))
}

/// The lookup keys of what is bought; the metered one last.
fn wanted_keys(stripe: &Stripe, plan: &Plan, yearly: Yearly, add_ons: &[String]) -> Result<Vec<String>, PaymentError> {
    let usage = |message: String, hint: &str| PaymentError::new(PaymentErrorKind::Usage, message, hint);
    let product = plan_product(&plan.name);
    if yearly == Yearly::Yes {
        if plan.annual.is_none() {
            return Err(usage(format!("{} is not sold by the year", plan.title), "leave --annual out"));
        }
        if !add_ons.is_empty() {
            return Err(usage(
                "add-ons are paid by the month, and Stripe's page sells one interval at a time".to_owned(),
                "leave --annual out, or add them later in Stripe",
            ));
        }
        return Ok(vec![format!("{product}_year")]);
    }
    let mut keys = vec![format!("{product}_month")];
    for name in add_ons {
        let add_on = stripe.plans().add_on(name).ok_or_else(|| {
            let names: Vec<_> = stripe.plans().add_ons.iter().map(|add_on| add_on.name.as_str()).collect();
            usage(format!("there is no add-on {name:?}"), &format!("it is one of {}", names.join(", ")))
        })?;
        let key = format!("{}_month", add_on_product(&add_on.name));
        if plan.has(name) || keys.contains(&key) {
            return Err(usage(format!("{} has {name} already", plan.title), "leave it out"));
        }
        keys.push(key);
    }
    if plan.beyond == Beyond::Charge && stripe.plans().overage.is_some() {
        keys.push(format!("{}_month", overage_product()));
    }
    Ok(keys)
}

async fn checkout(
    stripe: &Stripe,
    client: &dyn Client,
    keys: &[String],
    yearly: Yearly,
) -> Result<SecretString, PaymentError> {
    let items = items(stripe, keys).await?;
    let (subscription, customer) = customer(stripe, client).await?;
    refresh(stripe, client).await?;
    if known(client).await?.is_some_and(|known| known.now.state.may_charge()) {
        let hint = "`morningai billing portal` changes or cancels it";
        return Err(PaymentError::new(PaymentErrorKind::Refused, "there is a subscription already", hint));
    }
    let (order, account) = (keys.join(" "), subscription.account.to_string());
    let (open, newest) = sessions(stripe, &customer).await?;
    for session in open {
        if session.metadata.get(ORDER) == Some(&order) && session.url.is_some() {
            return address(session);
        }
        expire(stripe, &session).await?;
    }
    let success = stripe.settings.return_url.as_deref().unwrap_or(NOWHERE);
    let mut form = Form::new()
        .with("mode", "subscription")
        .with("customer", &customer)
        .with("client_reference_id", &account)
        .with("success_url", success)
        .with(format!("metadata[{ORDER}]"), &order)
        .with(format!("subscription_data[metadata][{ACCOUNT}]"), &account);
    for (place, (price, is_metered)) in items.iter().enumerate() {
        form = form.with(format!("line_items[{place}][price]"), price);
        if !is_metered {
            form = form.with(format!("line_items[{place}][quantity]"), 1);
        }
    }
    if yearly == Yearly::No {
        // Periods are calendar months of UTC, as they are here.
        let anchor = "subscription_data[billing_cycle_anchor_config]";
        form = form.with(format!("{anchor}[day_of_month]"), 1);
        for part in ["hour", "minute", "second"] {
            form = form.with(format!("{anchor}[{part}]"), 0);
        }
    }
    // The page after one that expired is another one; a process that was killed asks for the same.
    let once = idempotency_key(&["checkout", &account, &order, &newest.unwrap_or_default()]);
    let made: Session = stripe.http.post(&stripe.key().await?, "/v1/checkout/sessions", form, &once).await?;
    // Somebody else may have asked for another page at the same time: the last one made stays.
    for session in sessions(stripe, &customer).await?.0.iter().filter(|session| session.id != made.id) {
        expire(stripe, session).await?;
    }
    address(made)
}

/// Closes a page: two that are open at once could both be paid.
async fn expire(stripe: &Stripe, session: &Session) -> Result<(), PaymentError> {
    let path = format!("/v1/checkout/sessions/{}/expire", super::customer::segment(&session.id));
    let once = idempotency_key(&["expire", &session.id]);
    let _: Done = stripe.http.post(&stripe.key().await?, &path, Form::new(), &once).await?;
    Ok(())
}

/// Ids of the prices, and whether each is for what the meter counts.
async fn items(stripe: &Stripe, keys: &[String]) -> Result<Vec<(String, bool)>, PaymentError> {
    let wanted: Vec<_> = prices(stripe.plans()).into_iter().filter(|price| keys.contains(&price.lookup_key)).collect();
    let found = found_prices(stripe, &wanted).await?;
    let id = |key: &String| {
        let wanted = wanted.iter().find(|price| price.lookup_key == *key)?;
        let price: &Price = found.iter().find(|price| price.lookup_key.as_ref() == Some(key))?;
        Some((wanted, price))
    };
    let mut items = Vec::new();
    for key in keys {
        let Some((wanted, price)) = id(key) else {
            let message = format!("Stripe has no price {key}");
            return Err(PaymentError::new(PaymentErrorKind::Usage, message, "`morningai billing sync` makes it"));
        };
        // What people would pay is what the plans say, or they are not sent there.
        let meter = price.recurring.as_ref().and_then(|recurring| recurring.meter.as_deref());
        if let Some(difference) = wanted.difference(price, meter) {
            let message = format!("price {key} differs at Stripe: {difference}");
            let hint = "change the plans or that price; `morningai billing sync` lists all that differs";
            return Err(PaymentError::new(PaymentErrorKind::Refused, message, hint));
        }
        items.push((price.id.clone(), wanted.is_metered));
    }
    Ok(items)
}

/// The pages that can still be paid at, and the id of the newest one of all.
async fn sessions(stripe: &Stripe, customer: &str) -> Result<(Vec<Session>, Option<String>), PaymentError> {
    let query = Form::new().with("customer", customer).with("limit", 100);
    let found: Listed<Session> = stripe.http.get(&stripe.key().await?, "/v1/checkout/sessions", query).await?;
    let newest = found.data.first().map(|session| session.id.clone());
    let open = found.data.into_iter().filter(|session| session.status.as_deref() == Some("open"));
    Ok((open.collect(), newest))
}

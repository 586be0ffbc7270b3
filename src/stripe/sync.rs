//! Finding or making at Stripe all that is sold. What was changed there by hand is said, and left as it is.

use super::catalog::{
    METER_CUSTOMER, METER_EVENT, METER_FORMULA, METER_TITLE, METER_VALUE, WantedPrice, WantedProduct, prices, products,
};
use super::form::{Form, idempotency_key};
use super::objects::{Meter, Price, Product};
use super::spoken::Stripe;
use crate::domain::Untrusted;
use crate::ports::{CatalogLine, PaymentError, SyncOutcome, Syncing};

/// Lookup keys that Stripe takes at once.
const MOST_KEYS: usize = 10;

pub(super) async fn sync(stripe: &Stripe, how: Syncing) -> Result<Vec<CatalogLine>, PaymentError> {
    let mut lines = Vec::new();
    let meter = meter(stripe, how, &mut lines).await?;
    let wanted = products(stripe.plans());
    let found = found_products(stripe, &wanted).await?;
    for product in &wanted {
        lines.push(sync_product(stripe, how, product, &found).await?);
    }
    let wanted = prices(stripe.plans());
    let found = found_prices(stripe, &wanted).await?;
    for price in &wanted {
        lines.push(sync_price(stripe, how, (price, meter.as_deref()), &found).await?);
    }
    Ok(lines)
}

/// The meter's id, where there is one.
pub(super) async fn found_meter(stripe: &Stripe) -> Result<Option<Meter>, PaymentError> {
    let key = stripe.key().await?;
    let query = Form::new().with("status", "active");
    let meters = stripe.http.list(&key, "/v1/billing/meters", query, |meter: &Meter| &meter.id).await?;
    Ok(meters.into_iter().find(|meter| meter.event_name == METER_EVENT))
}

/// The prices that Stripe has under our lookup keys.
pub(super) async fn found_prices(stripe: &Stripe, wanted: &[WantedPrice]) -> Result<Vec<Price>, PaymentError> {
    let (key, mut found) = (stripe.key().await?, Vec::new());
    for some in wanted.chunks(MOST_KEYS) {
        let query = some.iter().fold(Form::new(), |query, price| query.with("lookup_keys[]", &price.lookup_key));
        found.extend(stripe.http.list(&key, "/v1/prices", query, |price: &Price| &price.id).await?);
    }
    Ok(found)
}

async fn found_products(stripe: &Stripe, wanted: &[WantedProduct]) -> Result<Vec<Product>, PaymentError> {
    let (key, mut found) = (stripe.key().await?, Vec::new());
    for some in wanted.chunks(MOST_KEYS) {
        let query = some.iter().fold(Form::new(), |query, product| query.with("ids[]", &product.id));
        found.extend(stripe.http.list(&key, "/v1/products", query, |product: &Product| &product.id).await?);
    }
    Ok(found)
}

async fn meter(stripe: &Stripe, how: Syncing, lines: &mut Vec<CatalogLine>) -> Result<Option<String>, PaymentError> {
    if stripe.plans().overage.is_none() {
        return Ok(None);
    }
    let line = |id: &str, outcome, note: String| CatalogLine {
        what: "meter",
        name: METER_EVENT.to_owned(),
        id: id.into(),
        outcome,
        note,
    };
    if let Some(found) = found_meter(stripe).await? {
        let formula = found.default_aggregation.formula;
        let differs = formula != METER_FORMULA;
        let note = if differs {
            format!("it charges the {formula} of the values, and should charge the last")
        } else {
            String::new()
        };
        lines.push(line(&found.id, if differs { SyncOutcome::Differs } else { SyncOutcome::Found }, note));
        return Ok(Some(found.id));
    }
    if how == Syncing::OnlyLook {
        lines.push(line("", SyncOutcome::Missing, String::new()));
        return Ok(None);
    }
    let form = Form::new()
        .with("display_name", METER_TITLE)
        .with("event_name", METER_EVENT)
        .with("default_aggregation[formula]", METER_FORMULA)
        .with("customer_mapping[type]", "by_id")
        .with("customer_mapping[event_payload_key]", METER_CUSTOMER)
        .with("value_settings[event_payload_key]", METER_VALUE);
    let made: Meter = make(stripe, "/v1/billing/meters", form).await?;
    lines.push(line(&made.id, SyncOutcome::Made, String::new()));
    Ok(Some(made.id))
}

async fn sync_product(
    stripe: &Stripe,
    how: Syncing,
    wanted: &WantedProduct,
    found: &[Product],
) -> Result<CatalogLine, PaymentError> {
    let line = |id: &str, outcome, note: &str| CatalogLine {
        what: "product",
        name: wanted.title.clone(),
        id: id.into(),
        outcome,
        note: note.to_owned(),
    };
    match found.iter().find(|product| product.id == wanted.id) {
        Some(product) if product.active => Ok(line(&product.id, SyncOutcome::Found, "")),
        Some(product) => Ok(line(&product.id, SyncOutcome::Differs, "it is archived there, so it cannot be sold")),
        None if how == Syncing::OnlyLook => Ok(line("", SyncOutcome::Missing, "")),
        None => {
            let form = Form::new().with("id", &wanted.id).with("name", format!("morningai {}", wanted.title));
            let made: Product = make(stripe, "/v1/products", form).await?;
            Ok(line(&made.id, SyncOutcome::Made, ""))
        }
    }
}

async fn sync_price(
    stripe: &Stripe,
    how: Syncing,
    (wanted, meter): (&WantedPrice, Option<&str>),
    found: &[Price],
) -> Result<CatalogLine, PaymentError> {
    let line = |id: &str, outcome, note: String| CatalogLine {
        what: "price",
        name: wanted.lookup_key.clone(),
        id: Untrusted::from(id),
        outcome,
        note,
    };
    if let Some(price) = found.iter().find(|price| price.lookup_key.as_deref() == Some(&wanted.lookup_key)) {
        return Ok(match wanted.difference(price, meter) {
            Some(note) => line(&price.id, SyncOutcome::Differs, note),
            None => line(&price.id, SyncOutcome::Found, String::new()),
        });
    }
    if how == Syncing::OnlyLook {
        return Ok(line("", SyncOutcome::Missing, String::new()));
    }
    let mut form = Form::new()
        .with("currency", "usd")
        .with("product", &wanted.product)
        .with("lookup_key", &wanted.lookup_key)
        .with("unit_amount", wanted.cents)
        .with("recurring[interval]", wanted.interval);
    if let Some(meter) = meter.filter(|_| wanted.is_metered) {
        form = form.with("recurring[usage_type]", "metered").with("recurring[meter]", meter);
    }
    let made: Price = make(stripe, "/v1/prices", form).await?;
    Ok(line(&made.id, SyncOutcome::Made, String::new()))
}

/// Makes something, once however often it is asked for.
async fn make<T: serde::de::DeserializeOwned>(stripe: &Stripe, path: &str, form: Form) -> Result<T, PaymentError> {
    let once = idempotency_key(&[path, &form.encoded()]);
    Ok(stripe.http.post(&stripe.key().await?, path, form, &once).await?)
}

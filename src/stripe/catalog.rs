//! What is sold, as Stripe is to have it: a product for each plan and add-on, a price for each way to pay it, and a meter
//! for runs beyond those included.
//!
//! The meter counts cents, not runs, and its last value is what is charged: plans that change within a month, prices by
//! volume and the cap are computed here, once, and Stripe charges exactly what the invoice here says.

use super::objects::Price;
use crate::billing::{Plan, Plans};
use crate::domain::Usd;

/// The event of the meter.
pub(super) const METER_EVENT: &str = "morningai_overage_cents";
pub(super) const METER_TITLE: &str = "Runs beyond those included, in cents";
/// Keys of the meter's payload.
pub(super) const METER_CUSTOMER: &str = "stripe_customer_id";
pub(super) const METER_VALUE: &str = "value";
/// The aggregation that charges the last value.
pub(super) const METER_FORMULA: &str = "last";

/// A product that Stripe is to have, under an id that follows from its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WantedProduct {
    pub(super) id: String,
    pub(super) title: String,
}

/// A price that Stripe is to have, found again by its lookup key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WantedPrice {
    pub(super) lookup_key: String,
    pub(super) product: String,
    pub(super) cents: i64,
    pub(super) interval: &'static str,
    /// Whether it is for what the meter counts.
    pub(super) is_metered: bool,
}

pub(super) fn plan_product(name: &str) -> String {
    format!("morningai_plan_{name}")
}

pub(super) fn add_on_product(name: &str) -> String {
    format!("morningai_addon_{name}")
}

/// The product of runs beyond those included.
pub(super) fn overage_product() -> String {
    "morningai_overage".to_owned()
}

pub(super) fn products(plans: &Plans) -> Vec<WantedProduct> {
    let plan = |plan: &Plan| WantedProduct { id: plan_product(&plan.name), title: plan.title.clone() };
    // One whose price is agreed gets its prices by hand, one for each customer.
    let mut products: Vec<_> = plans.plans.iter().filter(|plan| plan.price != Some(Usd::ZERO)).map(plan).collect();
    products.extend(
        plans
            .add_ons
            .iter()
            .map(|add_on| WantedProduct { id: add_on_product(&add_on.name), title: add_on.title.clone() }),
    );
    if plans.overage.is_some() {
        products.push(WantedProduct { id: overage_product(), title: METER_TITLE.to_owned() });
    }
    products
}

pub(super) fn prices(plans: &Plans) -> Vec<WantedPrice> {
    let price = |product: String, usd: Usd, interval: &'static str| WantedPrice {
        lookup_key: format!("{product}_{interval}"),
        product,
        cents: usd.to_cents().0,
        interval,
        is_metered: false,
    };
    let mut prices = Vec::new();
    for plan in sold(plans) {
        prices.extend(plan.price.map(|usd| price(plan_product(&plan.name), usd, "month")));
        prices.extend(plan.annual.map(|usd| price(plan_product(&plan.name), usd, "year")));
    }
    prices.extend(plans.add_ons.iter().map(|add_on| price(add_on_product(&add_on.name), add_on.price, "month")));
    if plans.overage.is_some() {
        prices.push(WantedPrice { is_metered: true, ..price(overage_product(), Usd::CENT, "month") });
    }
    prices
}

/// Plans with a price: what is free is not sold, and what is agreed with each customer is not sold by this program.
pub(super) fn sold(plans: &Plans) -> impl Iterator<Item = &Plan> {
    plans.plans.iter().filter(|plan| plan.price.is_some_and(|price| price > Usd::ZERO))
}

impl WantedPrice {
    /// What Stripe's price has otherwise than it should, in words; `None` where it fits.
    pub(super) fn difference(&self, found: &Price, meter: Option<&str>) -> Option<String> {
        let currency = found.currency.raw();
        let recurring = found.recurring.as_ref();
        let every = recurring.map(|recurring| (recurring.interval.as_str(), recurring.interval_count.unwrap_or(1)));
        let amount =
            found.unit_amount.map_or_else(|| "a fraction of a cent".to_owned(), |cents| format!("{cents} cents"));
        if !found.active {
            return Some("it is archived there, so it cannot be sold".to_owned());
        }
        if currency != "usd" {
            return Some(format!("it is in {}, and plans are in usd", found.currency.clone().cut(10).visible()));
        }
        if found.unit_amount != Some(self.cents) {
            return Some(format!("it is {amount} there, and {} cents in the plans", self.cents));
        }
        if every != Some((self.interval, 1)) {
            return Some(format!("it is not paid by the {}", self.interval));
        }
        if found.product != self.product {
            return Some("it is a price of another product".to_owned());
        }
        if self.is_metered && recurring.and_then(|recurring| recurring.meter.as_deref()) != meter {
            return Some("it is not charged by this program's meter".to_owned());
        }
        None
    }
}

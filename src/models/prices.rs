//! What a call costs: list prices per million tokens, exact to the nano-dollar, or unknown.

use reqwest::Url;
use rust_decimal::Decimal;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::settings::{ModelEntry, ModelSettings};
use crate::domain::{Usage, Usd};

/// A table of prices, the user's own before the bundled ones.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    rows: Vec<Price>,
}

/// Dollars per million tokens of one model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    /// The server it is for; `None` for any.
    #[serde(default)]
    host: Option<String>,
    model: String,
    #[serde(deserialize_with = "exact")]
    input: Decimal,
    /// For input the provider's prompt cache served; `None` is the input price.
    #[serde(default, deserialize_with = "exact_option")]
    cached: Option<Decimal>,
    #[serde(deserialize_with = "exact")]
    output: Decimal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceFile {
    #[serde(default)]
    price: Vec<Price>,
}

/// A price file that cannot be read as one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("prices: {0}")]
pub struct PricesError(String);

impl Prices {
    /// The prices this program was built with.
    pub fn bundled() -> Result<Self, PricesError> {
        Self::parse(include_str!("../../assets/prices.toml"))
    }

    /// Reads a file of the same form as `assets/prices.toml`.
    pub fn parse(text: &str) -> Result<Self, PricesError> {
        let file: PriceFile = toml::from_str(text).map_err(|error| PricesError(error.to_string()))?;
        let negative = |price: &&Price| {
            [Some(price.input), price.cached, Some(price.output)]
                .into_iter()
                .flatten()
                .any(|amount| amount < Decimal::ZERO)
        };
        if let Some(price) = file.price.iter().find(negative) {
            return Err(PricesError(format!("{}: a price is never negative", price.model)));
        }
        Ok(Self { rows: file.price })
    }

    /// These prices, with `first` searched before them.
    pub fn overridden_by(mut self, first: Self) -> Self {
        let mut rows = first.rows;
        rows.append(&mut self.rows);
        Self { rows }
    }

    /// The cost of a call, or `None` when nobody said what this model costs at this host.
    pub fn cost(&self, host: &str, model: &str, usage: Usage) -> Option<Usd> {
        let price = self.rows.iter().find(|price| price.is_for(host, model))?;
        let cached = usage.cached.min(usage.input);
        let fresh = usage.input - cached;
        let part = |tokens: u64, price: Decimal| Decimal::from(tokens).checked_mul(price);
        let sum = part(fresh, price.input)?
            .checked_add(part(cached, price.cached.unwrap_or(price.input))?)?
            .checked_add(part(usage.output, price.output)?)?;
        Usd::from_decimal(sum.checked_div(Decimal::from(1_000_000))?)
    }
}

impl Prices {
    /// The configured models that nobody has a price for, or whose own name is not known before they are asked.
    pub fn missing<'a>(&self, settings: &'a ModelSettings) -> Vec<&'a str> {
        let costs = self.with_each(settings, Usage::default());
        costs.into_iter().filter(|(_, cost)| cost.is_none()).map(|(name, _)| name).collect()
    }

    /// What these tokens cost with each of the configured models, by the names that the configuration gives them.
    pub fn with_each<'a>(&self, settings: &'a ModelSettings, usage: Usage) -> Vec<(&'a str, Option<Usd>)> {
        let cost = |entry: &ModelEntry| {
            let provider = settings.providers.get(&entry.provider)?;
            let url = Url::parse(provider.base_url.trim()).ok()?;
            self.cost(url.host_str().unwrap_or_default(), entry.id.as_deref()?, usage)
        };
        settings.models.iter().map(|(name, entry)| (name.as_str(), cost(entry))).collect()
    }
}

impl Price {
    fn is_for(&self, host: &str, model: &str) -> bool {
        let host_fits = self.host.as_deref().is_none_or(|own| own.eq_ignore_ascii_case(host));
        host_fits && (self.model == "*" || self.model == model || self.model == without_date(model))
    }
}

/// A decimal number in a string; a bare TOML number would already have been a float.
fn exact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let text = String::deserialize(deserializer)?;
    Decimal::from_str_exact(&text).map_err(|error| D::Error::custom(format!("{text:?} is not a decimal ({error})")))
}

fn exact_option<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    exact(deserializer).map(Some)
}

/// `gpt-4.1` for the snapshot `gpt-4.1-2025-04-14`; any other name as it is.
fn without_date(model: &str) -> &str {
    let Some(at) = model.len().checked_sub(11) else { return model };
    let Some((name, date)) = model.split_at_checked(at) else { return model };
    let shape = b"-dddd-dd-dd";
    let is_date = date.bytes().zip(shape).all(|(byte, kind)| match kind {
        b'd' => byte.is_ascii_digit(),
        dash => byte == *dash,
    });
    if is_date { name } else { model }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENAI: &str = "api.openai.com";

    #[test]
    fn a_cost_is_exact() {
        let usage = Usage { input: 1_001, cached: 1_000, output: 3 };
        // 1 × 2.00 + 1000 × 0.50 + 3 × 8.00 dollars per million.
        assert_eq!(Prices::bundled().unwrap().cost(OPENAI, "gpt-4.1", usage), Some(Usd(526_000)));
    }

    #[test]
    fn a_million_calls_cost_a_million_times_one() {
        let one = Usage { input: 7, cached: 0, output: 1 };
        let all = Usage { input: 7_000_000, cached: 0, output: 1_000_000 };
        let prices = Prices::bundled().unwrap();
        let single = prices.cost(OPENAI, "gpt-4o-mini", one).unwrap();
        assert_eq!(Usd(single.0 * 1_000_000), prices.cost(OPENAI, "gpt-4o-mini", all).unwrap());
    }

    #[test]
    fn a_snapshot_costs_what_its_model_costs_and_a_different_model_does_not() {
        let prices = Prices::bundled().unwrap();
        let usage = Usage { input: 1_000_000, cached: 0, output: 0 };
        assert_eq!(prices.cost(OPENAI, "gpt-4.1-2025-04-14", usage), Some(Usd(2_000_000_000)));
        assert_eq!(prices.cost(OPENAI, "gpt-4.1-mini", usage), Some(Usd(400_000_000)));
        assert_eq!(prices.cost(OPENAI, "gpt-4.1-experimental", usage), None);
    }

    #[test]
    fn the_same_name_elsewhere_is_unknown_until_the_user_says() {
        let usage = Usage { input: 10, cached: 0, output: 10 };
        let bundled = Prices::bundled().unwrap();
        assert_eq!(bundled.cost("127.0.0.1", "gpt-4.1", usage), None);
        let own =
            Prices::parse("[[price]]\nhost = \"127.0.0.1\"\nmodel = \"*\"\ninput = \"0\"\noutput = \"0\"").unwrap();
        assert_eq!(bundled.overridden_by(own).cost("127.0.0.1", "gemma", usage), Some(Usd::ZERO));
    }

    #[test]
    fn floats_and_negative_prices_are_refused() {
        assert!(Prices::parse("[[price]]\nmodel = \"m\"\ninput = 0.1\noutput = \"1\"").is_err());
        assert!(Prices::parse("[[price]]\nmodel = \"m\"\ninput = \"-1\"\noutput = \"1\"").is_err());
    }
}

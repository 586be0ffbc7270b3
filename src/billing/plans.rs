//! Plans as data: what each costs and includes, the add-ons, and what runs beyond those included cost.

use serde::{Deserialize, Serialize};

use crate::domain::Usd;

/// All that is sold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plans {
    /// From the smallest to the largest.
    pub plans: Vec<Plan>,
    pub add_ons: Vec<AddOn>,
    pub overage: Option<Overage>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub name: String,
    pub title: String,
    /// For a month; `None` where it is agreed with each customer.
    pub price: Option<Usd>,
    /// For a year, paid in advance; `None` where it is not sold by the year.
    pub annual: Option<Usd>,
    /// Runs that a month includes; `None` for no limit.
    pub runs: Option<u64>,
    /// Accounts; `None` for no limit.
    pub users: Option<u64>,
    pub beyond: Beyond,
    /// Names of features, and of add-ons at no extra price.
    pub includes: Vec<String>,
    pub support: String,
}

/// What happens to runs beyond those that a plan includes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beyond {
    /// They are not started.
    #[default]
    Refuse,
    /// They are charged.
    Charge,
}

/// Sold by the month to every plan that does not include it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddOn {
    pub name: String,
    pub title: String,
    pub price: Usd,
}

/// What runs beyond those included cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overage {
    pub mode: OverageMode,
    /// How many times the plan's monthly price they cost in a month at most.
    pub cap_times_price: u32,
    pub bands: Vec<Band>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverageMode {
    /// All runs cost what the band says that their number falls into.
    Volume,
    /// Each run costs what the band says that it falls into itself.
    Graduated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// The last run of it, counted from the first beyond those included; `None` for the last band.
    pub up_to: Option<u64>,
    /// For one run.
    pub price: Usd,
}

impl Plans {
    pub fn plan(&self, name: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.name == name)
    }

    pub fn add_on(&self, name: &str) -> Option<&AddOn> {
        self.add_ons.iter().find(|add_on| add_on.name == name)
    }

    /// The smallest plan of which `fits` holds.
    pub fn smallest(&self, fits: impl Fn(&Plan) -> bool) -> Option<&Plan> {
        self.plans.iter().find(|plan| fits(plan))
    }
}

impl Plan {
    pub fn has(&self, name: &str) -> bool {
        self.includes.iter().any(|included| included == name)
    }

    /// `100 runs a month`, `unlimited runs`.
    pub fn runs_in_words(&self) -> String {
        self.runs.map_or_else(|| "unlimited runs".to_owned(), |runs| format!("{runs} runs a month"))
    }
}

impl Overage {
    /// Number and price of the runs of each band, of `runs` beyond those included.
    pub(super) fn parts(&self, runs: u64) -> Vec<(u64, Usd)> {
        let mut below = 0;
        let mut parts = Vec::new();
        for band in &self.bands {
            let last = band.up_to.map_or(runs, |up_to| up_to.min(runs));
            if last > below {
                parts.push((last - below, band.price));
                below = last;
            }
        }
        match (self.mode, parts.last()) {
            (OverageMode::Volume, Some((_, price))) => vec![(runs, *price)],
            (OverageMode::Graduated, _) | (OverageMode::Volume, None) => parts,
        }
    }
}

//! Money as whole nano-dollars. Never a float: sums of a million calls must equal their parts.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// An amount in US dollars, counted in 10⁻⁹ dollars; ± 9.2 billion dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usd(pub i64);

impl Usd {
    pub const ZERO: Self = Self(0);

    /// The amount as an exact decimal number of dollars.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, 9).normalize()
    }

    /// Nearest nano-dollar to `dollars`; `None` when out of range.
    pub fn from_decimal(dollars: Decimal) -> Option<Self> {
        let nanos = dollars.checked_mul(Decimal::from(1_000_000_000))?.round();
        i64::try_from(nanos).ok().map(Self)
    }

    /// For people: at least cents, and enough digits that a small amount is not shown as nothing.
    pub fn display(self) -> String {
        let dollars = self.to_decimal();
        let places = match self.0.unsigned_abs() {
            0 => 2,
            1..=9_999_999 => 5,
            10_000_000..=999_999_999 => 3,
            _ => 2,
        };
        format!("${:.places$}", dollars.round_dp(places as u32))
    }
}

/// The exact decimal string, as `--json` prints it.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_decimal().fmt(f)
    }
}

impl Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_survives_the_round_trip() {
        let price: Decimal = "0.000000123".parse().unwrap();
        assert_eq!(Usd::from_decimal(price).unwrap().to_string(), "0.000000123");
    }

    #[test]
    fn a_small_amount_is_not_shown_as_nothing() {
        assert_eq!(Usd(1_230_000).display(), "$0.00123");
        assert_eq!(Usd(12_340_000_000).display(), "$12.34");
        assert_eq!(Usd(0).display(), "$0.00");
    }
}

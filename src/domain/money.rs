//! Money as whole nano-dollars, and as whole cents where somebody pays it. Never a float: sums of a million calls must
//! equal their parts.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// An amount in US dollars, counted in 10⁻⁹ dollars; ± 9.2 billion dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usd(pub i64);

impl Usd {
    pub const ZERO: Self = Self(0);
    pub const CENT: Self = Self(10_000_000);

    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// The nearest cent.
    pub fn to_cents(self) -> Cents {
        Cents::rounded(i128::from(self.0), 1)
    }

    /// A price as an exact decimal of dollars, with at least two places: `0.50`, `0.505`.
    pub fn to_price(self) -> String {
        if self.0 % Self::CENT.0 == 0 { self.to_cents().to_string() } else { self.to_string() }
    }

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

/// What somebody pays or is credited, in whole cents of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cents(pub i64);

impl Cents {
    pub const ZERO: Self = Self(0);

    /// The cent nearest to `nanos / parts` nano-dollars, halves away from zero; the largest amount for what is larger.
    pub fn rounded(nanos: i128, parts: i128) -> Self {
        let cent = i128::from(Usd::CENT.0) * parts.max(1);
        let cents = (nanos.abs() + cent / 2) / cent * nanos.signum();
        Self(i64::try_from(cents).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
    }

    /// For people: `$49.00`, `−$12.50`.
    pub fn display(self) -> String {
        let amount = Decimal::new(self.0, 2).abs();
        let sign = if self.0 < 0 { "−" } else { "" };
        format!("{sign}${amount}")
    }
}

/// The exact decimal string of dollars, always with two places, as `--json` prints it.
impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal::new(self.0, 2).fmt(f)
    }
}

impl Add for Cents {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Cents {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Cents {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for Cents {
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

    #[test]
    fn a_cent_is_rounded_once_and_halves_away_from_zero() {
        let cents = |nanos, parts| Cents::rounded(nanos, parts).0;
        assert_eq!(
            [cents(5_000_000, 1), cents(-5_000_000, 1), cents(4_999_999, 1), cents(-4_999_999, 1)],
            [1, -1, 0, 0]
        );
        assert_eq!([cents(490_000_000_000, 3), cents(490_000_000_000, 7)], [16_333, 7_000]);
        // An odd number of parts has no half of its own.
        assert_eq!([cents(14_999_999, 3), cents(15_000_000, 3), cents(i128::MAX / 4, 1)], [0, 1, i64::MAX]);
        assert_eq!((Cents(4900).to_string(), Cents(-5).to_string()), ("49.00".to_owned(), "-0.05".to_owned()));
        assert_eq!((Cents(-1250).display(), Cents(5).display()), ("−$12.50".to_owned(), "$0.05".to_owned()));
    }
}

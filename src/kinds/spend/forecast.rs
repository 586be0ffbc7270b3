//! What the month will have cost at its end, estimated from the days before today.

use chrono::{Datelike, Days as DayCount, Months, NaiveDate};

use super::usage::{Days, Period, first_called};
use crate::domain::Usd;

/// Full days that the estimate is made from, at most.
const LOOKED_AT: u64 = 7;

/// An estimate of the whole month: what is spent, and each day left like the mean of the last full days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The last day of the month.
    pub until: NaiveDate,
    pub likely: Usd,
    /// Were each day left like the cheapest of them.
    pub low: Usd,
    /// Were each day left like the dearest of them.
    pub high: Usd,
    /// Full days that it is made from.
    pub from_days: u64,
    /// Calls of the month whose price is not known: it comes to more then.
    pub unpriced: u64,
}

impl Forecast {
    /// `None` before there is a full day.
    pub fn of(days: &Days, today: NaiveDate) -> Option<Self> {
        let first = first_called(days)?;
        let known = u64::try_from((today - first).num_days()).ok().filter(|known| *known > 0)?;
        let from_days = known.min(LOOKED_AT);
        let yesterday = today.pred_opt()?;
        let full = (0..from_days).filter_map(|ago| yesterday.checked_sub_days(DayCount::new(ago)));
        let costs: Vec<i64> = full.map(|day| days.get(&day).map_or(0, |spend| spend.cost().0)).collect();
        let mean = (costs.iter().map(|cost| i128::from(*cost)).sum::<i128>() / i128::from(from_days)) as i64;
        let (least, most) = (costs.iter().copied().min()?, costs.iter().copied().max()?);
        let until = today.with_day(1)?.checked_add_months(Months::new(1))?.pred_opt()?;
        let left = (until - today).num_days();
        let spent_today = days.get(&today).map_or(Usd::ZERO, |spend| spend.cost());
        let month = Period::month(today).total(days);
        let unpriced = month.unpriced;
        let before = Usd(month.cost.0.saturating_sub(spent_today.0));
        // Today is not over: it comes to what it has cost at least.
        let whole = |day: i64| before + spent_today.max(Usd(day)) + Usd(day.saturating_mul(left));
        Some(Self { until, likely: whole(mean), low: whole(least), high: whole(most), from_days, unpriced })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{FinishReason, ModelReply, Untrusted};
    use crate::kinds::DaySpend;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, number).unwrap()
    }

    fn costing(costs: &[(u32, i64)]) -> Days {
        let spend = |cost: i64| {
            let mut spend = DaySpend::default();
            let reply = ModelReply {
                model: String::new(),
                text: Untrusted::default(),
                refusal: None,
                calls: Vec::new(),
                finish: FinishReason::Stop,
                usage: None,
                cost: Some(Usd(cost)),
                carried: None,
            };
            spend.add(&reply, chrono::DateTime::UNIX_EPOCH, None);
            spend
        };
        costs.iter().map(|(number, cost)| (day(*number), spend(*cost))).collect()
    }

    #[test]
    fn the_days_left_are_like_the_last_full_ones() {
        // The 13th to the 19th cost 10, 0, 0, 30, 0, 0 and 30; the 20th has cost 4 so far, and ten days are left.
        let days = costing(&[(2, 1000), (13, 10), (16, 30), (19, 30), (20, 4)]);
        let forecast = Forecast::of(&days, day(20)).unwrap();
        assert_eq!((forecast.until, forecast.from_days), (day(30), 7));
        assert_eq!(forecast.low, Usd(1000 + 70 + 4));
        assert_eq!(forecast.likely, Usd(1000 + 70 + 10 + 10 * 10));
        assert_eq!(forecast.high, Usd(1000 + 70 + 30 + 30 * 10));
    }

    #[test]
    fn fewer_days_are_looked_at_where_there_are_no_more_and_none_before_the_first() {
        let days = costing(&[(27, 10), (28, 20), (30, 3)]);
        let forecast = Forecast::of(&days, day(30)).unwrap();
        assert_eq!((forecast.from_days, forecast.likely), (3, Usd(30 + 10)));
        assert_eq!(Forecast::of(&days, day(27)), None);
        let mut begun = days.clone();
        begun.entry(day(1)).or_default().runs = 4;
        assert_eq!(Forecast::of(&begun, day(30)), Forecast::of(&days, day(30)), "a day on which only runs began");
        assert_eq!(Forecast::of(&Days::new(), day(27)), None);
    }
}

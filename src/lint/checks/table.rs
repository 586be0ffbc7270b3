//! Every check in one table: what each is called, what it says, and the function that looks.

use super::{counters, joins, matchers, percent, quantiles, templates, timing, values, whole};
use crate::lint::finding::Remark;
use crate::lint::parsed::{Parsed, Subject};

/// A check.
pub struct Check {
    pub name: &'static str,
    /// What is wrong where it says something.
    pub about: &'static str,
    pub(in crate::lint) look: Look,
}

impl Check {
    /// Whether it needs no Prometheus.
    pub fn reads_only(&self) -> bool {
        !matches!(self.look, Look::Prometheus)
    }
}

/// What a check looks at.
#[derive(Clone, Copy)]
pub(in crate::lint) enum Look {
    /// The file, as it is read.
    File,
    Rule(fn(&Subject<'_>) -> Vec<Remark>),
    /// All rules at once; each remark with the number of its rule.
    All(fn(&[Parsed<'_>]) -> Vec<(usize, Remark)>),
    /// A Prometheus.
    Prometheus,
}

pub(in crate::lint) const DOES_NOT_PARSE: &str = "does-not-parse";
pub(in crate::lint) const QUERY_FAILS: &str = "query-fails";
pub(in crate::lint) const NO_SUCH_METRIC: &str = "no-such-metric";
pub(in crate::lint) const NO_SUCH_LABEL: &str = "no-such-label";
pub(in crate::lint) const NO_SUCH_VALUE: &str = "no-such-value";
pub(in crate::lint) const JOINS_NOTHING: &str = "joins-nothing";
pub(in crate::lint) const NOT_A_COUNTER: &str = "not-a-counter";
pub(in crate::lint) const TOO_FEW_SAMPLES: &str = "too-few-samples";

const fn rule(name: &'static str, about: &'static str, look: fn(&Subject<'_>) -> Vec<Remark>) -> Check {
    Check { name, about, look: Look::Rule(look) }
}

const fn asked(name: &'static str, about: &'static str) -> Check {
    Check { name, about, look: Look::Prometheus }
}

/// Every check there is.
pub static CHECKS: &[Check] = &[
    Check {
        name: DOES_NOT_PARSE,
        about: "Prometheus refuses the file: it is not YAML, has an unknown field, or an expression is not PromQL",
        look: Look::File,
    },
    rule(
        "never-fires",
        "a comparison that is never true, such as count(x) == 0: a count of nothing is no result",
        values::never,
    ),
    rule(
        "always-fires",
        "it fires whenever there is a series: nothing is compared, or by `bool`, or it is always true",
        values::always,
    ),
    rule(
        "not-a-ratio",
        "the texts speak of a percentage, and the expression is a number of events a second",
        percent::not_a_ratio,
    ),
    rule("wrong-percentage", "the value is shown a hundred times too large or too small", percent::wrong_percentage),
    rule(
        "bad-quantile",
        "histogram_quantile without buckets, their rate or `le`, or a quantile that is not within 0 to 1",
        quantiles::bad_quantile,
    ),
    rule(
        "counter-without-rate",
        "a threshold on a counter, which only ever grows until its process starts again",
        counters::without_rate,
    ),
    rule("rate-of-gauge", "rate, irate or increase of what goes up and down", counters::rate_of_gauge),
    rule(
        "delta-of-counter",
        "delta or idelta of a counter, which is wrong after every restart",
        counters::delta_of_counter,
    ),
    rule(
        "rate-of-sum",
        "a rate of a sum of counters, which jumps when one of them starts again",
        counters::rate_of_sum,
    ),
    rule(
        "range-too-short",
        "a range with fewer than two samples at the usual interval of 15 s",
        timing::range_too_short,
    ),
    rule("for-too-long", "`for` is longer than the condition can hold after one event", timing::for_too_long),
    rule("never-joins", "the two sides of an operator have no labels in common that could match", joins::never_joins),
    rule(
        "needs-group-left",
        "several series of one side match one of the other, which is an error without group_left",
        joins::needs_group,
    ),
    rule(
        "absent-of-several",
        "absent() of alternatives is silent as long as one of them is there",
        matchers::absent_of_several,
    ),
    rule("matches-nothing", "a selector whose matchers exclude everything", matchers::matches_nothing),
    rule(
        "pattern-without-regex",
        "a regular expression that is compared with = or !=, so as plain text",
        matchers::pattern_without_regex,
    ),
    rule("plain-regex", "=~ or !~ with plain text, where = or != says the same", matchers::plain_regex),
    rule("missing-severity", "without the label `severity`, nobody knows whom to wake", templates::missing_severity),
    rule(
        "label-not-in-result",
        "a text names a label that the result does not have, and shows nothing in its place",
        templates::label_not_in_result,
    ),
    rule(
        "value-in-label",
        "a label holds the value, so each change of it is a new alert that waits for `for` again",
        templates::value_in_label,
    ),
    rule("broken-template", "a text with {{ that is not closed", templates::broken),
    Check {
        name: "duplicate-alert",
        about: "two rules with the same name and labels, which Alertmanager cannot tell apart",
        look: Look::All(whole::duplicates),
    },
    asked(QUERY_FAILS, "Prometheus answers the expression with an error"),
    asked(NO_SUCH_METRIC, "Prometheus has no such metric"),
    asked(NO_SUCH_LABEL, "Prometheus has the metric, without that label"),
    asked(NO_SUCH_VALUE, "Prometheus has the metric and the label, with none of these values"),
    asked(JOINS_NOTHING, "both sides of an operator have series in Prometheus, and none of them match"),
    asked(NOT_A_COUNTER, "rate, irate or increase of a metric that is not a counter by its own description"),
    asked(TOO_FEW_SAMPLES, "a range in which Prometheus has fewer than two samples"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_each_check_is_described() {
        let names: BTreeSet<_> = CHECKS.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), CHECKS.len());
        for check in CHECKS {
            assert!(check.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", check.name);
            assert!(check.about.len() > 20 && !check.about.ends_with('.'), "{}", check.name);
        }
    }
}

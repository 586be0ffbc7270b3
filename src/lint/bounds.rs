//! Between which numbers the values of an expression lie, as far as reading it says.

use promql_parser::parser::{AggregateExpr, BinaryExpr, Call, Expr, LabelModifier};

use super::ast::{RATES, bare, compares, filters, metric, number, selector, threshold};
use super::labels::{LabelSet, Presence};

/// A range of numbers; an end may be left out of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    low: End,
    high: End,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct End {
    at: f64,
    is_in: bool,
}

/// Whether a comparison can be true and can be false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Never,
    Always,
    Depends,
}

const ANY: Bounds = Bounds::between(f64::NEG_INFINITY, f64::INFINITY);
const NOT_NEGATIVE: Bounds = Bounds::between(0.0, f64::INFINITY);

impl Bounds {
    pub const fn between(low: f64, high: f64) -> Self {
        Self { low: End { at: low, is_in: true }, high: End { at: high, is_in: true } }
    }

    const fn only(value: f64) -> Self {
        Self::between(value, value)
    }

    pub fn of(expr: &Expr) -> Self {
        if let Some(value) = number(expr) {
            return Self::only(value);
        }
        match expr {
            Expr::Paren(paren) => Self::of(&paren.expr),
            Expr::Unary(unary) => Self::of(&unary.expr).times(-1.0),
            Expr::Subquery(subquery) => Self::of(&subquery.expr),
            Expr::VectorSelector(_) | Expr::MatrixSelector(_) => {
                selector(expr).and_then(metric).map_or(ANY, Self::of_metric)
            }
            Expr::Aggregate(aggregate) => Self::of_aggregate(aggregate),
            Expr::Call(call) => Self::of_call(call),
            Expr::Binary(binary) => Self::of_binary(binary),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => ANY,
        }
    }

    /// By the conventions for names.
    fn of_metric(name: &str) -> Self {
        match name {
            "up" => Self::between(0.0, 1.0),
            "ALERTS" => Self::only(1.0),
            _ if ["_total", "_bytes", "_bucket", "_count"].iter().any(|end| name.ends_with(end)) => NOT_NEGATIVE,
            _ => ANY,
        }
    }

    fn of_aggregate(aggregate: &AggregateExpr) -> Self {
        let inner = Self::of(&aggregate.expr);
        match aggregate.op.to_string().as_str() {
            // There is one at least, or there is no result.
            "count" | "count_values" => Self::between(1.0, f64::INFINITY),
            "group" => Self::only(1.0),
            "sum" if inner.low.at >= 0.0 => Self { high: ANY.high, ..inner },
            "min" | "max" | "avg" | "topk" | "bottomk" | "limitk" | "limit_ratio" => inner,
            "quantile" => match aggregate.param.as_deref().and_then(number) {
                Some(quantile) if (0.0..=1.0).contains(&quantile) => inner,
                _ => ANY,
            },
            "stddev" | "stdvar" => NOT_NEGATIVE,
            _ => ANY,
        }
    }

    fn of_call(call: &Call) -> Self {
        let argument = |number: usize| call.args.args.get(number).map(AsRef::as_ref);
        let inner = || argument(0).map_or(ANY, Self::of);
        let least = |number: usize| argument(number).and_then(super::ast::number);
        match call.func.name {
            "absent" | "absent_over_time" | "present_over_time" => Self::only(1.0),
            name if RATES.contains(&name) => NOT_NEGATIVE,
            "changes" | "resets" | "abs" | "sqrt" | "exp" | "stddev_over_time" | "stdvar_over_time"
            | "histogram_count" => NOT_NEGATIVE,
            "count_over_time" => Self::between(1.0, f64::INFINITY),
            "sum_over_time" if inner().low.at >= 0.0 => NOT_NEGATIVE,
            "min_over_time" | "max_over_time" | "avg_over_time" | "last_over_time" | "vector" | "scalar" | "sort"
            | "sort_desc" | "label_replace" | "label_join" => inner(),
            "quantile_over_time" => argument(1).map_or(ANY, Self::of),
            "clamp" => Self::between(least(1).unwrap_or(ANY.low.at), least(2).unwrap_or(ANY.high.at)),
            "clamp_min" => least(1).map_or_else(inner, |least| inner().at_least(least)),
            "clamp_max" => least(1).map_or_else(inner, |most| inner().at_most(most)),
            "hour" => Self::between(0.0, 23.0),
            "minute" => Self::between(0.0, 59.0),
            "month" => Self::between(1.0, 12.0),
            "day_of_week" => Self::between(0.0, 6.0),
            "day_of_month" => Self::between(1.0, 31.0),
            "day_of_year" => Self::between(1.0, 366.0),
            "days_in_month" => Self::between(28.0, 31.0),
            "time" | "timestamp" => NOT_NEGATIVE,
            "sgn" => Self::between(-1.0, 1.0),
            _ => ANY,
        }
    }

    fn of_binary(binary: &BinaryExpr) -> Self {
        if compares(binary) {
            return match (filters(binary), threshold(binary)) {
                (false, _) => Self::between(0.0, 1.0),
                (true, Some((left, operator, right))) => Self::of(left).kept(operator, right),
                (true, None) => Self::of(&binary.lhs),
            };
        }
        let (left, right) = (Self::of(&binary.lhs), Self::of(&binary.rhs));
        let (left_number, right_number) = (number(&binary.lhs), number(&binary.rhs));
        match (binary.op.to_string().as_str(), left_number, right_number) {
            ("and" | "unless", ..) => left,
            ("or", ..) => left.hull(right),
            ("+", ..) => left.plus(right),
            ("-", ..) => left.plus(right.times(-1.0)),
            ("*", _, Some(factor)) => left.times(factor),
            ("*", Some(factor), _) => right.times(factor),
            ("/", _, Some(divisor)) if divisor != 0.0 => left.times(1.0 / divisor),
            ("/", None, None) if part_of_whole(&binary.lhs, &binary.rhs) => share(binary),
            ("*" | "/", ..) if left.low.at >= 0.0 && right.low.at >= 0.0 => NOT_NEGATIVE,
            ("%", _, Some(divisor)) if left.low.at >= 0.0 && divisor > 0.0 => Self::between(0.0, divisor),
            _ => ANY,
        }
    }

    fn at_least(self, least: f64) -> Self {
        let low = if self.low.at >= least { self.low } else { End { at: least, is_in: true } };
        Self { low, high: self.high }
    }

    fn at_most(self, most: f64) -> Self {
        let high = if self.high.at <= most { self.high } else { End { at: most, is_in: true } };
        Self { low: self.low, high }
    }

    /// What a comparison lets through.
    fn kept(self, operator: &str, right: f64) -> Self {
        let open = End { at: right, is_in: false };
        match operator {
            "==" => Self::only(right),
            ">=" => self.at_least(right),
            "<=" => self.at_most(right),
            ">" if self.low.at <= right => Self { low: open, ..self },
            "<" if self.high.at >= right => Self { high: open, ..self },
            _ => self,
        }
    }

    fn hull(self, other: Self) -> Self {
        let low = if self.low.at <= other.low.at { self.low } else { other.low };
        let high = if self.high.at >= other.high.at { self.high } else { other.high };
        Self { low, high }
    }

    fn plus(self, other: Self) -> Self {
        let end = |one: End, other: End| End { at: one.at + other.at, is_in: one.is_in && other.is_in };
        let sum = Self { low: end(self.low, other.low), high: end(self.high, other.high) };
        if sum.low.at.is_nan() || sum.high.at.is_nan() { ANY } else { sum }
    }

    fn times(self, factor: f64) -> Self {
        let end = |end: End| End { at: if end.at == 0.0 { 0.0 } else { end.at * factor }, is_in: end.is_in };
        let (one, other) = (end(self.low), end(self.high));
        match factor {
            _ if one.at.is_nan() || other.at.is_nan() => ANY,
            factor if factor >= 0.0 => Self { low: one, high: other },
            _ => Self { low: other, high: one },
        }
    }

    pub fn is_within(self, low: f64, high: f64) -> bool {
        self.low.at >= low && self.high.at <= high
    }

    /// How `value OPERATOR right` turns out for every value in these bounds.
    pub fn compared(self, operator: &str, right: f64) -> Outcome {
        let (low, high) = (self.low, self.high);
        let below = high.at < right || (high.at == right && !high.is_in);
        let above = low.at > right || (low.at == right && !low.is_in);
        let is_it = low.at == right && high.at == right && low.is_in && high.is_in;
        let (never, always) = match operator {
            ">" => (high.at <= right, above),
            ">=" => (below, low.at >= right),
            "<" => (low.at >= right, below),
            "<=" => (above, high.at <= right),
            "==" => (below || above, is_it),
            "!=" => (is_it, below || above),
            _ => (false, false),
        };
        match (never, always) {
            (true, _) => Outcome::Never,
            (_, true) => Outcome::Always,
            _ => Outcome::Depends,
        }
    }
}

/// Between 0 and 1; and 1 where every series is divided by itself.
fn share(binary: &BinaryExpr) -> Bounds {
    let differing = extra_labels(&binary.lhs, &binary.rhs);
    let keeps = |expr: &Expr| {
        let set = LabelSet::of(expr);
        differing.iter().all(|label| set.as_ref().is_some_and(|set| set.presence(label) != Presence::Absent))
    };
    let matched_by = |label: &String| match binary.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref()) {
        None => true,
        Some(LabelModifier::Include(labels)) => labels.labels.contains(label),
        Some(LabelModifier::Exclude(labels)) => !labels.labels.contains(label),
    };
    match keeps(&binary.lhs) && keeps(&binary.rhs) && differing.iter().all(matched_by) {
        true => Bounds::only(1.0),
        false => Bounds::between(0.0, 1.0),
    }
}

/// Whether `part` counts some of what `whole` counts, in the same way.
pub fn part_of_whole(part: &Expr, whole: &Expr) -> bool {
    match (bare(part), bare(whole)) {
        (Expr::Aggregate(part), Expr::Aggregate(whole)) => {
            let operator = part.op.to_string();
            let is_sum = operator == "sum" || operator == "count";
            is_sum && part.op == whole.op && part.modifier == whole.modifier && part_of_whole(&part.expr, &whole.expr)
        }
        (Expr::Call(part), Expr::Call(whole)) => {
            let counts = RATES.contains(&part.func.name);
            let both = part.args.args.iter().zip(&whole.args.args);
            counts && part.func.name == whole.func.name && both.clone().all(|(part, whole)| part_of_whole(part, whole))
        }
        (Expr::MatrixSelector(part), Expr::MatrixSelector(whole)) => {
            let name = metric(&part.vs);
            let narrower = whole.vs.matchers.matchers.iter().all(|matcher| part.vs.matchers.matchers.contains(matcher));
            let same_time = part.vs.offset == whole.vs.offset && part.vs.at == whole.vs.at;
            let plain = part.vs.matchers.or_matchers.is_empty() && whole.vs.matchers.or_matchers.is_empty();
            name.is_some() && name == metric(&whole.vs) && part.range == whole.range && narrower && same_time && plain
        }
        _ => false,
    }
}

/// The labels by which the part is narrower.
fn extra_labels(part: &Expr, whole: &Expr) -> Vec<String> {
    let matchers = |expr| super::ast::selectors(expr).into_iter().flat_map(|selector| &selector.matchers.matchers);
    let of_whole: Vec<_> = matchers(whole).collect();
    matchers(part).filter(|matcher| !of_whole.contains(matcher)).map(|matcher| matcher.name.clone()).collect()
}

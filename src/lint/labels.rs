//! Which labels the series of an expression have, as far as reading it says. What the expression cannot say is left open.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::MatchOp;
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality, VectorSelector,
};

use super::ast::{combines_sets, is_scalar, metric, selector, series_argument};

/// The labels of some series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelSet {
    /// These and no others, with the value where the expression says it.
    Exactly(BTreeMap<String, Option<String>>),
    /// As the metric has them.
    Open {
        has: BTreeMap<String, Option<String>>,
        lacks: BTreeSet<String>,
        /// What its exporter is known to put on it, beside what every target has.
        own: Option<BTreeSet<String>>,
    },
}

/// Whether series have a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Present,
    Absent,
    Unknown,
}

/// Labels that well-known exporters put on their metrics, by the beginning of a name; the longest that fits counts.
const KNOWN: &[(&str, &[&str])] = &[
    ("node_filesystem_", &["device", "fstype", "mountpoint"]),
    ("node_memory_", &[]),
    ("node_load", &[]),
    ("node_boot_time_seconds", &[]),
    ("node_time_seconds", &[]),
    ("node_cpu_seconds_total", &["cpu", "mode"]),
    ("pg_stat_database_", &["datid", "datname"]),
    ("pg_settings_", &[]),
    ("pg_up", &[]),
    ("mysql_global_variables_", &[]),
    ("mysql_up", &[]),
    ("redis_up", &[]),
    ("redis_db_keys", &["db"]),
    ("process_", &[]),
    ("go_goroutines", &[]),
    ("up", &[]),
];

fn known(name: &str) -> Option<BTreeSet<String>> {
    let fits = |known: &str| match known.ends_with('_') || known == "node_load" {
        true => name.starts_with(known),
        false => name == known,
    };
    let best = KNOWN.iter().filter(|(known, _)| fits(known)).max_by_key(|(known, _)| known.len());
    best.map(|(_, labels)| labels.iter().map(|label| (*label).to_owned()).collect())
}

impl LabelSet {
    /// Of one number there is none.
    pub fn of(expr: &Expr) -> Option<Self> {
        if is_scalar(expr) {
            return None;
        }
        Some(match expr {
            Expr::Paren(paren) => Self::of(&paren.expr)?,
            Expr::Unary(unary) => Self::of(&unary.expr)?,
            Expr::Subquery(subquery) => Self::of(&subquery.expr)?,
            Expr::VectorSelector(selector) => Self::of_selector(selector),
            Expr::MatrixSelector(matrix) => Self::of_selector(&matrix.vs),
            Expr::Aggregate(aggregate) => Self::of_aggregate(aggregate)?,
            Expr::Call(call) => Self::of_call(call),
            Expr::Binary(binary) => Self::of_binary(binary)?,
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => return None,
        })
    }

    fn nothing() -> Self {
        Self::Exactly(BTreeMap::new())
    }

    fn of_selector(selector: &VectorSelector) -> Self {
        let name = metric(selector);
        let mut has = BTreeMap::new();
        // What is recorded or made by Prometheus itself may have lost them.
        if name.is_some_and(|name| !name.contains(':') && !name.starts_with("ALERTS")) {
            has.extend(["job", "instance"].map(|label| (label.to_owned(), None)));
        }
        let mut lacks = BTreeSet::new();
        for matcher in selector.matchers.matchers.iter().filter(|matcher| matcher.name != "__name__") {
            match (&matcher.op, matcher.value.is_empty()) {
                (MatchOp::Equal, true) => drop(lacks.insert(matcher.name.clone())),
                (MatchOp::Equal, false) => drop(has.insert(matcher.name.clone(), Some(matcher.value.clone()))),
                _ if !matcher.is_match("") => drop(has.entry(matcher.name.clone()).or_insert(None)),
                _ => {}
            }
        }
        has.retain(|label, _| !lacks.contains(label));
        Self::Open { has, lacks, own: name.and_then(known) }
    }

    fn of_aggregate(aggregate: &AggregateExpr) -> Option<Self> {
        let inner = Self::of(&aggregate.expr)?;
        let operator = aggregate.op.to_string();
        if matches!(operator.as_str(), "topk" | "bottomk" | "limitk" | "limit_ratio") {
            return Some(inner);
        }
        let mut set = match &aggregate.modifier {
            None => Self::nothing(),
            Some(LabelModifier::Include(labels)) => inner.only(&labels.labels),
            Some(LabelModifier::Exclude(labels)) => inner.without(&labels.labels),
        };
        if let ("count_values", Some(Expr::StringLiteral(label))) = (operator.as_str(), aggregate.param.as_deref()) {
            set.add(&label.val);
        }
        Some(set)
    }

    fn of_call(call: &Call) -> Self {
        let inner = || series_argument(call).and_then(Self::of).unwrap_or_else(Self::nothing);
        let label = |number: usize| match call.args.args.get(number).map(AsRef::as_ref) {
            Some(Expr::StringLiteral(text)) => text.val.clone(),
            _ => String::new(),
        };
        match call.func.name {
            "absent" | "absent_over_time" => Self::of_absence(call),
            "vector" => Self::nothing(),
            "histogram_quantile" => inner().without(&["le".to_owned()]),
            "label_replace" | "label_join" => {
                let mut set = inner();
                set.add(&label(1));
                set
            }
            _ => inner(),
        }
    }

    /// What is absent has the labels that are asked for by their value.
    fn of_absence(call: &Call) -> Self {
        let asked = call.args.args.first().map(AsRef::as_ref).map(super::ast::bare).and_then(selector);
        let mut set = BTreeMap::new();
        for matcher in asked.into_iter().flat_map(|selector| &selector.matchers.matchers) {
            if matcher.name != "__name__" && matches!(matcher.op, MatchOp::Equal) && !matcher.value.is_empty() {
                set.insert(matcher.name.clone(), Some(matcher.value.clone()));
            }
        }
        Self::Exactly(set)
    }

    fn of_binary(binary: &BinaryExpr) -> Option<Self> {
        let (left, right) = match (Self::of(&binary.lhs), Self::of(&binary.rhs)) {
            (Some(left), Some(right)) => (left, right),
            (one, other) => return one.or(other),
        };
        let modifier = binary.modifier.as_ref();
        if combines_sets(binary) {
            return Some(if binary.op.to_string() == "or" { left.either(right) } else { left });
        }
        Some(match modifier.map(|modifier| &modifier.card) {
            Some(VectorMatchCardinality::ManyToOne(more)) => left.with(&more.labels),
            Some(VectorMatchCardinality::OneToMany(more)) => right.with(&more.labels),
            _ => match modifier.and_then(|modifier| modifier.matching.as_ref()) {
                Some(LabelModifier::Include(labels)) => left.only(&labels.labels),
                Some(LabelModifier::Exclude(labels)) => left.without(&labels.labels),
                None => left,
            },
        })
    }

    pub fn presence(&self, label: &str) -> Presence {
        match self {
            Self::Exactly(set) if set.contains_key(label) => Presence::Present,
            Self::Exactly(_) => Presence::Absent,
            Self::Open { lacks, .. } if lacks.contains(label) => Presence::Absent,
            Self::Open { has, .. } if has.contains_key(label) => Presence::Present,
            Self::Open { own, .. } if own.as_ref().is_some_and(|own| own.contains(label)) => Presence::Present,
            Self::Open { .. } => Presence::Unknown,
        }
    }

    /// The value of a label, where the expression says it.
    pub fn value(&self, label: &str) -> Option<&str> {
        let (Self::Exactly(set) | Self::Open { has: set, .. }) = self;
        set.get(label)?.as_deref()
    }

    /// All labels that it is known to have or to lack.
    pub fn spoken_of(&self) -> BTreeSet<&str> {
        match self {
            Self::Exactly(set) => set.keys().map(String::as_str).collect(),
            Self::Open { has, lacks, own } => {
                has.keys().chain(lacks).chain(own.iter().flatten()).map(String::as_str).collect()
            }
        }
    }

    fn only(self, labels: &[String]) -> Self {
        let kept = labels.iter().filter(|label| self.presence(label) != Presence::Absent);
        Self::Exactly(kept.map(|label| (label.clone(), self.value(label).map(str::to_owned))).collect())
    }

    fn without(self, labels: &[String]) -> Self {
        match self {
            Self::Exactly(mut set) => {
                set.retain(|label, _| !labels.contains(label));
                Self::Exactly(set)
            }
            Self::Open { mut has, mut lacks, mut own } => {
                has.retain(|label, _| !labels.contains(label));
                lacks.extend(labels.iter().cloned());
                own.iter_mut().for_each(|own| own.retain(|label| !labels.contains(label)));
                Self::Open { has, lacks, own }
            }
        }
    }

    fn add(&mut self, label: &str) {
        match self {
            Self::Exactly(set) => drop(set.insert(label.to_owned(), None)),
            Self::Open { has, lacks, .. } => {
                lacks.remove(label);
                has.insert(label.to_owned(), None);
            }
        }
    }

    fn with(mut self, labels: &[String]) -> Self {
        labels.iter().for_each(|label| self.add(label));
        self
    }

    /// Series of one or of the other.
    fn either(self, other: Self) -> Self {
        match (self, other) {
            (Self::Exactly(mut one), Self::Exactly(other)) => {
                for (label, value) in other {
                    one.entry(label).and_modify(|known| *known = None).or_insert(value);
                }
                Self::Exactly(one)
            }
            (one, other) => {
                let both =
                    |wanted: Presence, label: &&str| one.presence(label) == wanted && other.presence(label) == wanted;
                let spoken: BTreeSet<_> = one.spoken_of().into_iter().chain(other.spoken_of()).collect();
                let has = spoken.iter().filter(|label| both(Presence::Present, label));
                let lacks = spoken.iter().filter(|label| both(Presence::Absent, label));
                Self::Open {
                    has: has.map(|label| ((*label).to_owned(), None)).collect(),
                    lacks: lacks.map(|label| (*label).to_owned()).collect(),
                    own: None,
                }
            }
        }
    }
}

//! Operators between two sets of series: whether their labels can match.

use std::collections::BTreeSet;

use promql_parser::parser::{BinaryExpr, Expr, LabelModifier, VectorMatchCardinality};

use crate::lint::ast::{all, combines_sets, shown};
use crate::lint::finding::Remark;
use crate::lint::labels::{LabelSet, Presence};
use crate::lint::parsed::Subject;

/// An operator with series on both sides.
struct Join<'a> {
    binary: &'a BinaryExpr,
    left: LabelSet,
    right: LabelSet,
}

fn joins<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Join<'a>> {
    all(subject.expr).into_iter().filter_map(|expr| {
        let Expr::Binary(binary) = expr else { return None };
        Some(Join { binary, left: LabelSet::of(&binary.lhs)?, right: LabelSet::of(&binary.rhs)? })
    })
}

impl Join<'_> {
    fn matching(&self) -> Option<&LabelModifier> {
        self.binary.modifier.as_ref()?.matching.as_ref()
    }

    fn compares_label(&self, label: &str) -> bool {
        match self.matching() {
            None => true,
            Some(LabelModifier::Include(labels)) => labels.labels.iter().any(|known| known == label),
            Some(LabelModifier::Exclude(labels)) => !labels.labels.iter().any(|known| known == label),
        }
    }

    /// Labels that are compared and keep the sides apart, with the reason.
    fn apart(&self) -> Option<(String, String)> {
        let mut labels: BTreeSet<&str> = self.left.spoken_of();
        labels.extend(self.right.spoken_of());
        if let Some(LabelModifier::Include(on)) = self.matching() {
            labels.extend(on.labels.iter().map(String::as_str));
        }
        let compared: Vec<_> = labels.into_iter().filter(|label| self.compares_label(label)).collect();
        let differs = |label: &&&str| matches!((self.left.value(label), self.right.value(label)), (Some(left), Some(right)) if left != right);
        if let Some(label) = compared.iter().find(differs) {
            let values = (self.left.value(label).unwrap_or_default(), self.right.value(label).unwrap_or_default());
            return Some((
                (*label).to_owned(),
                format!("`{label}` is {:?} on the left and {:?} on the right", values.0, values.1),
            ));
        }
        let side = |set: &LabelSet, other: &LabelSet, label: &&&str| {
            set.presence(label) == Presence::Present && other.presence(label) == Presence::Absent
        };
        for (set, other, has, lacks) in
            [(&self.left, &self.right, "left", "right"), (&self.right, &self.left, "right", "left")]
        {
            if let Some(label) = compared.iter().find(|label| side(set, other, label)) {
                return Some((
                    (*label).to_owned(),
                    format!("the {has} side has the label `{label}`, the {lacks} side has not"),
                ));
            }
        }
        self.of_exporters(&compared)
    }

    /// Two metrics of exporters that are known to put different labels on them.
    fn of_exporters(&self, compared: &[&str]) -> Option<(String, String)> {
        let own = |set: &LabelSet| match set {
            LabelSet::Open { own: Some(own), has, .. } => {
                let more = has.keys().filter(|label| *label != "job" && *label != "instance");
                Some(own.iter().chain(more).cloned().collect::<BTreeSet<_>>())
            }
            LabelSet::Open { own: None, .. } | LabelSet::Exactly(_) => None,
        };
        let (left, right) = (own(&self.left)?, own(&self.right)?);
        let label = left.symmetric_difference(&right).find(|label| compared.contains(&label.as_str()))?;
        let (has, lacks) = if left.contains(label) { ("left", "right") } else { ("right", "left") };
        Some((label.clone(), format!("the metric on the {has} has the label `{label}`, that on the {lacks} has not")))
    }
}

/// Operators whose sides never match, which is no result and no alert.
pub fn never_joins(subject: &Subject<'_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for join in joins(subject) {
        let operator = join.binary.op.to_string();
        if operator == "or" {
            continue;
        }
        let Some((label, reason)) = join.apart() else { continue };
        let effect = match operator.as_str() {
            "unless" => "so `unless` leaves nothing out",
            _ => "so none of their series match, and the alert never fires",
        };
        remarks.push(Remark::on_expr(subject.rule, format!("{reason}, {effect}"), advice(&join, &label)));
    }
    remarks
}

fn advice(join: &Join<'_>, label: &str) -> String {
    let (left, right, operator) = (shown(&join.binary.lhs), shown(&join.binary.rhs), &join.binary.op);
    match join.matching() {
        Some(LabelModifier::Include(_)) => format!("keep `{label}` on both sides, or take it out of on(…)"),
        _ if combines_sets(join.binary) => {
            format!(
                "name the labels that both have: {operator} on (instance), or {operator} on () where there are none"
            )
        }
        _ if join.left.presence(label) == Presence::Present => {
            format!(
                "match by what both have, and sum the rest away: sum by (instance) ({left}) {operator} on (instance) …"
            )
        }
        _ => format!(
            "match by what both have, and sum the rest away: … {operator} on (instance) sum by (instance) ({right})"
        ),
    }
}

/// Arithmetic in which one series of a side is to match several of the other.
pub fn needs_group(subject: &Subject<'_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for join in joins(subject).filter(|join| !combines_sets(join.binary)) {
        let modifier = join.binary.modifier.as_ref();
        let is_one_to_one = modifier.is_none_or(|modifier| matches!(modifier.card, VectorMatchCardinality::OneToOne));
        if !is_one_to_one || join.matching().is_none() || join.apart().is_some() {
            continue;
        }
        for (set, side, group) in [(&join.left, "left", "group_left"), (&join.right, "right", "group_right")] {
            let LabelSet::Exactly(labels) = set else { continue };
            let Some(label) = labels.keys().find(|label| !join.compares_label(label)) else { continue };
            let message = format!(
                "the {side} side has a series for each `{label}`, which is not compared: several match one, and that is an \
                 error as soon as there are two"
            );
            let advice = format!(
                "write {group} behind on(…) or ignoring(…), or sum `{label}` away in `{}`",
                shown_side(&join, side)
            );
            remarks.push(Remark::on_expr(subject.rule, message, advice));
        }
    }
    remarks
}

fn shown_side(join: &Join<'_>, side: &str) -> String {
    shown(if side == "left" { &join.binary.lhs } else { &join.binary.rhs })
}

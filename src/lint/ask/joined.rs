//! Operators whose sides have series that never match.

use promql_parser::parser::{BinModifier, BinaryExpr, Expr, ParenExpr};

use super::answers::Answers;
use crate::lint::ast::{all, bare, compares, filters, is_scalar, shown, threshold};

/// A message for each operator of which both sides are there and nothing comes out.
pub async fn nothing(expr: &Expr, answers: &Answers<'_>) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for binary in all(expr).into_iter().filter_map(between_series) {
        let (left, right) = (without_filters(&binary.lhs), without_filters(&binary.rhs));
        let mut sides = Vec::new();
        for side in [&left, &right] {
            sides.push(answers.most(&format!("count({side})")).await?);
        }
        let [Some(of_left), Some(of_right)] = sides.as_slice() else { continue };
        let whole = Expr::Binary(BinaryExpr {
            op: binary.op,
            lhs: Box::new(left.clone()),
            rhs: Box::new(right.clone()),
            modifier: modifier(binary),
        });
        if answers.most(&format!("count({whole})")).await?.is_none() {
            found.push(format!(
                "`{}` has {of_left} series and `{}` has {of_right}, and none match",
                shown(&left),
                shown(&right)
            ));
        }
    }
    Ok(found)
}

fn between_series(expr: &Expr) -> Option<&BinaryExpr> {
    let Expr::Binary(binary) = expr else { return None };
    let is_between = !is_scalar(&binary.lhs) && !is_scalar(&binary.rhs);
    (is_between && !matches!(binary.op.to_string().as_str(), "or" | "unless")).then_some(binary)
}

/// A comparison gives 0 or 1 here, so that it is seen whether anything matches.
fn modifier(binary: &BinaryExpr) -> Option<BinModifier> {
    match compares(binary) {
        true => Some(BinModifier { return_bool: true, ..binary.modifier.clone().unwrap_or_default() }),
        false => binary.modifier.clone(),
    }
}

/// The expression as it is whatever its values are.
fn without_filters(expr: &Expr) -> Expr {
    match bare(expr) {
        Expr::Binary(binary) if filters(binary) && threshold(binary).is_some() => {
            threshold(binary).map_or_else(|| expr.clone(), |(left, ..)| without_filters(left))
        }
        Expr::Binary(binary) => {
            let (lhs, rhs) = (without_filters(&binary.lhs), without_filters(&binary.rhs));
            let whole =
                BinaryExpr { lhs: Box::new(lhs), rhs: Box::new(rhs), modifier: modifier(binary), ..binary.clone() };
            Expr::Paren(ParenExpr { expr: Box::new(Expr::Binary(whole)) })
        }
        other => other.clone(),
    }
}

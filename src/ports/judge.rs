//! What the runtime asks of a policy. Pure in effect: the same card gives the same verdict.

use crate::domain::{EffectCard, RunSpec, Verdict};

/// Judges effects before they start.
pub trait Judge: Send + Sync {
    /// The verdict on what a run wants to do, by the policy in force here and the one it was started under, whichever
    /// is stricter. Anything that cannot be evaluated is refused.
    fn judge(&self, spec: &RunSpec, card: &EffectCard) -> Verdict;
}

//! What the runtime asks of a policy. Pure in effect: the same card gives the same verdict.

use crate::domain::EffectCard;
use crate::domain::Verdict;

/// Judges effects before they start.
pub trait Judge: Send + Sync {
    /// The verdict on what `agent` wants to do. Anything the policy cannot evaluate is refused.
    fn judge(&self, agent: &str, card: &EffectCard) -> Verdict;
}

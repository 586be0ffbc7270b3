//! The policy, built when somebody first asks; the user's own files are checked before that.

use std::sync::OnceLock;

use crate::cli::Failure;
use crate::domain::EffectCard;
use crate::domain::Faults;
use crate::domain::SourceText;
use crate::domain::Verdict;
use crate::policy::Policy;
use crate::ports::Judge;

/// A policy that costs nothing until it is used.
pub(super) struct LazyJudge {
    files: Vec<SourceText>,
    policy: OnceLock<Result<Policy, Faults>>,
}

impl LazyJudge {
    /// With files of the user it is built at once: a mistake in them must be told before anything happens.
    pub(super) fn new(files: Vec<SourceText>) -> Result<Self, Failure> {
        let has_files = !files.is_empty();
        let judge = Self { files, policy: OnceLock::new() };
        if has_files && let Err(faults) = judge.policy() {
            return Err(Failure::from(faults.clone()));
        }
        Ok(judge)
    }

    /// The policy in force; building it takes milliseconds.
    pub(super) fn policy(&self) -> Result<&Policy, &Faults> {
        self.policy.get_or_init(|| Policy::with_user_files(self.files.clone())).as_ref()
    }

    /// How many of the files are the user's.
    pub(super) fn files(&self) -> &[SourceText] {
        &self.files
    }
}

impl Judge for LazyJudge {
    fn judge(&self, agent: &str, card: &EffectCard) -> Verdict {
        match self.policy() {
            Ok(policy) => policy.judge(agent, card),
            Err(faults) => Verdict::Refuse {
                rule: "policy-unusable".to_owned(),
                reason: format!("The policy cannot be used, so nothing runs: {faults}"),
            },
        }
    }
}

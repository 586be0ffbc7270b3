//! The policy, built when somebody first asks; the user's own files are checked before that.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::cli::Failure;
use crate::domain::{EffectCard, Faults, PolicyText, RunSpec, SourceText, Verdict};
use crate::policy::Policy;
use crate::ports::Judge;

/// Policies of runs kept built; most runs are started under the same one.
const KEPT: usize = 8;

type Built = Result<Policy, Faults>;

/// A policy that costs nothing until it is used.
pub(super) struct LazyJudge {
    files: Vec<SourceText>,
    policy: OnceLock<Built>,
    /// Policies that runs were started under elsewhere, the latest used last.
    of_runs: Mutex<Vec<(Vec<PolicyText>, Arc<Built>)>>,
}

impl LazyJudge {
    /// With files of the user it is built at once: a mistake in them must be told before anything happens.
    pub(super) fn new(files: Vec<SourceText>) -> Result<Self, Failure> {
        let has_files = !files.is_empty();
        let judge = Self { files, policy: OnceLock::new(), of_runs: Mutex::default() };
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

    fn is_ours(&self, policies: &[PolicyText]) -> bool {
        let same = |(run, ours): (&PolicyText, &SourceText)| *run.text == *ours.text;
        policies.len() == self.files.len() && policies.iter().zip(&self.files).all(same)
    }

    /// The policy that a run was started under, in a process that has another.
    fn of_run(&self, policies: &[PolicyText]) -> Arc<Built> {
        let mut kept = self.of_runs.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|(texts, _)| texts == policies).map(|at| kept.remove(at));
        let entry = found.unwrap_or_else(|| {
            let files = policies.iter().map(|file| SourceText::new(&*file.name, &*file.text)).collect();
            (policies.to_vec(), Arc::new(Policy::with_user_files(files)))
        });
        let built = entry.1.clone();
        kept.push(entry);
        if kept.len() > KEPT {
            kept.remove(0);
        }
        built
    }
}

impl Judge for LazyJudge {
    fn judge(&self, spec: &RunSpec, card: &EffectCard) -> Verdict {
        let here = verdict(self.policy(), &spec.agent, card);
        if self.is_ours(&spec.policies) {
            return here;
        }
        here.stricter(verdict(self.of_run(&spec.policies).as_ref().as_ref(), &spec.agent, card))
    }
}

fn verdict(policy: Result<&Policy, &Faults>, agent: &str, card: &EffectCard) -> Verdict {
    match policy {
        Ok(policy) => policy.judge(agent, card),
        Err(faults) => Verdict::Refuse {
            rule: "policy-unusable".to_owned(),
            reason: format!("The policy cannot be used, so nothing runs: {faults}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STRICT: &str = "@id(\"no-tests\")\n@reason(\"Not now.\")\nforbid(principal, action, resource);";

    fn card() -> EffectCard {
        serde_json::from_value(json!({
            "tool": "read_file", "class": "observe", "repeat": "repeatable", "verb": "read", "targets": ["a.txt"],
            "environment": "workspace", "risk": "low", "reversible": "nothing_to_undo",
            "payload": { "kind": "arguments", "args": {} }, "facts": {}, "confinement": ""
        }))
        .unwrap()
    }

    fn spec(policies: &[&str]) -> RunSpec {
        let policies: Vec<_> = policies.iter().map(|text| json!({ "name": "strict.cedar", "text": text })).collect();
        serde_json::from_value(json!({ "goal": "x", "agent": "dev", "tools": [], "policies": policies })).unwrap()
    }

    #[test]
    fn a_run_keeps_the_policy_it_was_started_under_wherever_it_goes_on() {
        let elsewhere = LazyJudge::new(Vec::new()).unwrap();
        assert!(matches!(elsewhere.judge(&spec(&[]), &card()), Verdict::Run { .. }));
        let verdict = elsewhere.judge(&spec(&[STRICT]), &card());
        assert!(matches!(&verdict, Verdict::Refuse { rule, .. } if rule == "no-tests"), "{verdict:?}");
        let broken = elsewhere.judge(&spec(&["nonsense"]), &card());
        assert!(matches!(&broken, Verdict::Refuse { rule, .. } if rule == "policy-unusable"), "{broken:?}");
    }

    #[test]
    fn a_policy_can_ask_about_all_that_an_alert_began() {
        let readme = include_str!("../../README.md");
        let rule = readme.split("```cedar\n").nth(1).unwrap().split("```").next().unwrap();
        let judge = LazyJudge::new(vec![SourceText::new("alerts.cedar", rule)]).unwrap();
        for (input, asks) in [("LABEL_instance", true), ("text", false)] {
            let spec = RunSpec { inputs: [(input.to_owned(), "x".into())].into(), ..spec(&[]) };
            let mut card = card();
            let verdict = crate::runtime::judged(&judge, &spec, &mut card);
            assert_eq!(matches!(verdict, Verdict::Ask { rule, .. } if rule == "alerts-ask"), asks);
            assert_eq!(card.facts.contains_key("from_alert"), asks);
        }
    }

    #[test]
    fn a_policy_that_was_tightened_holds_for_runs_started_before() {
        let tightened = LazyJudge::new(vec![SourceText::new("strict.cedar", STRICT)]).unwrap();
        assert!(matches!(tightened.judge(&spec(&[]), &card()), Verdict::Refuse { .. }));
    }
}

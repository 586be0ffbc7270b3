//! Tools that talk to a person or end the run. They change nothing, so their dry run is all there is.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::args;
use crate::domain::{
    EffectClass, FailureKind, FinishOutcome, Repeat, StepNo, StepState, ToolResult, ToolSpec, Untrusted,
};
use crate::ports::{Invocation, Prepared, Tool, ToolContext};

/// Most choices a question may offer: one for each digit key.
const MOST_CHOICES: usize = 9;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AskArgs {
    /// The question, with everything the person needs to answer it.
    question: String,
    /// Answers to choose from, at most nine; leave out for a free answer.
    choices: Option<Vec<String>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FinishArgs {
    /// What was done and found, in a few sentences for the person.
    summary: String,
    /// Whether the goal was reached.
    outcome: Outcome,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Succeeded,
    Failed,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SeverityArgs {
    /// critical: people cannot do what they came for, or data is being lost; warning: it will get there, or costs them time;
    /// info: nobody notices.
    severity: Severity,
    /// One sentence: who is affected, and how.
    reason: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Severity {
    Critical,
    Warning,
    Info,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MarkArgs {
    /// Number of the step in the plan, from 1.
    #[schemars(range(min = 1))]
    step: u32,
    /// What the step has come to.
    state: Mark,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mark {
    Running,
    Done,
    Failed,
    Skipped,
}

macro_rules! converse_tool {
    ($(#[$doc:meta])* $tool:ident, $args:ident, $name:literal, $description:literal, $prepare:expr) => {
        $(#[$doc])*
        pub struct $tool {
            spec: ToolSpec,
        }

        impl Default for $tool {
            fn default() -> Self {
                Self { spec: args::spec::<$args>($name, EffectClass::Converse, Repeat::Repeatable, $description) }
            }
        }

        #[async_trait]
        impl Tool for $tool {
            fn spec(&self) -> &ToolSpec {
                &self.spec
            }

            async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
                let prepare: fn(&ToolSpec, $args) -> Result<Prepared, ToolResult> = $prepare;
                let prepared = prepare(&self.spec, args::parse::<$args>(&self.spec, args)?)?;
                Ok(with_notice(prepared, context).await)
            }

            async fn perform(&self, _invocation: Invocation<'_>) -> ToolResult {
                // The dry run never yields a card, so there is nothing that could be performed.
                ToolResult::failure(FailureKind::BadCall, concat!($name, " has no effect to perform"))
            }
        }
    };
}

/// Below what the agent says at the end of its run stands what it may not have said.
async fn with_notice(prepared: Prepared, context: &ToolContext) -> Prepared {
    let (Prepared::Finish { summary, outcome }, Some(workspace)) = (&prepared, &context.workspace) else {
        return prepared;
    };
    match super::git::obeyed_since_start(workspace).await {
        Some(notice) => {
            let summary = Untrusted::new(format!("{}\n\nNote by morningai: {notice}", summary.raw().trim_end()));
            Prepared::Finish { summary, outcome: *outcome }
        }
        None => prepared,
    }
}

converse_tool! {
    /// Asks the person a question and waits for the answer.
    AskPerson, AskArgs, "ask_person",
    "Asks the person in charge a question and waits for the answer. Use it when a decision is theirs to make.",
    |spec, args| {
        let choices = args.choices.unwrap_or_default();
        if args.question.trim().is_empty() {
            return Err(args::bad_call(spec, "\"question\" is empty"));
        }
        if choices.len() > MOST_CHOICES {
            let problem = format!("{} choices given, at most {MOST_CHOICES} can be offered", choices.len());
            return Err(args::bad_call(spec, &problem));
        }
        if choices.iter().any(|choice| choice.trim().is_empty()) {
            return Err(args::bad_call(spec, "a choice is empty"));
        }
        let choices = choices.into_iter().map(Untrusted::new).collect();
        Ok(Prepared::Question { text: Untrusted::new(args.question), choices })
    }
}

converse_tool! {
    /// Ends the run.
    Finish, FinishArgs, "finish",
    "Ends the run. Call it once, when the goal is reached or cannot be reached, with a summary for the person.",
    |_, args| {
        let outcome = match args.outcome {
            Outcome::Succeeded => FinishOutcome::Succeeded,
            Outcome::Failed => FinishOutcome::Failed,
        };
        Ok(Prepared::Finish { summary: Untrusted::new(args.summary), outcome })
    }
}

converse_tool! {
    /// Says how bad an incident is, which ends the run.
    SetSeverity, SeverityArgs, "set_severity",
    "Says how bad the incident is, and why. Call it once; it ends the run.",
    |spec, args| {
        let severity = match args.severity {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        if args.reason.trim().is_empty() {
            return Err(args::bad_call(spec, "\"reason\" is empty"));
        }
        let summary = Untrusted::new(format!("{severity}: {}", args.reason.trim()));
        Ok(Prepared::Finish { summary, outcome: FinishOutcome::Succeeded })
    }
}

converse_tool! {
    /// Marks a step of the plan.
    MarkStep, MarkArgs, "mark_step",
    "Marks a step of the plan as running, done, failed or skipped, so that the person sees how far you are.",
    |_, args| {
        let state = match args.state {
            Mark::Running => StepState::Running,
            Mark::Done => StepState::Done,
            Mark::Failed => StepState::Failed,
            Mark::Skipped => StepState::Skipped,
        };
        Ok(Prepared::Mark { step: StepNo(args.step), state })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::domain::RunId;
    use crate::ports::Caller;

    async fn prepare(tool: &dyn Tool, args: Value) -> Result<Prepared, ToolResult> {
        let context = ToolContext {
            run: RunId(Uuid::nil()),
            agent: "dev".to_owned(),
            caller: Caller::Agent,
            workspace: None,
            inputs: Default::default(),
        };
        tool.prepare(&context, &args).await
    }

    #[tokio::test]
    async fn a_question_carries_its_choices() {
        let asked = prepare(&AskPerson::default(), json!({"question": "Which?", "choices": ["a", "b"]})).await;
        let choices = vec![Untrusted::from("a"), Untrusted::from("b")];
        assert_eq!(asked.unwrap(), Prepared::Question { text: Untrusted::from("Which?"), choices });
    }

    #[tokio::test]
    async fn empty_questions_and_too_many_choices_are_bad_calls() {
        let ask = AskPerson::default();
        for args in [
            json!({"question": " "}),
            json!({"question": "?", "choices": vec!["x"; 10]}),
            json!({"question": "?", "choices": [""]}),
            json!({"question": "?", "choices": "yes"}),
        ] {
            assert_eq!(prepare(&ask, args).await.unwrap_err().failure, Some(FailureKind::BadCall));
        }
    }

    #[tokio::test]
    async fn a_severity_ends_the_run_with_its_reason() {
        let said =
            prepare(&SetSeverity::default(), json!({"severity": "critical", "reason": " Nobody can pay. "})).await;
        let expected =
            Prepared::Finish { summary: "critical: Nobody can pay.".into(), outcome: FinishOutcome::Succeeded };
        assert_eq!(said.unwrap(), expected);
        for args in [json!({"severity": "info", "reason": " "}), json!({"severity": "P1", "reason": "x"})] {
            let refused = prepare(&SetSeverity::default(), args).await.unwrap_err();
            assert_eq!(refused.failure, Some(FailureKind::BadCall));
        }
    }

    #[tokio::test]
    async fn finishing_and_marking_say_what_they_mean() {
        let finished = prepare(&Finish::default(), json!({"summary": "Done.", "outcome": "failed"})).await;
        let expected = Prepared::Finish { summary: Untrusted::from("Done."), outcome: FinishOutcome::Failed };
        assert_eq!(finished.unwrap(), expected);
        let marked = prepare(&MarkStep::default(), json!({"step": 2, "state": "skipped"})).await;
        assert_eq!(marked.unwrap(), Prepared::Mark { step: StepNo(2), state: StepState::Skipped });
        assert!(prepare(&MarkStep::default(), json!({"step": 0, "state": "done"})).await.is_err());
    }
}

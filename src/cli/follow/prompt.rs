//! Asking the person at this terminal: what was typed, and what it means. An empty line decides nothing.

use std::io::BufRead;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::domain::{Ask, Risk, Settlement, Untrusted};
use crate::kinds::{Approval, ApprovalVerb, Command};

/// A card must have been on the screen this long before anything typed counts as a decision on it.
const AT_LEAST: Duration = Duration::from_millis(500);

/// Lines typed at the terminal.
#[derive(Default)]
pub struct Prompt {
    lines: Option<mpsc::UnboundedReceiver<String>>,
    shown: Option<Instant>,
}

/// What a typed line means for the request that is shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    Decide(Box<Command>),
    ShowAgain,
    /// Somebody else decides, later.
    Leave,
    Unclear(String),
}

impl Prompt {
    /// The request is on the screen now. What was typed before it was there is thrown away.
    pub fn shown(&mut self) {
        let lines = self.lines.get_or_insert_with(read_lines);
        // A terminal that cannot be flushed still has the pause below.
        let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
        while lines.try_recv().is_ok() {}
        self.shown = Some(Instant::now());
    }

    /// The next line that counts; `None` once the input is closed.
    pub async fn line(&mut self) -> Option<String> {
        let lines = self.lines.as_mut()?;
        loop {
            let line = lines.recv().await?;
            if self.shown.is_none_or(|shown| shown.elapsed() >= AT_LEAST) {
                return Some(line);
            }
        }
    }
}

/// Reads in a thread of its own, for a terminal cannot be read without blocking. The thread ends with the program.
fn read_lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// What may be typed.
pub fn choices(approval: &Approval) -> String {
    let digest = approval.digest.shown();
    match &approval.ask {
        Ask::Effect { card } if card.risk == Risk::Critical => {
            let name = card.name_to_type();
            format!("[{digest}] type {name} to approve, n deny, r REASON, v view, q leave: ")
        }
        Ask::Effect { .. } => format!("[{digest}] y approve, n deny, r REASON, v view, q leave: "),
        Ask::Question { choices, .. } if !choices.is_empty() => {
            format!("your answer (or 1-{} to choose; :n declines, :q leaves): ", choices.len())
        }
        Ask::Question { .. } => "your answer (:n declines, :q leaves): ".to_owned(),
        Ask::InDoubt { .. } => format!("[{digest}] h it happened, t try again, g give up, v view, q leave: "),
    }
}

/// What a line means.
pub fn understand(approval: &Approval, line: &str) -> Said {
    let line = line.trim();
    match &approval.ask {
        Ask::Question { choices, .. } => understand_answer(approval, choices, line),
        Ask::Effect { card } => match (line, card.risk) {
            ("y" | "yes", Risk::Critical) => Said::Unclear("this is critical: type the target's name".to_owned()),
            ("y" | "yes", _) => approve(approval),
            (typed, Risk::Critical) if typed == card.name_to_type() => approve(approval),
            ("n" | "no", _) => deny(approval, ""),
            (typed, _) => understand_common(approval, typed),
        },
        Ask::InDoubt { .. } => {
            let settle =
                |settlement| decided(ApprovalVerb::Settle { settlement, note: Untrusted::default() }.on(approval.id));
            match line {
                "h" | "happened" => settle(Settlement::Happened),
                "t" | "retry" => settle(Settlement::Retry),
                "g" | "give-up" => settle(Settlement::GiveUp),
                "v" => Said::ShowAgain,
                "q" => Said::Leave,
                _ => Said::Unclear("h, t, g, v or q".to_owned()),
            }
        }
    }
}

fn understand_common(approval: &Approval, line: &str) -> Said {
    match line.split_once(char::is_whitespace) {
        Some(("r", reason)) if !reason.trim().is_empty() => deny(approval, reason.trim()),
        None if line == "r" => Said::Unclear("write the reason after r".to_owned()),
        None if line == "v" => Said::ShowAgain,
        None if line == "q" => Said::Leave,
        _ => Said::Unclear("nothing is decided yet".to_owned()),
    }
}

fn understand_answer(approval: &Approval, choices: &[Untrusted], line: &str) -> Said {
    let answer = |text: Untrusted| decided(ApprovalVerb::Answer { text }.on(approval.id));
    let chosen = line.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
    match (line, chosen) {
        ("", _) => Said::Unclear("an answer needs words".to_owned()),
        (":n", _) => deny(approval, ""),
        (":q", _) => Said::Leave,
        (_, Some(choice)) => answer(choice.clone()),
        (words, None) => answer(words.into()),
    }
}

fn decided(command: Command) -> Said {
    Said::Decide(Box::new(command))
}

fn approve(approval: &Approval) -> Said {
    decided(ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(approval.id))
}

fn deny(approval: &Approval, reason: &str) -> Said {
    decided(ApprovalVerb::Deny { reason: reason.into() }.on(approval.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample;

    #[test]
    fn enter_decides_nothing() {
        for approval in [sample::push(), sample::question()] {
            for line in ["", "  ", "\t"] {
                assert!(matches!(understand(&approval, line), Said::Unclear(_)), "{line:?}");
            }
        }
    }

    #[test]
    fn an_approval_names_the_whole_digest() {
        let approval = sample::push();
        let expected = ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(approval.id);
        assert_eq!(understand(&approval, " y "), decided(expected));
        let denied = ApprovalVerb::Deny { reason: "not on Friday".into() }.on(approval.id);
        assert_eq!(understand(&approval, "r not on Friday"), decided(denied));
        assert!(matches!(understand(&approval, "yy"), Said::Unclear(_)));
        assert_eq!(understand(&approval, "q"), Said::Leave);
        assert!(choices(&approval).contains(approval.digest.shown()));
    }

    #[test]
    fn what_is_critical_takes_the_name_of_its_target() {
        let mut approval = sample::push();
        let Ask::Effect { card } = &mut approval.ask else { unreachable!() };
        card.risk = Risk::Critical;
        assert!(matches!(understand(&approval, "y"), Said::Unclear(_)));
        let typed = understand(&approval, "origin/fix-parser");
        let Said::Decide(command) = typed else { panic!("{typed:?}") };
        assert!(matches!(*command, Command::Approval { verb: ApprovalVerb::Approve { .. }, .. }));
    }

    #[test]
    fn a_question_takes_words_or_the_number_of_a_choice() {
        let approval = sample::question();
        let answer = |text: &str| decided(ApprovalVerb::Answer { text: text.into() }.on(approval.id));
        assert_eq!(understand(&approval, "2"), answer("next"));
        assert_eq!(understand(&approval, "3"), answer("3"));
        assert_eq!(understand(&approval, "the old one"), answer("the old one"));
    }
}

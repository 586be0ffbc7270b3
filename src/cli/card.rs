//! A request as plain text, complete: what `approvals show` prints and what a follower shows before it asks.

use std::borrow::Cow;

use serde_json::Value;

use crate::domain::{Ask, EffectCard, Environment, Payload, Reversibility, Untrusted};
use crate::kinds::Approval;

/// Every line of the request, with nothing a terminal would obey.
pub fn text(approval: &Approval) -> String {
    let mut page = Page::default();
    page.line(format!("approval {}  {}", approval.id, approval.state));
    match &approval.ask {
        Ask::Question { text, choices, budget: _ } => {
            page.heading("question");
            page.block(text);
            for choice in choices {
                page.line(format!("  - {}", choice.visible()));
            }
        }
        Ask::Effect { card } => page.card(card),
        Ask::InDoubt { card, attempt } => {
            page.line(format!("IN DOUBT: attempt {attempt} was started and its outcome was not recorded"));
            page.card(card);
        }
    }
    page.asking(approval);
    if let Some(card) = approval.ask.card() {
        page.payload(&card.payload);
        page.edit(approval);
        page.change(card);
        page.surprises(&approval.not_mentioned);
        page.facts(card);
    }
    if !approval.rationale.is_empty() {
        page.heading(&format!("{} says (the agent's own words)", visible(approval.requested_by.name())));
        page.block(&approval.rationale);
    }
    // It comes last, so that nothing can be approved by it that was not printed before.
    if !matches!(approval.ask, Ask::Question { .. }) {
        page.field("digest", approval.digest.shown());
    }
    page.text
}

/// One line: what would happen, to what.
pub fn headline(approval: &Approval) -> String {
    match &approval.ask {
        Ask::Question { text, .. } => format!("asks: {}", text.visible()),
        Ask::Effect { card } => action(card),
        Ask::InDoubt { card, .. } => format!("in doubt: {}", action(card)),
    }
}

/// Verb and targets of a card on one line.
pub fn action(card: &EffectCard) -> String {
    let targets: Vec<_> = card.targets.iter().map(|target| marked(target, target.quoted())).collect();
    format!("{} {}", visible(&card.verb), targets.join(", ")).trim_end().to_owned()
}

/// `run ID, call 3`
fn place(approval: &Approval) -> String {
    match approval.ask.budget() {
        Some(_) => format!("run {}", approval.run),
        None => format!("run {}, call {}", approval.run, approval.call),
    }
}

/// A name, with a mark when it looks like another one.
fn mark(text: &Untrusted) -> String {
    marked(text, text.visible())
}

fn marked(text: &Untrusted, shown: Cow<'_, str>) -> String {
    if text.has_mixed_scripts() { format!("{shown}⟨mixed scripts⟩") } else { shown.into_owned() }
}

fn visible(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref().trim_end());
        self.text.push('\n');
    }

    fn field(&mut self, name: &str, value: impl AsRef<str>) {
        self.line(format!("  {name:<12} {}", value.as_ref()));
    }

    fn heading(&mut self, heading: &str) {
        self.line(format!("  {heading}:"));
    }

    fn block(&mut self, text: &Untrusted) {
        for line in text.visible_lines() {
            self.line(format!("    {line}"));
        }
    }

    fn card(&mut self, card: &EffectCard) {
        if card.environment == Environment::Production {
            self.line("*** PRODUCTION ***");
        }
        self.line(action(card));
        self.field("environment", card.environment.name());
        self.field("risk", card.risk.name());
        let undo = match &card.reversible {
            Reversibility::NothingToUndo => "yes: nothing changes".to_owned(),
            Reversibility::Undo(how) => format!("yes: {}", how.visible()),
            Reversibility::Irreversible => "NO".to_owned(),
            Reversibility::Unknown => "unknown; treat it as NO".to_owned(),
        };
        self.field("reversible", undo);
        self.field(
            "touches",
            format!("{} target{}", card.targets.len(), if card.targets.len() == 1 { "" } else { "s" }),
        );
        if !card.confinement.is_empty() {
            self.field("confined by", visible(&card.confinement));
        }
        card.notices().for_each(|notice| self.field("NOTE", notice.visible()));
    }

    fn asking(&mut self, approval: &Approval) {
        if !approval.rule.is_empty() {
            self.field("rule", format!("{}: {}", visible(&approval.rule), visible(&approval.reason)));
        }
        self.field("asked by", format!("{} ({})", approval.requested_by, place(approval)));
        self.field("asked at", super::time::shown(approval.requested_at));
        if let Some(expires) = approval.expires_at {
            self.field("expires", super::time::shown(expires));
        }
        if let (Some(by), Some(at)) = (&approval.decided_by, approval.decided_at) {
            self.field(
                "decided",
                format!("{} by {} at {}", approval.state, visible(by.name()), super::time::shown(at)),
            );
        }
        if !approval.words.is_empty() {
            self.field("words", approval.words.visible());
        }
    }

    fn payload(&mut self, payload: &Payload) {
        self.heading("exactly this");
        match payload {
            Payload::Exec { argv, cwd, env } => {
                for (index, argument) in argv.iter().enumerate() {
                    self.line(format!("    argv[{index}] {}", mark(argument)));
                }
                self.line(format!("    in {}", mark(cwd)));
                for name in env {
                    self.line(format!("    env {}", mark(name)));
                }
            }
            Payload::Patch { path, before, diff } => {
                let file = if before.is_empty() { "new file" } else { "file" };
                self.line(format!("    {file} {}", mark(path)));
                self.block(diff);
            }
            Payload::Delete { paths } => {
                for path in paths {
                    self.line(format!("    delete {}", mark(path)));
                }
            }
            Payload::Arguments { args } => self.json(args),
        }
    }

    fn edit(&mut self, approval: &Approval) {
        if let Some(edit) = &approval.edit {
            self.heading(&format!("changed by {} from what the agent asked", visible(edit.by.name())));
            self.block(&edit.difference());
        }
    }

    fn change(&mut self, card: &EffectCard) {
        if let Some(change) = &card.change {
            self.heading("the change");
            self.block(change);
        }
    }

    fn surprises(&mut self, files: &[Untrusted]) {
        for file in files {
            self.field("NOTE", format!("{} is not mentioned by the agent", marked(file, file.quoted())));
        }
    }

    fn json(&mut self, value: &Value) {
        let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
        self.block(&text.into());
    }

    fn facts(&mut self, card: &EffectCard) {
        for (name, value) in &card.facts {
            self.field("fact", format!("{} = {}", visible(name), visible(&value.to_string())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_card_shows_what_runs_and_says_whose_words_are_whose() {
        let text = text(&sample::push());
        let wanted = [
            "push origin/fix-parser\n",
            "  environment  remote\n",
            "  reversible   yes: git push origin --delete fix-parser\n",
            "    argv[1] push\n",
            "    in /w/␛[2J\n",
            "  rule         push-asks: it leaves this machine\n",
            "  the change:\n    -old\n    +new␛[2J\n",
            "  fact         force = false\n",
            "dev says (the agent's own words):\n    tests pass\n",
        ];
        for line in wanted {
            assert!(text.contains(line), "{line:?} is not in\n{text}");
        }
        assert!(!text.contains('\u{1b}') && text.contains(sample::push().digest.shown()));
    }

    #[test]
    fn the_digest_comes_last_and_the_listing_tells_no_digest() {
        let approval = sample::push();
        let text = text(&approval);
        let (before, after) = text.split_once(approval.digest.shown()).unwrap();
        assert!(before.contains("+new␛[2J\n") && before.contains("tests pass\n"), "{text}");
        assert_eq!(after.trim(), "");
        assert!(!headline(&approval).contains(approval.digest.shown()));
    }

    #[test]
    fn several_targets_are_not_taken_for_one() {
        let with = |targets: &[&str]| {
            let targets = targets.iter().map(|target| (*target).into()).collect();
            action(&EffectCard { targets, ..sample::push_card() })
        };
        assert_eq!(with(&["a", "b c"]), "push a, 'b c'");
        assert_eq!(with(&["a', 'b"]), "push 'a'', ''b'");
        assert_ne!(with(&["a, b"]), with(&["a", "b"]));
    }

    proptest::proptest! {
        #[test]
        fn two_requests_never_print_the_same((a, b) in crate::domain::nasty_text::pair(), place in 0..6_usize) {
            let printed = |text: &str| {
                let mut approval = sample::push();
                let Ask::Effect { card } = &mut approval.ask else { unreachable!() };
                let paths = vec!["a".into(), text.into()];
                match place {
                    0 => card.targets = vec![text.into()],
                    1 => card.payload = Payload::Exec { argv: paths, cwd: "/".into(), env: Vec::new() },
                    2 => card.payload = Payload::Delete { paths },
                    3 => card.payload = Payload::Arguments { args: serde_json::json!({ "a": text }) },
                    4 => card.change = Some(text.into()),
                    _ => _ = card.facts.insert("branch".to_owned(), text.into()),
                }
                crate::domain::nasty_text::seen(&self::text(&approval))
            };
            proptest::prop_assert_ne!(printed(&a), printed(&b));
        }
    }

    #[test]
    fn a_question_has_its_choices_and_no_digest() {
        let text = text(&sample::question());
        assert!(text.contains("    Which branch?\n  - main\n  - next\n") && !text.contains("digest"), "{text}");
    }
}

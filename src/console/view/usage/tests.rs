//! The page in the sizes and states that people meet.

use super::*;
use crate::console::keymap::Keymap;
use crate::console::state::Size;
use crate::console::view::fixtures::{Story, ana, picture, reply, run_id, spec, turn};
use crate::domain::{Actor, Budgets, ConfiguredBudget, OnceUsedUp, PurposeOfTurn, Usd};
use crate::kinds::{RunEvent, UsageBy};

fn bo() -> Actor {
    Actor::Person("bo".to_owned())
}

/// Forty days of two agents, two people and two models.
fn month() -> Story {
    let mut story = Story::new();
    story.run(run_id(1), &ana(), RunEvent::Started { spec: Box::new(spec("watch the parser", "dev")) });
    story.run(run_id(2), &bo(), RunEvent::Started { spec: Box::new(spec("grow \u{1b}[2J the list", "growth")) });
    for day in 0..40_u32 {
        for run in [1, 2] {
            let cost = i64::from(day * 7 % 11 * run) * 40_000_000;
            let mut answer = reply("", (day != 33 || run != 2).then_some(cost));
            answer.model = if day % 2 == 0 { "openai/large" } else { "local/tiny" }.to_owned();
            turn(&mut story, run_id(run), day + 1, PurposeOfTurn::Act, answer);
        }
        story.wait(24 * 3_600_000);
    }
    story
}

fn page(story: &Story, by: UsageBy, (width, height): (u16, u16)) -> String {
    let keymap = Keymap::builtin().unwrap();
    let context = UsageContext {
        snapshot: &story.snapshot,
        by,
        within: None,
        keymap: &keymap,
        now: story.now(),
        size: Size { width, height },
    };
    let rows: Vec<_> = heading(&context).into_iter().chain(rows(&context)).collect();
    picture(&rows, width.into())
}

#[test]
fn the_page_by_each_side() {
    let story = month();
    for by in [UsageBy::Agent, UsageBy::Model, UsageBy::Person, UsageBy::Run] {
        insta::assert_snapshot!(format!("by_{}_80x24", by.name()), page(&story, by, (80, 24)));
    }
    insta::assert_snapshot!("by_agent_200x50", page(&story, UsageBy::Agent, (200, 50)));
    insta::assert_snapshot!("by_run_60x15", page(&story, UsageBy::Run, (60, 15)));
}

#[test]
fn the_page_before_anything_was_spent() {
    insta::assert_snapshot!("empty_80x24", page(&Story::new(), UsageBy::Agent, (80, 24)));
    let mut story = Story::new();
    story.run(run_id(1), &ana(), RunEvent::Started { spec: Box::new(spec("a goal", "dev")) });
    assert_eq!(page(&story, UsageBy::Agent, (80, 24)), page(&Story::new(), UsageBy::Agent, (80, 24)));
}

#[test]
fn unknown_prices_are_said_to_be_unknown() {
    let mut story = Story::new();
    story.run(run_id(1), &ana(), RunEvent::Started { spec: Box::new(spec("a goal", "dev")) });
    turn(&mut story, run_id(1), 1, PurposeOfTurn::Act, reply("", None));
    insta::assert_snapshot!("unpriced_80x24", page(&story, UsageBy::Agent, (80, 24)));
}

#[test]
fn budgets_of_agents_and_people_stand_as_gauges_with_whose_they_are() {
    let mut story = Story::new();
    let mut spec = spec("a goal", "dev");
    let day = |nanos| ConfiguredBudget { day: Some(Usd(nanos)), ..ConfiguredBudget::default() };
    let soft = ConfiguredBudget { once_used_up: OnceUsedUp::Warn, ..day(10_000_000_000) };
    spec.limits.budgets = Budgets {
        all: day(40_000_000_000),
        agents: [("dev".to_owned(), day(20_000_000_000))].into(),
        people: [("ana".to_owned(), soft)].into(),
    };
    story.run(run_id(1), &ana(), RunEvent::Started { spec: Box::new(spec) });
    turn(&mut story, run_id(1), 1, PurposeOfTurn::Act, reply("", Some(17_000_000_000)));
    turn(&mut story, run_id(1), 2, PurposeOfTurn::Act, reply("", None));
    insta::assert_snapshot!("budgets_80x24", page(&story, UsageBy::Agent, (80, 24)));
}

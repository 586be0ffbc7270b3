//! What goes wrong by itself: said first, rung once, counted, and gone when it is over.

use super::Harness;
use crate::console::app::Bell;
use crate::console::view::fixtures::*;
use crate::domain::{
    Actor, BudgetId, BudgetPeriod, BudgetScope, Budgets, ConfiguredBudget, LimitKind, Limits, ModelFailure,
    ModelFailureKind, ModelReply, OnceUsedUp, PurposeOfTurn, RunSpec, Usd,
};
use crate::kinds::{BudgetEvent, Event, RunEvent, Stream};
use crate::ports::FeedItem;

fn bells(console: &mut Harness) -> usize {
    console.app.surface_mut().bytes.iter().filter(|bytes| **bytes == [0x07]).count()
}

fn reply_costing(dollars: i64) -> ModelReply {
    reply("thinking", Some(dollars * 1_000_000_000))
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_is_said_and_counted_and_over_when_it_is_quick() {
    let mut console = Harness::new(one_run(), 80, 24).await;
    for _ in 0..3 {
        console.fake.say(FeedItem::StoreSlow { milliseconds: 1_250 });
    }
    console.settle().await;
    assert!(console.sees("▲ the store is slow: saving takes 1.2 s"), "{}", console.screen());
    assert!(console.sees("3× in") && console.sees("1 Now ●1"), "{}", console.screen());
    assert_eq!(bells(&mut console), 1);
    console.fake.say(FeedItem::StoreQuick);
    console.settle().await;
    assert!(!console.sees("slow") && !console.sees("1 Now ●"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_console_whose_bell_is_off_says_it_and_rings_not() {
    let mut console = Harness::new(one_run(), 80, 24).await;
    console.app.options.bell = Bell::Silent;
    console.fake.say(FeedItem::StoreSlow { milliseconds: 1_250 });
    console.settle().await;
    assert!(console.sees("▲ the store is slow"), "{}", console.screen());
    assert_eq!(bells(&mut console), 0);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_rings_once_and_stands_in_the_header() {
    let mut console = Harness::new(one_run(), 80, 24).await;
    for attempt in 1..=3 {
        console.fake.tell(|story| {
            let message = "local refuses connections".into();
            let failure = ModelFailure { kind: ModelFailureKind::Unreachable, message, hint: String::new() };
            story.run(run_id(1), &Actor::System, RunEvent::TurnFailed { turn: 2, attempt, failure });
        });
    }
    console.settle().await;
    assert!(console.sees("local/tiny ✗"), "{}", console.screen());
    assert_eq!(bells(&mut console), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_by_itself_rings_and_one_that_a_person_paused_does_not() {
    let mut console = Harness::new(one_run(), 80, 24).await;
    let pause = |console: &Harness, by: Actor| {
        let reason = "the budget is spent".to_owned();
        console.fake.tell(|story| {
            story.run(run_id(1), &by, RunEvent::Paused { reason, over: None });
        });
    };
    pause(&console, ana());
    console.settle().await;
    assert_eq!(bells(&mut console), 0);
    console.fake.tell(|story| {
        story.run(run_id(1), &ana(), RunEvent::Resumed {});
    });
    pause(&console, Actor::System);
    console.settle().await;
    assert_eq!(bells(&mut console), 1);
    assert!(console.sees("paused") && console.sees("the budget is spent"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_nears_its_cost_limit_rings_once_and_is_shown_until_it_has_more_or_ends() {
    let mut console = Harness::new(one_run(), 120, 24).await;
    let answer = |console: &Harness, turn: u32, dollars: i64| {
        console.fake.tell(|story| {
            let purpose = PurposeOfTurn::Act;
            story.run(run_id(1), &Actor::System, RunEvent::TurnStarted { turn, attempt: 1, purpose });
            story.run(run_id(1), &dev(), RunEvent::TurnFinished { turn, attempt: 1, reply: reply_costing(dollars) });
        });
    };
    answer(&console, 2, 3);
    console.settle().await;
    assert!(!console.sees("spent (") && bells(&mut console) == 0, "{}", console.screen());
    answer(&console, 3, 1);
    answer(&console, 4, 0);
    console.settle().await;
    assert!(console.sees("budget") && console.sees("of $5.00 spent ("), "{}", console.screen());
    assert!(console.sees("1 Now ●1"), "{}", console.screen());
    assert_eq!(bells(&mut console), 1);
    console.fake.tell(|story| {
        let run = run_id(1);
        story.run(run, &Actor::System, RunEvent::TurnFinished { turn: 5, attempt: 1, reply: reply_costing(1) });
        story.run(run, &Actor::System, RunEvent::LimitReached { limit: LimitKind::Cost });
        story.run(run, &ana(), RunEvent::Resumed {});
    });
    console.settle().await;
    assert!(!console.sees("spent (") && !console.sees("1 Now ●"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_budget_of_all_runs_rings_at_four_fifths_and_at_its_end() {
    let mut story = Story::new();
    let all = ConfiguredBudget { day: Some(Usd(10_000_000_000)), month: None, once_used_up: OnceUsedUp::Pause };
    let budgets = Budgets { all, ..Budgets::default() };
    let spec =
        RunSpec { limits: Limits { budgets, cost: Usd(i64::MAX), ..Limits::default() }, ..spec("mend it", "dev") };
    story.run(run_id(1), &ana(), RunEvent::Started { spec: Box::new(spec) });
    let mut console = Harness::new(story, 120, 24).await;
    for (cost, rung, says) in [(7, 0, "$7.00 of $10.00 today"), (1, 1, "is spent (80 %)"), (1, 1, "is spent (90 %)")] {
        console.fake.tell(|story| turn(story, run_id(1), 1, PurposeOfTurn::Act, reply_costing(cost)));
        console.settle().await;
        assert!(console.sees(says), "{}", console.screen());
        assert_eq!(bells(&mut console), rung);
    }
    console.press("6").await;
    insta::assert_snapshot!("budget_usage_120x24", console.screen());
    console.fake.tell(|story| turn(story, run_id(1), 2, PurposeOfTurn::Act, reply_costing(2)));
    console.press("1").await;
    assert!(
        console.sees("▲ $11.00 of the $10.00 budget for today is spent (110 %); agents pause"),
        "{}",
        console.screen()
    );
    assert!(console.sees("1 Now ●"), "{}", console.screen());
    assert_eq!(bells(&mut console), 2);
    for (dollars, rung, says) in
        [(100, 2, "$11.00 of $100.00 today"), (13, 3, "$13.00 budget for today is spent (84 %)")]
    {
        console.fake.tell(|story| set_budget(story, Usd(dollars * 1_000_000_000)));
        console.settle().await;
        assert!(console.sees(says), "{}", console.screen());
        assert_eq!(bells(&mut console), rung, "{says}");
    }
}

fn set_budget(story: &mut Story, amount: Usd) {
    let (scope, period, once_used_up) = (BudgetScope::All, BudgetPeriod::Day, OnceUsedUp::Pause);
    let id = BudgetId::of(&scope, period);
    let event = BudgetEvent::Set { scope, period, amount, once_used_up };
    story.append(Stream::Budget(id), &ana(), Event::Budget(event));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_confines_programs_that_needs_somebody() {
    let mut console = Harness::new(one_run(), 100, 24).await;
    console.fake.status.lock().unwrap().sandbox = "none".to_owned();
    console.press("2 1").await;
    assert!(console.sees("▲ no sandbox works here") && console.sees("1 Now ●1"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_fell_needs_somebody_until_it_works_again() {
    let mut console = Harness::new(one_run(), 100, 24).await;
    let learn = |console: &Harness, rung: &str, before: &str| {
        let mut status = console.fake.status.lock().unwrap();
        (status.sandbox, status.sandbox_before) = (rung.to_owned(), before.to_owned());
    };
    learn(&console, "landlock+seccomp", "bubblewrap");
    console.press("2 1").await;
    assert!(console.sees("▲ the sandbox fell from bubblewrap to landlock+seccomp"), "{}", console.screen());
    assert!(console.sees("sandbox landlock+seccomp ✗") && console.sees("1 Now ●1"), "{}", console.screen());
    learn(&console, "bubblewrap", "");
    console.press("2 1").await;
    assert!(!console.sees("fell from") && !console.sees("1 Now ●"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn the_header_says_who_sits_here_and_who_else_looks_at_the_same_thing() {
    let mut console = Harness::new(night(), 100, 30).await;
    {
        let mut status = console.fake.status.lock().unwrap();
        (status.role, status.others) = ("operator".to_owned(), 2);
    }
    console.press("2 w").await;
    assert!(console.sees("ana·operator +2 here"), "{}", console.screen());
    let card = console.state().review().unwrap().approval;
    let places = console.fake.looked_at.lock().unwrap().clone();
    assert_eq!(places, ["now".to_owned(), "runs".to_owned(), format!("approval:{card}")]);
}

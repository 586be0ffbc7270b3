//! Incidents: listed with the worst first, told on the overview, rung for, opened, and taken up by keys.

use super::harness::Harness;
use crate::console::view::fixtures::{Story, ana, night};
use crate::domain::{Actor, CallNo, IncidentId, RunId, RunState, ToolCall, ToolName};
use crate::kinds::{Alert, Command, Event, GroupKey, IncidentEvent, IncidentVerb, Labels, RunEvent, Stream};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::bounded(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

pub(super) fn id(name: &str) -> IncidentId {
    GroupKey::of([name]).incident("2026-11-24T03:00:00Z".parse().unwrap())
}

/// An incident of this name with so many alerts that fire, the first of which says `summary`.
pub(super) fn opened(story: &Story, name: &str, severity: &str, summary: &str, alerts: u32) -> Vec<IncidentEvent> {
    let shared = labels(&[("alertname", name), ("severity", severity), ("env", "prod")]);
    let alert = |number: u32| {
        let instance = format!("db{number}.example:9100");
        let own = labels(&[("alertname", name), ("severity", severity), ("env", "prod"), ("instance", &instance)]);
        let alert = Alert {
            fingerprint: format!("{number:016x}"),
            starts_at: story.now() - chrono::TimeDelta::minutes(4),
            ended_at: None,
            labels: own,
            annotations: labels(&[("summary", summary)]),
            url: "http://prometheus/graph".into(),
            source: "http://alertmanager:9093".into(),
            marks: Default::default(),
        };
        IncidentEvent::AlertFired { alert: Box::new(alert), group: None }
    };
    let title = format!("{name}: {summary}");
    let runbook = (name == "DiskFilling").then(|| "disk-filling".to_owned());
    let (group, part) = (GroupKey::of([name]), Default::default());
    let first = IncidentEvent::Opened {
        group,
        title: title.into(),
        labels: shared,
        runbook,
        agent: None,
        classifier: None,
        part,
        is_held: false,
    };
    std::iter::once(first).chain((1..=alerts).map(alert)).collect()
}

/// Lets it happen, and some minutes pass after it.
pub(super) fn tell(story: &mut Story, id: IncidentId, by: &Actor, events: Vec<IncidentEvent>, minutes: i64) {
    for event in events {
        story.append(Stream::Incident(id), by, Event::Incident(event));
    }
    story.wait(minutes * 60_000);
}

pub(super) fn incidents() -> Story {
    let mut story = night();
    let events = opened(&story, "CertExpiring", "info", "14 days left", 1);
    tell(&mut story, id("CertExpiring"), &Actor::System, events, 10);
    tell(&mut story, id("CertExpiring"), &ana(), vec![IncidentEvent::Resolved {}], 5);
    let events = opened(&story, "DiskFilling", "critical", "/var is 91 % full", 3);
    tell(&mut story, id("DiskFilling"), &Actor::System, events, 3);
    let events = opened(&story, "Slow", "warning", "p99 is 4 s \u{1b}[2J", 1);
    tell(&mut story, id("Slow"), &Actor::System, events, 1);
    tell(&mut story, id("Slow"), &ana(), vec![IncidentEvent::Acknowledged {}], 1);
    story
}

async fn asked(console: &Harness) -> Vec<Command> {
    console.fake.submitted.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn the_worst_stands_first_and_what_nobody_took_up_needs_somebody() {
    for (width, height) in [(80, 24), (200, 50)] {
        let mut console = Harness::new(incidents(), width, height).await;
        assert!(console.sees("DiskFilling: /var is 91 % full"), "{}", console.screen());
        insta::assert_snapshot!(format!("incidents_now_{width}x{height}"), console.screen());
        console.press("5").await;
        insta::assert_snapshot!(format!("incidents_{width}x{height}"), console.screen());
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_flood_the_first_are_shown_the_others_counted_and_all_of_them_filtered() {
    let mut story = Story::new();
    for number in 1..=9 {
        let name = format!("Flood{number}");
        let events = opened(&story, &name, "warning", "it rains", 1);
        tell(&mut story, id(&name), &Actor::System, events, 1);
    }
    let mut console = Harness::new(story, 80, 40).await;
    assert!(console.sees("5 shows 3 more incidents"), "{}", console.screen());
    assert!(console.sees("Flood4: it rains") && !console.sees("Flood3: it rains"), "{}", console.screen());
    console.press("/").await;
    console.write("flood3").await;
    console.press("enter").await;
    assert!(console.sees("Flood3: it rains") && !console.sees("more incident"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_filter_finds_what_only_the_page_of_an_incident_says() {
    let mut story = incidents();
    let note = IncidentEvent::Noted { text: "it is the backup".into() };
    tell(&mut story, id("Slow"), &ana(), vec![note], 1);
    let mut console = Harness::new(story, 80, 24).await;
    console.press("5 /").await;
    console.write("backup").await;
    console.press("enter").await;
    assert!(console.sees("Slow: p99") && !console.sees("DiskFilling"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_page_has_alerts_timeline_and_runs_which_enter_opens() {
    let mut story = incidents();
    let disk = id("DiskFilling");
    let runbook = "disk-filling".to_owned();
    let taken_up = vec![IncidentEvent::Acknowledged {}, IncidentEvent::RunbookStarted { runbook }];
    tell(&mut story, disk, &ana(), taken_up, 2);
    let linked = *story.snapshot.runs.keys().next().unwrap();
    tell(&mut story, disk, &ana(), vec![IncidentEvent::Linked { run: linked }], 1);
    let run = story.snapshot.incidents[&disk].runs[0].run;
    let ended = IncidentEvent::RunEnded {
        proposed: Vec::new(),
        helped: false,
        run,
        state: RunState::Succeeded,
        summary: "3 of 3 steps done".into(),
        escalates: false,
    };
    tell(&mut story, disk, &Actor::System, vec![ended], 1);
    let mut console = Harness::new(story, 80, 40).await;
    console.press("5 enter").await;
    insta::assert_snapshot!("incident_80x40", console.screen());
    console.press("down enter").await;
    let known: Vec<RunId> = console.state().open_runs().into_iter().collect();
    assert!(known == [run] || known == [linked], "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn keys_ask_what_the_verbs_ask_and_the_answer_says_what_happened() {
    let disk = id("DiskFilling");
    let mut console = Harness::new(incidents(), 80, 24).await;
    console.press("5 a").await;
    assert!(console.sees("✓ incident acknowledged"), "{}", console.screen());
    console.press("enter A").await;
    assert!(console.sees("Assign it to a person"), "{}", console.screen());
    console.write("bo").await;
    console.press("enter").await;
    assert!(console.sees("✓ incident assigned to bo"), "{}", console.screen());
    console.press("+").await;
    console.write("it is the backup").await;
    console.press("enter").await;
    assert!(console.sees("✓ note added"), "{}", console.screen());
    console.press("R").await;
    assert!(console.sees("✓ runbook disk-filling started"), "{}", console.screen());
    console.press("x").await;
    assert!(console.sees("✓ incident resolved"), "{}", console.screen());
    let expected = [
        IncidentVerb::Acknowledge.on(disk),
        IncidentVerb::Assign { to: "bo".to_owned() }.on(disk),
        IncidentVerb::Note { text: "it is the backup".into() }.on(disk),
        IncidentVerb::Runbook { name: None }.on(disk),
        IncidentVerb::Resolve.on(disk),
    ];
    assert_eq!(asked(&console).await, expected);
}

#[tokio::test(start_paused = true)]
async fn only_keys_that_can_be_done_now_are_offered() {
    let mut console = Harness::new(incidents(), 120, 24).await;
    let offers = |console: &mut Harness, all: &[&str], none: &[&str]| {
        let screen = console.screen();
        let footer = screen.lines().last().unwrap_or_default();
        all.iter().for_each(|hint| assert!(footer.contains(hint), "{hint} is not in {footer}"));
        none.iter().for_each(|hint| assert!(!footer.contains(hint), "{hint} is in {footer}"));
    };
    console.press("5 enter").await;
    offers(&mut console, &["a acknowledge", "R runbook", "A assign", "+ note", "x resolve"], &[]);
    console.press("a").await;
    offers(&mut console, &["R runbook", "x resolve"], &["a acknowledge"]);
    console.press("R").await;
    offers(&mut console, &["A assign", "x resolve"], &["a acknowledge", "R runbook"]);
    console.press("x").await;
    offers(&mut console, &["+ note"], &["a acknowledge", "R runbook", "A assign", "x resolve"]);
}

#[tokio::test(start_paused = true)]
async fn where_no_runbook_matches_the_key_asks_for_one() {
    let mut console = Harness::new(incidents(), 80, 24).await;
    console.press("5 j R").await;
    assert!(console.sees("Start the runbook that matches it, or the agent"), "{}", console.screen());
    console.write("slow-queries").await;
    console.press("enter").await;
    assert!(console.sees("✓ runbook slow-queries started"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_new_incident_rings_once_and_its_alerts_do_not() {
    let mut console = Harness::new(night(), 80, 24).await;
    console.fake.tell(|story| {
        let events = opened(story, "DiskFilling", "critical", "/var is 91 % full", 3);
        tell(story, id("DiskFilling"), &Actor::System, events, 0);
    });
    console.settle().await;
    assert!(console.sees("DiskFilling: /var is 91 % full"), "{}", console.screen());
    assert_eq!(console.app.surface_mut().bytes, [vec![0x07]]);
}

#[tokio::test(start_paused = true)]
async fn enter_on_a_step_for_an_agent_opens_its_run_also_where_a_replay_moved_the_times() {
    let mut story = incidents();
    let parent = *story.snapshot.runs.iter().find(|(_, run)| !run.state.is_final()).unwrap().0;
    let call = CallNo(story.snapshot.runs[&parent].calls + 1);
    let asked = ToolCall {
        call,
        provider_id: String::new(),
        tool: ToolName("agent".to_owned()),
        args: serde_json::json!({ "agent": "ops", "goal": "find out why" }),
        step: None,
        part: Default::default(),
    };
    let delegated = RunEvent::CallDelegated {
        call,
        agent: "ops".to_owned(),
        goal: "find out why".into(),
        inputs: Default::default(),
    };
    for event in [RunEvent::CallsRequested { calls: vec![asked] }, delegated] {
        story.append(Stream::Run(parent), &Actor::System, Event::Run(event));
    }
    let mut bytes = *story.snapshot.runs[&parent].delegate(call).unwrap().0.as_bytes();
    bytes[0] ^= 1;
    let child = RunId(uuid::Uuid::from_bytes(bytes));
    let spec = story.log.iter().find_map(|envelope| match &envelope.event {
        Event::Run(RunEvent::Started { spec }) => Some(spec.clone()),
        _ => None,
    });
    story.append(Stream::Run(child), &ana(), Event::Run(RunEvent::Started { spec: spec.unwrap() }));
    tell(&mut story, id("DiskFilling"), &ana(), vec![IncidentEvent::Linked { run: parent }], 1);
    let mut console = Harness::new(story, 80, 40).await;
    console.press("5 enter down enter").await;
    assert!(console.state().open_runs().contains(&parent), "{}", console.screen());
    console.press("enter").await;
    assert!(console.state().open_runs().contains(&child), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn the_noise_report_is_a_list_that_can_be_sorted_and_filtered() {
    for (width, height) in [(80, 24), (200, 50)] {
        let mut console = Harness::new(incidents(), width, height).await;
        console.press("5 N").await;
        insta::assert_snapshot!(format!("noise_{width}x{height}"), console.screen());
        console.press("s s").await;
        assert!(console.sees("by nobody acted"), "{}", console.screen());
        console.press("/").await;
        console.write("slow").await;
        console.press("enter").await;
        assert!(console.sees("Slow") && !console.sees("DiskFilling"), "{}", console.screen());
        console.press("esc").await;
        assert!(console.sees("DiskFilling") && console.sees("nobody acted"), "{}", console.screen());
        console.press("esc").await;
        assert!(console.sees("DiskFilling: /var is 91 % full"), "{}", console.screen());
    }
}

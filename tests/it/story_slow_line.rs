//! The console on a line with a round trip of 200 ms, by keys only: each answer takes one trip, and few bytes.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::machine::Machine;
use crate::support::pty::Terminal;

const ONE_WAY: Duration = Duration::from_millis(100);
const TRIP: Duration = Duration::from_millis(200);

/// What a key came to: how long until its answer was there, and the bytes that came until nothing more did.
struct Answered {
    after: Duration,
    bytes: usize,
}

/// Types keys and waits for what they are to show.
fn answer(terminal: &mut Terminal, keys: &str, what: &str, wanted: impl Fn(&str) -> bool) -> Answered {
    let (before, began) = (terminal.bytes().len(), Instant::now());
    terminal.keys(keys);
    terminal.until(what, wanted);
    let after = began.elapsed();
    // What stands beside a list changes over some frames.
    std::thread::sleep(TRIP + TRIP);
    Answered { after, bytes: terminal.bytes().len() - before }
}

fn shows(terminal: &mut Terminal, keys: &str, text: &str) -> Answered {
    assert!(!terminal.screen().contains(text), "{text} is there before {keys:?}\n{}", terminal.screen());
    answer(terminal, keys, text, |screen| screen.contains(text))
}

/// The quickest counts: that another program of this machine took the processor says nothing of the line.
fn quickest(answers: &[Answered]) -> Duration {
    answers.iter().map(|answer| answer.after).min().unwrap()
}

fn assert_one_trip(after: Duration, what: &str) {
    assert!(after >= TRIP, "{what} was answered after {after:?}, before the line could");
    assert!(after < TRIP + TRIP, "{what} took more than one trip: {after:?}");
}

/// Two incidents and a procedure that waits at its card.
fn on_call() -> Machine {
    let machine = Machine::new();
    for (name, severity) in [("DiskFilling", "critical"), ("Slow", "warning")] {
        let labels = json!({ "alertname": name, "severity": severity });
        let body = json!({
            "version": "4", "groupKey": format!("{{}}:{{alertname=\"{name}\"}}"), "truncatedAlerts": 0,
            "status": "firing", "receiver": "morningai", "groupLabels": { "alertname": name },
            "commonLabels": labels, "commonAnnotations": {}, "externalURL": "http://am:9093",
            "alerts": [{
                "status": "firing", "labels": labels, "annotations": { "summary": "it is bad" },
                "startsAt": "2026-11-30T03:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://p/g",
                "fingerprint": "b9489d1fc9ba47fb",
            }],
        });
        machine.run_with_input(&["ingest", "alertmanager"], &body.to_string()).ended(0);
    }
    machine.run(&["run", "--runbook", "check-this-machine", "--until-waiting"]).ended(4);
    machine
}

#[test]
fn a_key_is_answered_after_one_trip_and_with_few_bytes() {
    let machine = on_call();
    let mut terminal = Terminal::start_far(machine.in_terminal(&[]), 45, 160, ONE_WAY);
    terminal.until_shown("3 Approvals ●1");

    let incidents = shows(&mut terminal, "5", "Incidents  all 2");
    let [slow, disk] = ["title     Slow", "title     DiskFilling"];
    let moves: Vec<_> = [("j", slow), ("k", disk), ("j", slow), ("k", disk)]
        .map(|(key, title)| shows(&mut terminal, key, title))
        .into();
    assert_one_trip(quickest(&moves), "moving the cursor");
    assert!(moves.iter().all(|moved| moved.bytes <= 2_048), "{:?}", moves.iter().map(|moved| moved.bytes).max());
    let page = shows(&mut terminal, "\r", "Incidents › incident");
    let taken_up = shows(&mut terminal, "a", "✓ incident acknowledged");

    // An escape with a key right behind it would be another key.
    shows(&mut terminal, "\u{1b}", "Incidents  all 2");
    shows(&mut terminal, "2", "Runs  all 1");
    let run = shows(&mut terminal, "\r", "Runs › check-this-machine");
    shows(&mut terminal, "\u{1b}", "Runs  all 1");
    shows(&mut terminal, "n", "New goal");
    let letters: Vec<_> = ["Z", "ZX", "ZXQ", "ZXQJ", "ZXQJV"]
        .iter()
        .map(|typed| shows(&mut terminal, &typed[typed.len() - 1..], typed))
        .collect();
    assert_one_trip(quickest(&letters), "typing");
    assert!(letters.iter().all(|letter| letter.bytes <= 512), "{:?}", letters.iter().map(|letter| letter.bytes).max());

    terminal.keys("\u{1b}");
    std::thread::sleep(TRIP + TRIP);
    let card = shows(&mut terminal, "w", "Exactly this will run");
    terminal.keys("G");
    terminal.until_shown("y approve");
    // A card decides nothing in its first half second, nor by a key right after another: so a person's pause.
    std::thread::sleep(Duration::from_millis(900));
    let decided = shows(&mut terminal, "y", "✓ approved");
    for (what, answered) in [("incidents", incidents), ("an incident", page), ("a run", run), ("a card", card)] {
        assert!(answered.bytes <= 10_240, "{what}: {} bytes", answered.bytes);
    }
    for (what, answered) in [("acknowledging", taken_up), ("deciding", decided)] {
        assert!(answered.after >= TRIP && answered.bytes <= 10_240, "{what}: {:?}", answered.after);
    }
    terminal.keys("q");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_restored();
}

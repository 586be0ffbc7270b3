//! Playing, holding at requests, deciding, seeking; on a clock moved by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::domain::{Ask, CallNo, CardDigest, RunId, RunSpec, ToolName};
use crate::kinds::{ApprovalEvent, ApprovalVerb, Event, RunEvent, RunVerb, Stream};

const RUN: RunId = RunId(uuid::Uuid::from_u128(1));
const APPROVAL: ApprovalId = ApprovalId(uuid::Uuid::from_u128(2));

fn spec() -> RunSpec {
    serde_json::from_value(json!({ "goal": "push it", "agent": "dev", "tools": [] })).unwrap()
}

/// Started at 0 s, asked at 1 s, paused at 20 s, denied at 31 s, failed at 32 s.
fn recording() -> Recording {
    let question = Ask::Question { text: "may I?".into(), choices: vec![], budget: None };
    let requested = ApprovalEvent::Requested {
        run: RUN,
        call: CallNo(1),
        tool: ToolName("git_push".to_owned()),
        digest: CardDigest::of(&question),
        ask: Box::new(question),
        rule: "leaves".to_owned(),
        reason: "it leaves this machine".to_owned(),
        rationale: "".into(),
        not_mentioned: Vec::new(),
        expires_at: None,
        edit: None,
    };
    let events = [
        (0, Stream::Run(RUN), 1, Event::Run(RunEvent::Started { spec: Box::new(spec()) })),
        (1, Stream::Approval(APPROVAL), 1, Event::Approval(requested)),
        (20, Stream::Run(RUN), 2, Event::Run(RunEvent::Paused { reason: "lunch".to_owned(), over: None })),
        (31, Stream::Approval(APPROVAL), 2, Event::Approval(ApprovalEvent::Denied { reason: "no".into() })),
        (
            32,
            Stream::Run(RUN),
            3,
            Event::Run(RunEvent::Failed { reason: "denied".into(), hint: String::new(), because: None }),
        ),
    ];
    let at = |seconds: u64| Duration::from_secs(seconds);
    let envelope = |(index, (seconds, stream, version, event)): (usize, (u64, Stream, u64, Event))| {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let by = Actor::Person("ana".to_owned());
        (at(seconds), Envelope { seq: index as u64 + 1, stream, version, at: start + at(seconds), by, event })
    };
    let events = events.into_iter().enumerate().map(envelope).collect();
    Recording { title: "a denied push".to_owned(), events, blobs: BTreeMap::new(), otherwise: None }
}

async fn playing() -> (ReplayClient, Feed) {
    let client = ReplayClient::play(recording(), 1.0, "2026-11-24T03:00:00Z".parse().unwrap());
    let (_, feed) = client.open().await.unwrap();
    (client, feed)
}

async fn next(feed: &mut Feed) -> &'static str {
    match feed.recv().await.unwrap() {
        FeedItem::Committed { envelope } => envelope.event.kind(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn it_stops_at_a_request_until_the_viewer_lets_it_go_on() {
    let (client, mut feed) = playing().await;
    assert_eq!(next(&mut feed).await, "run.started");
    assert_eq!(next(&mut feed).await, "approval.requested");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(feed.try_recv().is_err(), "it holds, however long");
    let transport = client.transport().unwrap();
    assert!(transport.moment().held);
    transport.toggle();
    assert_eq!(next(&mut feed).await, "run.paused", "what was recorded meanwhile waited too");
    assert_eq!(next(&mut feed).await, "approval.denied");
    assert_eq!(next(&mut feed).await, "run.failed");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(transport.moment().ended.as_deref(), Some("the recording ends here"));
}

#[tokio::test(start_paused = true)]
async fn the_recorded_decision_goes_on_at_once() {
    let (client, mut feed) = playing().await;
    next(&mut feed).await;
    next(&mut feed).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let ana = Actor::Person("ana".to_owned());
    client.submit(ApprovalVerb::Deny { reason: "".into() }.on(APPROVAL), ana).await.unwrap();
    let decided = tokio::time::Instant::now();
    assert_eq!(next(&mut feed).await, "run.paused");
    assert_eq!(next(&mut feed).await, "approval.denied");
    assert_eq!(decided.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn another_decision_is_refused_and_the_request_waits_on() {
    let (client, mut feed) = playing().await;
    next(&mut feed).await;
    next(&mut feed).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let ana = Actor::Person("ana".to_owned());
    let answer = ApprovalVerb::Answer { text: "yes".into() }.on(APPROVAL);
    let rejection = client.submit(answer, ana.clone()).await.unwrap_err();
    assert_eq!(rejection.kind, RejectionKind::NotAllowed);
    assert_eq!(rejection.message, "only what was recorded can be replayed: it was denied");
    let rejection = client.submit(RunVerb::Cancel { reason: String::new() }.on(RUN), ana.clone()).await.unwrap_err();
    assert_eq!(rejection.kind, RejectionKind::NotAllowed);
    assert!(feed.try_recv().is_err(), "nothing is told that did not happen");
    assert!(client.transport().unwrap().moment().held);
    let (snapshot, _) = client.open().await.unwrap();
    assert_eq!(snapshot.open_approvals().count(), 1);
    client.submit(ApprovalVerb::Deny { reason: "".into() }.on(APPROVAL), ana).await.unwrap();
    assert_eq!(next(&mut feed).await, "run.paused");
}

/// Its lines without the last, which has the checksum of those above it.
fn without_checksum(recording: &Recording) -> String {
    let text = recording.to_ndjson().unwrap();
    let (lines, _) = text.trim_end().rsplit_once('\n').unwrap();
    format!("{lines}\n")
}

#[test]
fn a_recording_that_was_changed_after_it_was_written_is_refused() {
    let text = recording().to_ndjson().unwrap();
    let changed = text.replace("\"reason\":\"no\"", "\"reason\":\"na\"");
    let error = Recording::parse("x", &changed).unwrap_err();
    assert_eq!(error.problem, "the lines above it do not have this SHA-256: they were changed");
    let error = Recording::parse("x", &format!("{text}{}", text.lines().next().unwrap())).unwrap_err();
    assert!(error.problem.contains("below the line with the checksum") || error.line == text.lines().count() + 1);
    assert!(Recording::parse("x", &without_checksum(&recording())).is_ok(), "older ones have none");
}

/// The same, and what followed when the question was answered.
fn with_both_courses() -> Recording {
    let mut recording = recording();
    // Nothing but the request precedes the decision.
    recording.events.remove(2);
    let text = without_checksum(&recording);
    let lines: Vec<_> = text.lines().collect();
    let decided = lines[3].replace("\"approval.denied\",\"reason\":\"no\"", "\"approval.answered\",\"text\":\"do\"");
    let ended = lines[4]
        .replace("\"run.failed\",\"reason\":\"denied\",\"hint\":\"\"", "\"run.succeeded\",\"summary\":\"done\"");
    let both = format!("{text}{{\"otherwise\":\"{APPROVAL}\"}}\n{decided}\n{ended}\n");
    Recording::parse("both", &both).unwrap()
}

#[tokio::test(start_paused = true)]
async fn where_both_decisions_were_recorded_it_goes_on_with_the_one_made() {
    let recording = with_both_courses();
    assert_eq!(Recording::parse("x", &recording.to_ndjson().unwrap()).unwrap(), recording);
    let client = ReplayClient::play(recording, 1.0, "2026-11-24T03:00:00Z".parse().unwrap());
    let (_, mut feed) = client.open().await.unwrap();
    let ana = Actor::Person("ana".to_owned());
    let transport = client.transport().unwrap();
    for (verb, kinds) in [
        (ApprovalVerb::Answer { text: "yes".into() }, ["approval.answered", "run.succeeded"]),
        (ApprovalVerb::Deny { reason: "".into() }, ["approval.denied", "run.failed"]),
        (ApprovalVerb::Answer { text: "yes".into() }, ["approval.answered", "run.succeeded"]),
    ] {
        tokio::time::sleep(Duration::from_secs(5)).await;
        while feed.try_recv().is_ok() {}
        assert!(transport.moment().held);
        client.submit(verb.on(APPROVAL), ana.clone()).await.unwrap();
        assert_eq!([next(&mut feed).await, next(&mut feed).await], kinds);
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(transport.moment().ended.as_deref(), Some("the recording ends here"));
        transport.seek(Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_is_passed_over_and_told() {
    let (client, mut feed) = playing().await;
    let transport = client.transport().unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    transport.toggle();
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(transport.moment().passing, Some(Duration::from_millis(18_600)));
    let before = transport.moment().now.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    while feed.try_recv().is_ok() {}
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(next(&mut feed).await, "approval.denied");
    assert!((transport.moment().now.unwrap() - before).num_seconds() > 25, "its clock ran on");
    assert_eq!(transport.moment().requests.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pause_survives_seeking_and_what_ended_plays_again() {
    let (client, _feed) = playing().await;
    let transport = client.transport().unwrap();
    transport.toggle();
    assert!(!transport.moment().playing);
    for to in [5, 0, 31, 32] {
        transport.seek(Duration::from_secs(to));
        tokio::time::sleep(Duration::from_secs(3)).await;
        let moment = transport.moment();
        assert!(!moment.playing && !moment.held, "after a jump to {to} s");
    }
    transport.seek(Duration::ZERO);
    transport.toggle();
    assert!(transport.moment().playing);
    transport.seek(Duration::from_secs(32));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(transport.moment().ended.is_some());
    transport.seek(Duration::ZERO);
    assert!(transport.moment().playing, "nobody paused it");
}

#[tokio::test(start_paused = true)]
async fn the_clock_goes_on_while_it_waits_and_never_goes_back() {
    let (client, mut feed) = playing().await;
    let transport = client.transport().unwrap();
    let shown = || transport.moment().now.unwrap();
    let begin = shown();
    tokio::time::sleep(Duration::from_secs(101)).await;
    assert!(transport.moment().held && transport.moment().at < Duration::from_secs(2));
    assert_eq!((shown() - begin).num_seconds(), 101);
    let ana = Actor::Person("ana".to_owned());
    client.submit(ApprovalVerb::Deny { reason: "".into() }.on(APPROVAL), ana).await.unwrap();
    let before = shown();
    assert_eq!((before - begin).num_seconds(), 101, "what was waited is not waited again");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut times = Vec::new();
    while let Ok(FeedItem::Committed { envelope }) = feed.try_recv() {
        times.push(envelope.at);
    }
    assert!(times.is_sorted() && *times.last().unwrap() >= before, "{times:?}");
    let (snapshot, _) = client.open().await.unwrap();
    assert_eq!(snapshot.approvals[&APPROVAL].requested_at, times[1], "a later look finds the same times");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_expires_while_the_viewer_waits_has_expired() {
    let mut recording = recording();
    let at = recording.events[1].1.at;
    let Event::Approval(ApprovalEvent::Requested { expires_at, .. }) = &mut recording.events[1].1.event else {
        panic!()
    };
    *expires_at = Some(at + chrono::TimeDelta::minutes(10));
    let client = ReplayClient::play(recording, 1.0, "2026-11-24T03:00:00Z".parse().unwrap());
    let (_, mut feed) = client.open().await.unwrap();
    next(&mut feed).await;
    next(&mut feed).await;
    tokio::time::sleep(Duration::from_secs(9 * 60)).await;
    assert!(client.transport().unwrap().moment().held);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(next(&mut feed).await, "approval.expired");
    let ended = client.transport().unwrap().moment().ended;
    assert_eq!(ended.as_deref(), Some("it expired while you waited; as recorded, it was denied"));
}

#[tokio::test(start_paused = true)]
async fn an_approval_names_the_card_in_a_replay_too() {
    let mut recording = recording();
    let card: crate::domain::EffectCard = serde_json::from_value(json!({
        "tool": "git_push", "class": "external", "repeat": "once", "verb": "push", "targets": ["o/b"], "environment": "remote",
        "risk": "medium", "reversible": "irreversible", "payload": { "kind": "arguments", "args": {} }
    }))
    .unwrap();
    let named = card.digest();
    let Event::Approval(ApprovalEvent::Requested { ask, digest, .. }) = &mut recording.events[1].1.event else {
        panic!()
    };
    (**ask, *digest) = (Ask::Effect { card }, named.clone());
    let client = ReplayClient::play(recording, 1.0, "2026-11-24T03:00:00Z".parse().unwrap());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let ana = Actor::Person("ana".to_owned());
    let approve = |digest: &str| ApprovalVerb::Approve { digest: digest.to_owned() }.on(APPROVAL);
    let rejection = client.submit(approve("00000000"), ana.clone()).await.unwrap_err();
    assert_eq!(rejection.kind, RejectionKind::DigestMismatch);
    let rejection = client.submit(approve(named.shown()), ana).await.unwrap_err();
    assert_eq!(rejection.kind, RejectionKind::NotAllowed, "its digest is right; it was denied when this was recorded");
}

#[tokio::test(start_paused = true)]
async fn seeking_and_stepping_show_the_state_of_that_moment() {
    let (client, mut feed) = playing().await;
    let transport = client.transport().unwrap();
    transport.seek(Duration::from_millis(4_500));
    while !matches!(feed.recv().await.unwrap(), FeedItem::Lost) {}
    let (snapshot, mut feed) = client.open().await.unwrap();
    assert_eq!(snapshot.approvals[&APPROVAL].state, crate::domain::ApprovalState::Denied);
    assert!(!snapshot.runs[&RUN].state.is_final());
    transport.step();
    assert_eq!(next(&mut feed).await, "run.failed");
    assert!(!transport.moment().playing);
    transport.seek(Duration::ZERO);
    let (snapshot, _) = client.open().await.unwrap();
    assert!(snapshot.approvals.is_empty());
}

#[test]
fn a_recording_survives_being_written_and_read() {
    let recording = recording();
    let text = recording.to_ndjson().unwrap();
    assert_eq!(Recording::parse("x", &text).unwrap(), recording);
}

#[test]
fn a_broken_recording_says_where() {
    let text = recording().to_ndjson().unwrap();
    let lines: Vec<_> = text.lines().collect();
    let cut = format!("{}\n{}\n{}", lines[0], lines[1], &lines[2][..40]);
    let error = Recording::parse("demo.ndjson", &cut).unwrap_err();
    assert_eq!(
        error.to_string(),
        "demo.ndjson, line 3: this is neither an event nor a blob; the recording may be cut off here"
    );
    assert_eq!(Recording::parse("x", "hello").unwrap_err().line, 1);
    assert_eq!(Recording::parse("x", lines[0]).unwrap_err().problem, "it does not begin with the start of anything");
    let swapped = format!("{}\n{}\n{}\n{}", lines[0], lines[1], lines[4], lines[3]);
    assert_eq!(Recording::parse("x", &swapped).unwrap_err().line, 4);
    let newer = lines[0].replace("\"recording\":1", "\"recording\":9");
    assert!(Recording::parse("x", &newer).unwrap_err().problem.contains("format 9"));
}

#[test]
fn times_that_cannot_be_reckoned_with_are_refused() {
    let text = without_checksum(&recording());
    let lines: Vec<_> = text.lines().collect();
    let last = lines.len() - 1;
    let with_last = |line: String| format!("{}\n{line}\n", lines[..last].join("\n"));
    let mut line: serde_json::Value = serde_json::from_str(lines[last]).unwrap();
    line["t"] = 10_000_000_000_000_000_u64.into();
    let error = Recording::parse("x", &with_last(line.to_string())).unwrap_err();
    assert_eq!((error.line, error.problem.as_str()), (last + 1, "it happened more than ten years after the beginning"));
    let mut line: serde_json::Value = serde_json::from_str(lines[last]).unwrap();
    line["envelope"]["at"] = "+262142-01-01T00:00:00Z".into();
    let error = Recording::parse("x", &with_last(line.to_string())).unwrap_err();
    assert_eq!((error.line, error.problem.as_str()), (last + 1, "it has a time outside the years 1970 to 9999"));
}

//! Attached consoles: the same snapshot and feed, resumed, caught up, and never in anybody's way.

use std::time::Duration;

use futures::StreamExt;
use morningai::client::RemoteClient;
use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::*;
use morningai::protocol::{Launch, LaunchKind, Mark};

use super::bad_input::greeted;
use super::post::{Post, TOKEN, TURNS, attach_to, open_approval, until, until_link};
use super::proxy::Proxy;
use crate::runtime::desk::ana;

#[tokio::test(flavor = "multi_thread")]
async fn an_attached_console_sees_decides_and_starts_like_a_local_one() {
    let dir = tempfile::tempdir().unwrap();
    let turns: Vec<&[&str]> = TURNS.iter().copied().cycle().take(2 * TURNS.len()).collect();
    let post = Post::open_at(dir.path(), "127.0.0.1:0".parse().unwrap(), &turns).await;
    let run = post.desk.begin().await;
    post.desk.open_approval().await;
    let client = post.attach().await;
    assert_eq!(client.person(), ana());
    assert_eq!(client.status().source, format!("attached to {}", post.server.address()));
    let approval = open_approval(&client).await;
    let command = ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(approval.id);
    let events = client.submit(command, ana()).await.unwrap();
    assert!(matches!(events[0].event, Event::Approval(ApprovalEvent::Approved { .. })));
    let here = until(&client, "the end", |snapshot| snapshot.runs[&run].state == RunState::Succeeded).await;
    let there = post.desk.until_state(run, RunState::Succeeded).await;
    assert_eq!(here.runs[&run], there);

    let launch =
        Launch { kind: LaunchKind::Agent("dev".to_owned()), goal: "do more".to_owned(), workspace: String::new() };
    let (started, spec) = client.prepare(launch).await.unwrap();
    client.submit(RunVerb::Start { spec: Box::new(spec) }.on(started), ana()).await.unwrap();
    until(&client, "the second run", |snapshot| snapshot.runs.contains_key(&started)).await;
    client.remember("do more").await.unwrap();
    let offers = client.offers().await.unwrap();
    assert_eq!((offers.agents[0].name.as_str(), offers.past_goals), ("dev", vec!["do more".to_owned()]));
    assert_eq!(client.complete(&Sought::Directories { path: "/srv/".to_owned() }).await.unwrap(), ["/srv/parser/"]);

    let query = Query::Stream { stream: Stream::Run(run), after: 0, limit: 2 };
    let Answer::Events(page) = client.query(query).await.unwrap() else { panic!("another answer") };
    assert_eq!((page.rows.len(), page.more), (2, true));
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_at_the_same_thing_is_counted_over_cut_connections_too() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let proxy = Proxy::start(post.server.address()).await;
    let (one, two) = (post.attach().await, attach_to(proxy.address, TOKEN).await.unwrap());
    assert!(!one.status().role.is_empty());
    let others = async |client: &RemoteClient, wanted: usize| {
        while client.status().others != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let seen = async {
        one.look_at("run:1");
        two.look_at("run:1");
        others(&one, 1).await;
        others(&two, 1).await;
        proxy.plan(&[super::proxy::Cut { at: 0, last: super::proxy::Last::Lost }]);
        until_link(&two, "up again", |link| matches!(link, Link::Up { .. })).await;
        others(&one, 1).await;
        others(&two, 1).await;
        two.look_at("run:2");
        others(&one, 0).await;
        others(&two, 0).await;
    };
    tokio::time::timeout(Duration::from_secs(30), seen).await.expect("it is told in time");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_run_and_the_runtimes_own_commands_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let client = post.attach().await;
    client.open().await.unwrap();
    let run = RunId(uuid::Uuid::now_v7());
    let mut spec = crate::runtime::desk::spec();
    spec.workspace = Some(Workspace { root: "/".into(), ..Workspace::default() });
    let forged = client.submit(RunVerb::Start { spec: Box::new(spec) }.on(run), ana()).await.unwrap_err();
    assert_eq!(forged.kind, RejectionKind::Invalid);
    let refused =
        client.submit(Command::Report(Report::Recover { run, left: Default::default() }), ana()).await.unwrap_err();
    assert_eq!(refused.kind, RejectionKind::NotAllowed);
    assert!(post.desk.runtime.open().0.runs.is_empty());
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_resumes_after_its_server_was_away_and_says_meanwhile_that_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let proxy = Proxy::start(post.server.address()).await;
    let client = attach_to(proxy.address, TOKEN).await.unwrap();
    let (before, mut feed) = client.open().await.unwrap();
    proxy.lead_to(None);
    post.end().await;
    until_link(&client, "lost", |link| matches!(link, Link::Down { .. })).await;
    let pause = client.submit(RunVerb::Pause.on(RunId(uuid::Uuid::nil())), ana()).await.unwrap_err();
    assert_eq!(pause.kind, RejectionKind::NotSaved, "nothing is decided over a line that is not there");

    let again = Post::open(dir.path()).await;
    let run = again.desk.begin().await;
    again.desk.open_approval().await;
    proxy.lead_to(Some(again.server.address()));
    until(&client, "what happened meanwhile", |snapshot| snapshot.runs.contains_key(&run)).await;
    until_link(&client, "up", |link| matches!(link, Link::Up { .. })).await;
    assert_eq!(before.cursor, 0);
    assert!(feed.recv().await.is_ok());
    again.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_console_hears_each_missed_event_once_and_no_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let proxy = Proxy::start(post.server.address()).await;
    let client = attach_to(proxy.address, TOKEN).await.unwrap();
    let (snapshot, mut feed) = client.open().await.unwrap();
    assert_eq!(snapshot.cursor, 0);
    let run = post.desk.begin().await;
    let approval = open_approval(&client).await;
    proxy.plan(&[super::proxy::Cut { at: 0, last: super::proxy::Last::Lost }]);
    let command = ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(approval.id);
    post.desk.runtime.submit(command, ana()).await.unwrap();
    post.desk.until_state(run, RunState::Succeeded).await;
    let head = post.desk.log.head().await.unwrap().seq;
    let mut heard = Vec::new();
    while heard.last() != Some(&head) {
        let item = tokio::time::timeout(Duration::from_secs(20), feed.recv()).await.unwrap().unwrap();
        match item {
            FeedItem::Committed { envelope } => heard.push(envelope.seq),
            FeedItem::Lost => panic!("a fresh snapshot, although little was missed"),
            _ => {}
        }
    }
    assert_eq!(heard, (1..=head).collect::<Vec<_>>());
    assert!(!proxy.cut_at().is_empty(), "the connection was never cut");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_log_under_the_same_address_gives_a_fresh_snapshot() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let post = Post::open(first.path()).await;
    let proxy = Proxy::start(post.server.address()).await;
    let client = attach_to(proxy.address, TOKEN).await.unwrap();
    let old = post.desk.begin().await;
    open_approval(&client).await;
    proxy.lead_to(None);
    post.end().await;
    let other = Post::open(second.path()).await;
    let new = other.desk.begin().await;
    other.desk.open_approval().await;
    proxy.lead_to(Some(other.server.address()));
    let snapshot = until(&client, "the other log", |snapshot| snapshot.runs.contains_key(&new)).await;
    assert!(!snapshot.runs.contains_key(&old), "runs of two logs in one snapshot");
    other.end().await;
}

/// A console that reads nothing holds up neither the engine nor another console, and is left in the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_takes_nothing_is_in_nobodys_way_and_is_cut_off() {
    const RUNS: usize = 48;
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open_at(dir.path(), "127.0.0.1:0".parse().unwrap(), &[]).await;
    let client = post.attach().await;
    let mut stuck = greeted(post.server.address()).await;
    // More than the system's buffers take between the two.
    for _ in 0..RUNS {
        let spec = RunSpec { goal: "x".repeat(900_000).into(), ..crate::runtime::desk::spec() };
        let command = RunVerb::Start { spec: Box::new(spec) }.on(RunId(uuid::Uuid::now_v7()));
        let started = post.desk.runtime.submit(command, ana());
        tokio::time::timeout(Duration::from_secs(5), started).await.expect("the engine goes on").unwrap();
    }
    until(&client, "the other console hears it all", |snapshot| snapshot.runs.len() == RUNS).await;
    // It was left without a word: nothing could be said to it any more.
    let left = async { while let Some(Ok(_)) = stuck.next().await {} };
    tokio::time::sleep(Duration::from_secs(12)).await;
    tokio::time::timeout(Duration::from_secs(10), left).await.expect("the server has left it");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_stream_to_an_attached_console() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let client = post.attach().await;
    let (_, mut feed) = client.open().await.unwrap();
    let run = post.desk.begin().await;
    let words = async {
        loop {
            match feed.recv().await.unwrap() {
                FeedItem::Delta(delta) => return delta,
                _ => continue,
            }
        }
    };
    let delta = tokio::time::timeout(Duration::from_secs(20), words).await.expect("words of the model");
    assert_eq!((delta.run, delta.text.raw()), (run, "words"));
    post.end().await;
}

/// A log of `events` events, each a run's pause or its end.
async fn filled(path: &std::path::Path, events: u64) -> Vec<Envelope> {
    let log = crate::runtime::desk::Desk::open(path).await;
    let mut written = Vec::new();
    for after in (0..events).step_by(1000) {
        let stream = Stream::Run(RunId(uuid::Uuid::now_v7()));
        let mut snapshot = morningai::fold::Snapshot { cursor: after, ..Default::default() };
        let mut batch = Batch { after, ..Batch::default() };
        for version in 1..=1000 {
            let event = Event::Run(match version {
                1 => RunEvent::Started { spec: Box::new(crate::runtime::desk::spec()) },
                1000 => RunEvent::Cancelled { reason: "enough".to_owned() },
                _ => RunEvent::Recovered { lost: false, left: Default::default() },
            });
            let envelope = Envelope { seq: after + version, stream, version, at: SystemClock.now(), by: ana(), event };
            let touched = snapshot.apply(&envelope);
            batch.rows = touched.iter().filter_map(|key| snapshot.row(key)).collect();
            let Envelope { at, by, event, .. } = envelope;
            batch.events.push(NewEvent { stream, version, at, by, event });
        }
        written.extend(log.append(batch).await.unwrap());
    }
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn who_missed_little_is_caught_up_and_who_missed_much_gets_a_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let events = filled(&dir.path().join("test.db"), 7000).await;
    let post = Post::open(dir.path()).await;
    for (seq, first) in [(6990, "items"), (2001, "items"), (1999, "snapshot")] {
        let mark = Mark::of(&events[seq - 1]);
        let mut heard = super::bad_input::resumed(post.server.address(), mark).await;
        let mut message = heard().await;
        assert_eq!(message["say"], first, "after {seq}");
        let mut next = mark.seq + 1;
        while message["say"] == "items" {
            for item in message["items"].as_array().unwrap() {
                assert_eq!(item["envelope"]["seq"], next);
                next += 1;
            }
            message = heard().await;
        }
        let told = (message["say"].as_str().unwrap(), next);
        assert!(told == ("resumed", 7001) || first == "snapshot", "{told:?}");
    }
    let forged = Mark { version: 5, ..Mark::of(&events[6989]) };
    let mut heard = super::bad_input::resumed(post.server.address(), forged).await;
    assert_eq!(heard().await["say"], "snapshot", "that event is not in this log");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_is_noticed_and_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let proxy = Proxy::start(post.server.address()).await;
    let client = attach_to(proxy.address, TOKEN).await.unwrap();
    client.open().await.unwrap();
    let since = std::time::Instant::now();
    proxy.mute(true);
    until_link(&client, "stale", |link| matches!(link, Link::Up { .. }) && link.is_stale()).await;
    until_link(&client, "lost", |link| matches!(link, Link::Down { .. })).await;
    let took = since.elapsed();
    assert!(took < Duration::from_secs(14), "{took:?}");
    proxy.mute(false);
    until_link(&client, "up", |link| matches!(link, Link::Up { .. }) && !link.is_stale()).await;
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_falls_silent_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let mut silent = greeted(post.server.address()).await;
    let since = std::time::Instant::now();
    let (code, _) = super::bad_input::closed(&mut silent).await;
    assert_eq!(code, morningai::protocol::close::SILENT);
    assert!(since.elapsed() > Duration::from_secs(8), "left too soon: {:?}", since.elapsed());
    post.end().await;
}

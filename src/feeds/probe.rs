//! Uptime probes: whether something answers, asked every so often. Several misses in a row are an incident, and the first
//! answer ends it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client as Http, Url};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::group::Told;
use super::http;
use super::probe_board::{ProbeBoard, Sample};
use super::surroundings::Surroundings;
use super::trouble::{OwnAlert, Saved, Trouble};
use crate::domain::{Actor, Timestamp, Untrusted};
use crate::kinds::GroupKey;

/// Bytes of an answer that are searched for the expected text.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// What is probed, how often, and what counts as an answer.
#[derive(Clone, Debug)]
pub struct ProbeSettings {
    pub name: String,
    /// `http://…`, `https://…` or `tcp://host:port`.
    pub url: String,
    pub every: Duration,
    pub timeout: Duration,
    /// Misses in a row that are an incident.
    pub misses: u32,
    /// The status that is expected; any below 400 when none is.
    pub status: Option<u16>,
    /// A text that must be in the answer.
    pub text: Option<String>,
    pub severity: String,
}

/// A probe that can be run.
pub struct Probe {
    pub(super) settings: ProbeSettings,
    /// The address as people may see it.
    pub(super) shown: String,
    target: Target,
}

enum Target {
    Http(Http, Url),
    Tcp(String),
}

/// A probe whose address cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("probe {name}: {url:?} is not an address that can be probed")]
pub struct BadProbe {
    name: String,
    url: String,
}

impl BadProbe {
    pub const HINT: &str = "write http://HOST, https://HOST or tcp://HOST:PORT";
}

impl Probe {
    pub fn new(settings: ProbeSettings) -> Result<Self, BadProbe> {
        let bad = || BadProbe { name: settings.name.clone(), url: settings.url.clone() };
        let (target, shown) = match settings.url.strip_prefix("tcp://") {
            Some(place) => {
                let place = place.trim_end_matches('/');
                let port = place
                    .rsplit_once(':')
                    .and_then(|(host, port)| port.parse::<u16>().ok().filter(|_| !host.is_empty()));
                port.ok_or_else(bad)?;
                (Target::Tcp(place.to_owned()), settings.url.clone())
            }
            None => {
                let (url, shown) = http::address(&settings.url).ok_or_else(bad)?;
                (Target::Http(http::client(&url, settings.timeout).map_err(|_| bad())?, url), shown)
            }
        };
        Ok(Self { settings, shown, target })
    }

    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Asks once: how long the answer took, or why there was none.
    pub async fn check(&self) -> Result<Duration, String> {
        let begun = Instant::now();
        let patience = self.settings.timeout;
        let late = |_| format!("it did not answer within {} s", patience.as_secs_f64());
        tokio::time::timeout(patience, self.ask()).await.map_err(late)??;
        Ok(begun.elapsed())
    }

    async fn ask(&self) -> Result<(), String> {
        let ProbeSettings { status: expected, text, timeout, .. } = &self.settings;
        let (http, url) = match &self.target {
            Target::Tcp(place) => {
                let connected = TcpStream::connect(place.as_str()).await;
                return connected.map(drop).map_err(|error| format!("it cannot be reached: {error}"));
            }
            Target::Http(http, url) => (http, url),
        };
        let (status, body) = http::fetch(http, url, LARGEST_ANSWER, *timeout).await?;
        match expected {
            Some(expected) if status != *expected => return Err(format!("status {status}, not {expected}")),
            None if status >= 400 => return Err(format!("status {status}")),
            Some(_) | None => {}
        }
        let is_there = |text: &String| String::from_utf8_lossy(&body).contains(text);
        if text.as_ref().is_none_or(is_there) {
            Ok(())
        } else {
            Err("the expected text is not in its answer".to_owned())
        }
    }

    fn alert(&self) -> OwnAlert {
        let about = vec![("probe", self.settings.name.clone()), ("instance", self.shown.clone())];
        OwnAlert { name: "ProbeFailed", severity: self.settings.severity.clone(), about }
    }

    /// The group of its alerts.
    pub(super) fn group(&self) -> GroupKey {
        self.alert().group(Vec::new()).key
    }

    /// Probes until `stopping`.
    pub async fn run(self: Arc<Self>, board: Arc<ProbeBoard>, surroundings: Surroundings) {
        let stopping = surroundings.stopping.clone();
        let turns = LiveTurns { probe: self.clone(), surroundings };
        stopping.run_until_cancelled(self.run_by(&turns, &board)).await;
    }

    async fn run_by(&self, turns: &dyn Turns, board: &ProbeBoard) {
        let alert = self.alert();
        let mut trouble = Trouble::default();
        let mut ticks = tokio::time::interval(self.settings.every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let (answer, at) = turns.look().await;
            let told = match &answer {
                Ok(_) => trouble.passed().then(|| alert.told("", at, Some(at))),
                Err(problem) => trouble.missed(at, self.settings.misses).map(|since| {
                    let problem = Untrusted::from(problem.as_str());
                    alert.told(&format!("{} does not answer: {}", self.name(), problem.visible()), since, None)
                }),
            };
            board.put(self.name(), Sample::new(at, answer, trouble.misses()));
            if let Some(told) = told
                && turns.save(told).await == Saved::Yes
            {
                trouble.saved();
            }
        }
    }
}

/// What a probe does at each turn.
#[async_trait]
trait Turns: Send + Sync {
    async fn look(&self) -> (Result<Duration, String>, Timestamp);

    async fn save(&self, told: Told) -> Saved;
}

struct LiveTurns {
    probe: Arc<Probe>,
    surroundings: Surroundings,
}

#[async_trait]
impl Turns for LiveTurns {
    async fn look(&self) -> (Result<Duration, String>, Timestamp) {
        (self.probe.check().await, self.surroundings.clock.now())
    }

    async fn save(&self, told: Told) -> Saved {
        let Some(command) = self.probe.alert().command(told, &self.surroundings.rules) else { return Saved::Yes };
        match self.surroundings.client.submit(command, Actor::System).await {
            Ok(_) => Saved::Yes,
            Err(rejection) => {
                tracing::warn!(%rejection, probe = self.probe.name(), "the outcome of a probe was not saved");
                Saved::No
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn probe(url: &str) -> Result<Probe, BadProbe> {
        Probe::new(ProbeSettings {
            name: "web".to_owned(),
            url: url.to_owned(),
            every: Duration::from_secs(30),
            timeout: Duration::from_secs(5),
            misses: 3,
            status: None,
            text: None,
            severity: "critical".to_owned(),
        })
    }

    /// Answers as it is told to, and remembers what was saved: the second since the start, and whether an alert fires.
    struct Script {
        answers: &'static str,
        looks: AtomicUsize,
        began: Instant,
        saved: Mutex<Vec<(u64, bool)>>,
    }

    #[async_trait]
    impl Turns for Script {
        async fn look(&self) -> (Result<Duration, String>, Timestamp) {
            let answer = match self.answers.as_bytes()[self.looks.fetch_add(1, Ordering::SeqCst)] {
                b'1' => Ok(Duration::from_millis(7)),
                _ => Err("it is down".to_owned()),
            };
            (answer, Timestamp::default())
        }

        async fn save(&self, told: Told) -> Saved {
            self.saved.lock().unwrap().push((self.began.elapsed().as_secs(), told.ended_at.is_none()));
            Saved::Yes
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_third_miss_is_told_and_the_first_answer_after_it() {
        // Up at 0 and 30 s, then two misses, up, three misses and more, up.
        let answers = "11001000011";
        let script = Script { answers, looks: AtomicUsize::new(0), began: Instant::now(), saved: Mutex::default() };
        let board = ProbeBoard::default();
        let (probe, last) = (probe("tcp://localhost:1").unwrap(), Duration::from_secs(30 * 10 + 1));
        assert!(tokio::time::timeout(last, probe.run_by(&script, &board)).await.is_err(), "it never ends by itself");
        assert_eq!(*script.saved.lock().unwrap(), [(0, false), (120, false), (210, true), (270, false)]);
        assert!(board.get("web").is_some_and(|sample| sample.misses == 0));
    }

    #[tokio::test]
    async fn what_answers_is_up_and_what_does_not_says_why() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answers = std::thread::spawn(move || {
            for _ in 0..4 {
                use std::io::{Read, Write};
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(b"HTTP/1.1 503 x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
            }
        });
        let check = async |status: Option<u16>, text: Option<&str>| {
            let mut probe = probe(&format!("http://{address}/health")).unwrap();
            (probe.settings.status, probe.settings.text) = (status, text.map(str::to_owned));
            probe.check().await.map(drop)
        };
        assert_eq!(check(None, None).await, Err("status 503".to_owned()));
        assert_eq!(check(Some(503), Some("hello")).await, Ok(()));
        assert_eq!(check(Some(503), Some("bye")).await, Err("the expected text is not in its answer".to_owned()));
        assert!(probe(&format!("tcp://{address}")).unwrap().check().await.is_ok());
        answers.join().unwrap();
        assert!(check(None, None).await.unwrap_err().contains("cannot be reached"));
    }

    #[test]
    fn addresses_are_checked() {
        for bad in ["", "localhost", "ftp://x", "tcp://x", "tcp://:80", "tcp://x:99999", "file:///etc/passwd"] {
            assert!(probe(bad).is_err(), "{bad}");
        }
        assert_eq!(probe("https://ana:secret@example.org/").unwrap().shown, "https://example.org");
    }
}

//! A pattern in a log file or in the journal: so many lines within a time are an incident, and quiet ends it.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use regex::Regex;

use super::journal::Journal;
use super::surroundings::Surroundings;
use super::tail::Tail;
use super::trouble::{OwnAlert, Saved, Trouble};
use crate::domain::{Actor, Timestamp};
use crate::kinds::Command;

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Looks in vain before somebody is told that nothing can be watched.
const MISSES: u32 = 3;
/// Most of a pattern, compiled.
const LARGEST_PATTERN: usize = 1024 * 1024;

/// What is watched, and for what.
#[derive(Clone, Debug)]
pub struct WatchSettings {
    pub name: String,
    pub place: WatchedPlace,
    pub pattern: String,
    /// Lines that match within this time, from which on it is an incident.
    pub count: u32,
    pub within: Duration,
    /// Without such a line for so long, it is over.
    pub quiet: Duration,
    pub severity: String,
}

/// Where lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchedPlace {
    File(PathBuf),
    /// A unit of systemd.
    Unit(String),
}

/// A watch that can be kept.
pub struct Watch {
    settings: WatchSettings,
    pattern: Regex,
}

/// A watch whose pattern cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("watch {name}: the pattern cannot be used: {reason}")]
pub struct BadPattern {
    name: String,
    reason: String,
}

impl Watch {
    pub fn new(settings: WatchSettings) -> Result<Self, BadPattern> {
        let built = regex::RegexBuilder::new(&settings.pattern).size_limit(LARGEST_PATTERN).build();
        let pattern = built.map_err(|error| BadPattern { name: settings.name.clone(), reason: error.to_string() })?;
        Ok(Self { settings, pattern })
    }

    /// Watches until the program ends.
    pub async fn run(self, surroundings: Surroundings) {
        let mut source = match &self.settings.place {
            WatchedPlace::File(path) => Lines::File(Some(Tail::new(path.clone()))),
            WatchedPlace::Unit(unit) => Lines::Journal(Journal::new(unit.clone())),
        };
        let mut matches = Matches::since(surroundings.clock.now());
        let mut trouble = Trouble::default();
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while surroundings.stopping.run_until_cancelled(ticks.tick()).await.is_some() {
            let at = surroundings.clock.now();
            let silence = match source.read().await {
                Ok(lines) => {
                    lines
                        .iter()
                        .filter(|line| self.pattern.is_match(line))
                        .for_each(|line| matches.add(at, line, &self.settings));
                    trouble.passed().then(|| self.silence("", at, Some(at), &surroundings))
                }
                Err(reason) => {
                    trouble.missed(at, MISSES).map(|since| self.silence(&reason, since, None, &surroundings))
                }
            };
            if let Some(command) = silence.flatten()
                && save(command, &surroundings).await == Saved::Yes
            {
                trouble.saved();
            }
            if let Some(command) = self.standing(&mut matches, at, &surroundings)
                && save(command, &surroundings).await == Saved::Yes
            {
                matches.saved();
            }
        }
    }

    /// What the log is to be told of the pattern.
    fn standing(&self, matches: &mut Matches, at: Timestamp, surroundings: &Surroundings) -> Option<Command> {
        let alert = self.alert("LogPattern");
        let told = match matches.standing(at, &self.settings)? {
            Standing::Firing { since, line } => alert.told(&format!("{}: {line}", self.settings.name), since, None),
            Standing::Quiet => alert.told("", at, Some(at)),
        };
        alert.command(told, &surroundings.rules)
    }

    fn silence(
        &self,
        reason: &str,
        starts_at: Timestamp,
        ended_at: Option<Timestamp>,
        surroundings: &Surroundings,
    ) -> Option<Command> {
        let alert = OwnAlert { severity: "warning".to_owned(), ..self.alert("WatchSilent") };
        let summary = format!("{} is not watched: {reason}", self.settings.name);
        alert.command(alert.told(&summary, starts_at, ended_at), &surroundings.rules)
    }

    fn alert(&self, name: &'static str) -> OwnAlert {
        let mut about = vec![("watch", self.settings.name.clone())];
        match &self.settings.place {
            WatchedPlace::File(path) => about.push(("instance", path.display().to_string())),
            // An instance is a machine, by which tools know where to act.
            WatchedPlace::Unit(unit) => {
                let here = rustix::system::uname().nodename().to_string_lossy().into_owned();
                about.extend([("instance", here), ("unit", unit.clone())]);
            }
        }
        OwnAlert { name, severity: self.settings.severity.clone(), about }
    }
}

async fn save(command: Command, surroundings: &Surroundings) -> Saved {
    let submitted = surroundings.client.submit(command, Actor::System).await;
    match submitted {
        Ok(_) => Saved::Yes,
        Err(rejection) => {
            tracing::warn!(%rejection, "what a watch found was not saved");
            Saved::No
        }
    }
}

enum Lines {
    /// `None` while it is being read.
    File(Option<Tail>),
    Journal(Journal),
}

impl Lines {
    async fn read(&mut self) -> Result<Vec<String>, String> {
        let tail = match self {
            Self::Journal(journal) => return journal.read(),
            Self::File(tail) => tail.take(),
        };
        let Some(mut tail) = tail else { return Err("it is being read".to_owned()) };
        let read = tokio::task::spawn_blocking(move || {
            let lines = tail.read();
            (tail, lines)
        });
        let (tail, lines) = read.await.map_err(|error| error.to_string())?;
        *self = Self::File(Some(tail));
        lines.map_err(|error| error.to_string())
    }
}

/// Lines that matched lately.
struct Matches {
    recent: VecDeque<Timestamp>,
    firing: Option<(Timestamp, String)>,
    last: Timestamp,
    /// Whether the log knows how it stands; an earlier process may have told that it fires.
    is_saved: bool,
}

/// How a pattern stands.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    Firing { since: Timestamp, line: String },
    Quiet,
}

impl Matches {
    fn since(at: Timestamp) -> Self {
        Self { recent: VecDeque::new(), firing: None, last: at, is_saved: false }
    }

    fn add(&mut self, at: Timestamp, line: &str, settings: &WatchSettings) {
        self.last = at;
        self.recent.push_back(at);
        let within = TimeDelta::from_std(settings.within).unwrap_or(TimeDelta::MAX);
        while self.recent.len() > settings.count as usize
            || self.recent.front().is_some_and(|first| at - *first > within)
        {
            self.recent.pop_front();
        }
        if self.firing.is_none() && self.recent.len() >= settings.count as usize {
            self.firing = Some((self.recent.front().copied().unwrap_or(at), line.to_owned()));
            self.is_saved = false;
        }
    }

    /// What is not saved yet.
    fn standing(&mut self, at: Timestamp, settings: &WatchSettings) -> Option<Standing> {
        let quiet = TimeDelta::from_std(settings.quiet).unwrap_or(TimeDelta::MAX);
        if at - self.last >= quiet && self.firing.take().is_some() {
            self.recent.clear();
            self.is_saved = false;
        }
        match &self.firing {
            _ if self.is_saved => None,
            Some((since, line)) => Some(Standing::Firing { since: *since, line: line.clone() }),
            None => (at - self.last >= quiet).then_some(Standing::Quiet),
        }
    }

    fn saved(&mut self) {
        self.is_saved = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> WatchSettings {
        WatchSettings {
            name: "errors".to_owned(),
            place: WatchedPlace::File("app.log".into()),
            pattern: "ERROR".to_owned(),
            count: 3,
            within: Duration::from_secs(60),
            quiet: Duration::from_secs(300),
            severity: "warning".to_owned(),
        }
    }

    #[test]
    fn so_many_lines_within_the_time_fire_once_and_quiet_ends_it() {
        let start: Timestamp = "2026-11-30T07:00:00Z".parse().unwrap();
        let at = |seconds| start + TimeDelta::seconds(seconds);
        let settings = settings();
        let mut matches = Matches::since(start);
        for seconds in [0, 50, 100] {
            matches.add(at(seconds), "ERROR x", &settings);
            assert_eq!(matches.standing(at(seconds), &settings), None, "never three in a minute");
        }
        matches.add(at(105), "ERROR y", &settings);
        let firing = Standing::Firing { since: at(50), line: "ERROR y".to_owned() };
        assert_eq!(matches.standing(at(106), &settings).as_ref(), Some(&firing));
        assert_eq!(matches.standing(at(107), &settings), Some(firing), "until it is saved");
        matches.saved();
        matches.add(at(200), "ERROR z", &settings);
        assert_eq!(matches.standing(at(499), &settings), None);
        assert_eq!(matches.standing(at(500), &settings), Some(Standing::Quiet));
        matches.saved();
        assert_eq!(matches.standing(at(900), &settings), None);
    }

    #[test]
    fn what_an_earlier_process_told_is_over_after_the_same_quiet() {
        let start: Timestamp = "2026-11-30T07:00:00Z".parse().unwrap();
        let mut matches = Matches::since(start);
        assert_eq!(matches.standing(start + TimeDelta::seconds(299), &settings()), None);
        assert_eq!(matches.standing(start + TimeDelta::seconds(300), &settings()), Some(Standing::Quiet));
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_named() {
        let error = Watch::new(WatchSettings { pattern: "(".to_owned(), ..settings() }).err().unwrap();
        assert!(error.to_string().starts_with("watch errors: the pattern cannot be used"), "{error}");
        assert!(Watch::new(WatchSettings { pattern: r"\w{1000}{1000}".to_owned(), ..settings() }).is_err());
    }
}

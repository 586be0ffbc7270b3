//! What another process is told to do.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use morningai::domain::*;
use morningai::ports::{Clock, FeedItem, SystemClock};
use morningai::runtime::{Role, Runtime};
use rustix::process::{Resource, Rlimit};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncBufReadExt;
use tokio_util::sync::CancellationToken;

use super::people::Person;
use super::place::{Place, events_after};
use super::process::WORKING;
use super::props::{Fatal, Fate, TOOLS, parts, write_down};
use super::races::{Racer, Target, Told};
use super::story::Story;
use crate::support::dice::Dice;
use crate::support::hooked::Hooked;

/// Longer than any run takes; a process that hangs must not hang its test.
const MOST: Duration = Duration::from_secs(30);
/// The same for those that go on for as long as they are asked to.
const MOST_ON_DEMAND: Duration = Duration::from_secs(3600);
/// Events shown of a run that hangs.
const LAST: usize = 40;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub place: Place,
    /// Where the effects are written down, and what people were told.
    pub dir: PathBuf,
    pub work: Work,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Work {
    /// Carry a run to its end, with a person at hand; `fate` is the point that the process may not survive.
    Carry { run: RunId, story: Story, fate: Fate, clock_hours: i64 },
    /// Work on whatever there is, and begin more, so many at a time and of so many steps; end when all is done.
    Churn { seed: u64, begins: Begins, at_once: usize, steps: (usize, usize) },
    /// Carry a run while files may not grow, until the store has said that it is down; then there is room.
    Cramped { run: RunId, story: Story },
    /// Decide on the requests that come in on standard input, a line each, and say what came of it.
    Race { racer: Racer },
}

/// How much a process begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Begins {
    Nothing,
    /// Until it is killed.
    WithoutEnd,
    /// Until its standard input ends.
    UntilToldEnough,
}

impl Order {
    pub fn carry_out(self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let place = self.place.clone();
            let most = match self.work {
                Work::Carry { .. } | Work::Cramped { .. } => MOST,
                Work::Churn { .. } | Work::Race { .. } => MOST_ON_DEMAND,
            };
            if tokio::time::timeout(most, self.perform()).await.is_err() {
                let events = events_after(place.open().await.as_ref(), 0).await;
                panic!("not done in time; the log ends with {:#?}", &events[events.len().saturating_sub(LAST)..]);
            }
        });
    }

    async fn perform(self) {
        match &self.work {
            Work::Carry { run, story, fate, clock_hours } => {
                self.carry(*run, story, Fatal::new(*fate), *clock_hours).await;
            }
            Work::Churn { seed, begins, at_once, steps } => self.churn(*seed, *begins, *at_once, *steps).await,
            Work::Cramped { run, story } => self.cramped(*run, story).await,
            Work::Race { racer } => self.race(*racer).await,
        }
    }

    async fn carry(&self, run: RunId, story: &Story, fatal: Arc<Fatal>, clock_hours: i64) {
        let log = Arc::new(Hooked { log: self.place.open().await, hook: fatal.clone() });
        let clock = Arc::new(Ahead(TimeDelta::hours(clock_hours)));
        let parts = parts(log, &self.dir, &fatal, story.turns(), clock, Role::Worker);
        let runtime = Arc::new(Runtime::start(parts).await.unwrap());
        let person = Person::new(runtime.clone(), &self.dir, story.clone(), fatal.clone());
        person.see_to(run).await;
        runtime.shut_down(Duration::from_secs(5)).await;
        fatal.write_down_counts(&self.dir);
    }
}

impl Order {
    /// Runs of all tools, each with its person.
    async fn churn(&self, seed: u64, begins: Begins, at_once: usize, steps: (usize, usize)) {
        let fatal = Fatal::new(Fate::Survives);
        let clock = Arc::new(SystemClock);
        let parts = parts(self.place.open().await, &self.dir, &fatal, Vec::new(), clock, Role::Worker);
        let runtime = Arc::new(Runtime::start(parts).await.unwrap());
        say(WORKING);
        let mut left: Vec<_> =
            runtime.open().0.runs.values().filter(|run| !run.state.is_final()).map(|run| run.id).collect();
        let mut dice = Dice::new(seed);
        let mut people = tokio::task::JoinSet::new();
        let enough = enough(begins);
        loop {
            while people.len() < at_once {
                let run = match left.pop() {
                    Some(run) => run,
                    None if enough.is_cancelled() => break,
                    None => RunId(uuid::Uuid::now_v7()),
                };
                let (least, most) = steps;
                let tools: Vec<_> = (0..least + dice.below(most - least + 1)).map(|_| dice.pick(TOOLS).0).collect();
                let person = Person::new(runtime.clone(), &self.dir, Story::procedure(&tools), fatal.clone());
                let person = if begins == Begins::UntilToldEnough { person.patient() } else { person };
                people.spawn(async move { person.see_to(run).await });
            }
            match people.join_next().await {
                Some(seen_to) => seen_to.unwrap(),
                None => break,
            }
        }
        runtime.shut_down(Duration::from_secs(5)).await;
    }
}

/// Cancelled once nothing more is to be begun.
fn enough(begins: Begins) -> CancellationToken {
    let enough = CancellationToken::new();
    match begins {
        Begins::Nothing => enough.cancel(),
        Begins::WithoutEnd => {}
        Begins::UntilToldEnough => {
            let told = enough.clone();
            tokio::spawn(async move {
                let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await;
                told.cancel();
            });
        }
    }
    enough
}

fn say(line: &str) {
    print!("{line}");
    std::io::stdout().flush().unwrap();
}

impl Order {
    async fn cramped(&self, run: RunId, story: &Story) {
        let fatal = Fatal::new(Fate::Survives);
        let clock = Arc::new(SystemClock);
        let parts = parts(self.place.open().await, &self.dir, &fatal, story.turns(), clock, Role::Worker);
        let runtime = Arc::new(Runtime::start(parts).await.unwrap());
        let (_, mut feed) = runtime.open();
        let dir = self.dir.clone();
        tokio::spawn(async move {
            loop {
                match feed.recv().await {
                    Ok(FeedItem::StoreDown { .. }) => break,
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
            let room = rustix::process::getrlimit(Resource::Fsize).maximum;
            rustix::process::setrlimit(Resource::Fsize, Rlimit { current: room, maximum: room }).unwrap();
            write_down(&dir, "was-down", "yes");
        });
        Person::new(runtime.clone(), &self.dir, story.clone(), fatal).see_to(run).await;
        runtime.shut_down(Duration::from_secs(5)).await;
    }

    async fn race(&self, racer: Racer) {
        let fatal = Fatal::new(Fate::Survives);
        let hours = if racer == Racer::Expire { 2 } else { 0 };
        let clock = Arc::new(Ahead(TimeDelta::hours(hours)));
        let parts = parts(self.place.open().await, &self.dir, &fatal, Vec::new(), clock, Role::Clerk);
        let runtime = Runtime::start(parts).await.unwrap();
        say(WORKING);
        let mut lines = tokio::io::BufReader::new(tokio::io::stdin()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            let target: Target = serde_json::from_str(&line).unwrap();
            let told = match runtime.submit(racer.command(target), racer.actor()).await {
                Ok(_) => Told::Done,
                Err(rejection) => Told::Rejected(rejection.kind),
            };
            say(&(serde_json::to_string(&told).unwrap() + "\n"));
        }
    }
}

/// A clock that is wrong by a fixed time.
struct Ahead(TimeDelta);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.0
    }
}

//! The console as text that only grows: for screen readers, dumb terminals and logs. No cursor, no colour.
//!
//! What happens is a line; a request is printed in full; what is typed is a command. An approval names the
//! card's digest, and only a card that was printed here can be approved.

mod command;
mod replay;
mod text;
mod things;
mod usage;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};
use tokio::sync::broadcast::error::RecvError;

use crate::console::app::{Launcher, submit};
use crate::console::keymap::Keymap;
use crate::console::state::Offers;
use crate::console::update::{Launch, LaunchKind};
use crate::domain::{Actor, ApprovalId, RunId, Settlement, Timestamp, Untrusted, printable};
use crate::fold::{Snapshot, Thread};
use crate::kinds::{ApprovalVerb, Command, RunVerb, Stream};
use crate::ports::{Answer, Client, Clock, Feed, FeedItem, Link, Query};

use command::Typed;
use replay::Watch;

/// How long a source that does not answer is left alone before the next try.
const RETRY: Duration = Duration::from_secs(2);

/// How a text console is set up.
pub struct PlainOptions {
    /// Who decides here.
    pub person: Actor,
    pub launcher: Arc<dyn Launcher>,
    pub clock: Arc<dyn Clock>,
    /// Keys that a card's text may mention.
    pub keymap: Keymap,
}

/// Whether the console goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    GoOn,
    Quit,
}

/// Runs until `quit`, or until `input` ends. `input` is read line by line; `output` only grows.
pub async fn run(
    client: Arc<dyn Client>,
    options: PlainOptions,
    input: impl AsyncBufRead + Unpin + Send,
    output: &mut (dyn Write + Send),
) -> io::Result<()> {
    let offers = options.launcher.offers().await;
    let watch = Watch::of(client.as_ref());
    let mut console =
        Plain { client, options, output, offers, watch, snapshot: Snapshot::default(), printed: BTreeSet::new() };
    let mut lines = input.lines();
    let mut feed = console.open().await?;
    console.greet().await?;
    loop {
        tokio::select! {
            biased;
            line = lines.next_line() => {
                let Some(line) = line? else { return Ok(()) };
                if console.typed(&line).await? == Flow::Quit {
                    return Ok(());
                }
            }
            heard = feed.recv() => match heard {
                Ok(FeedItem::Lost) | Err(RecvError::Lagged(_)) => {
                    console.say("Something was missed; what follows goes on from the newest state.")?;
                    feed = console.open().await?;
                    console.print_waiting().await?;
                }
                Err(RecvError::Closed) => {
                    console.say("The source has ended. Trying to reach it again.")?;
                    tokio::time::sleep(RETRY).await;
                    feed = console.open().await?;
                }
                Ok(item) => console.heard(item).await?,
            },
            // Comes last: where the replay stands is said once all that led there was.
            () = console.watch.due() => {
                if let Some(news) = console.watch.news() {
                    console.say(&news)?;
                }
            }
        }
    }
}

struct Plain<'a> {
    client: Arc<dyn Client>,
    options: PlainOptions,
    output: &'a mut (dyn Write + Send),
    offers: Offers,
    watch: Watch,
    snapshot: Snapshot,
    /// Requests whose whole card was printed: only these can be approved.
    printed: BTreeSet<ApprovalId>,
}

impl Plain<'_> {
    /// Opens the source, trying again until it answers.
    async fn open(&mut self) -> io::Result<Feed> {
        loop {
            match self.client.open().await {
                Ok((snapshot, feed)) => {
                    self.snapshot = snapshot;
                    return Ok(feed);
                }
                Err(error) => {
                    self.fail(&error.message, &error.hint)?;
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    async fn greet(&mut self) -> io::Result<()> {
        let status = self.client.status();
        let model = status.model.as_deref().map_or("no model is set".to_owned(), |model| format!("model {model}"));
        let live = format!(", {model}, sandbox {}", status.sandbox);
        let facts = if self.client.transport().is_some() { String::new() } else { live };
        let on = if status.link == Link::Direct { "on " } else { "" };
        self.say(&format!("morningai {on}{}{facts}.", status.source))?;
        if let Some(hint) = status.observe.hint() {
            self.say(&format!("This console is read-only: it decides and starts nothing. To change that: {hint}."))?;
        }
        if self.client.transport().is_some() {
            self.say("This is a replay: requests can be decided on, but nothing starts, changes or is saved.")?;
        }
        self.say("Type help for the commands.")?;
        self.print_waiting().await
    }

    async fn print_waiting(&mut self) -> io::Result<()> {
        let waiting: Vec<_> = self.snapshot.open_approvals().map(|approval| approval.id).collect();
        match waiting.len() {
            0 => self.say("Nothing waits for you."),
            count => {
                self.say(&format!("Waiting for you: {count}."))?;
                for id in waiting {
                    self.print_card(id).await?;
                }
                Ok(())
            }
        }
    }

    fn say_link(&mut self) -> io::Result<()> {
        match self.client.status().link {
            Link::Direct => Ok(()),
            link @ Link::Up { .. } if link.is_stale() => self.say("What you see is some seconds old."),
            Link::Up { .. } => self.say("The connection is good."),
            Link::Ended { reason } => self.fail(&format!("signed out: {reason}"), "quit, and attach again"),
            Link::Down { reason, .. } => self
                .fail(&format!("connection lost, trying again: {reason}"), "nothing is decided from here until then"),
        }
    }

    async fn heard(&mut self, item: FeedItem) -> io::Result<()> {
        match item {
            FeedItem::Committed { envelope } => {
                self.snapshot.apply(&envelope);
                for line in text::event(&envelope) {
                    self.say(&line)?;
                }
                if let Stream::Approval(id) = envelope.stream
                    && envelope.version == 1
                {
                    self.print_card(id).await?;
                }
                Ok(())
            }
            // Words and output are printed once they are whole: a line that grows cannot be read aloud.
            FeedItem::Delta(_) | FeedItem::Lost => Ok(()),
            // What is slow is saved all the same, and each commit would say so.
            FeedItem::StoreSlow { .. } | FeedItem::StoreQuick => Ok(()),
            FeedItem::StoreDown { reason } => {
                self.fail(&format!("not saved: {reason}"), "nothing is decided or started until the store is back")
            }
            FeedItem::StoreBack => self.say("The store takes writes again."),
            FeedItem::LinkChanged => self.say_link(),
        }
    }

    async fn typed(&mut self, line: &str) -> io::Result<Flow> {
        match command::parse(line) {
            Ok(Typed::Nothing) => {}
            Ok(Typed::Quit) => return Ok(Flow::Quit),
            Ok(Typed::Help) => {
                self.say(command::HELP)?;
                self.say_all(usage::help(), "")?;
            }
            Ok(Typed::OfKind { plural, rest }) => self.of_kind(plural, &rest).await?,
            Ok(Typed::Runs) => {
                let lines: Vec<_> = self.snapshot.runs_newest_first().map(text::run).collect();
                self.say_all(lines, "No run is known here.")?;
            }
            Ok(Typed::Approvals) => self.print_waiting().await?,
            Ok(Typed::Agents) => self.print_offers()?,
            Ok(Typed::Show(id)) => self.show(&id).await?,
            Ok(Typed::Approve { id, digest }) => self.approve(&id, digest).await?,
            Ok(Typed::Deny { id, reason }) => {
                self.decide(&id, |approval| ApprovalVerb::Deny { reason: reason.into() }.on(approval)).await?;
            }
            Ok(Typed::Arguments(id)) => self.print_arguments(&id).await?,
            Ok(Typed::Edit { id, digest, args }) => self.edit(&id, digest, args).await?,
            Ok(Typed::Answer { id, text }) => {
                self.decide(&id, |approval| ApprovalVerb::Answer { text: text.into() }.on(approval)).await?;
            }
            Ok(Typed::Settle { id, settlement }) => {
                let note = Untrusted::default();
                let settle = |approval| ApprovalVerb::Settle { settlement, note }.on(approval);
                match settlement {
                    Settlement::GiveUp => self.decide(&id, settle).await?,
                    Settlement::Happened | Settlement::Retry => self.decide_printed(&id, settle).await?,
                }
            }
            Ok(Typed::Pause(id)) => self.steer(&id, |run| RunVerb::Pause.on(run)).await?,
            Ok(Typed::Resume(id)) => self.steer(&id, |run| RunVerb::Resume.on(run)).await?,
            Ok(Typed::Cancel(id)) => {
                let reason = "cancelled in the console".to_owned();
                self.steer(&id, |run| RunVerb::Cancel { reason }.on(run)).await?;
            }
            Ok(Typed::Play) => {
                if let Err(problem) = self.watch.toggle() {
                    self.fail(problem, "play is for a demo")?;
                }
            }
            Ok(Typed::New { agent, workspace, goal }) => self.start_goal(agent, workspace, goal).await?,
            Ok(Typed::Start(name)) => {
                let kind = LaunchKind::Procedure(name);
                self.launch(Launch { kind, goal: String::new(), workspace: String::new() }).await?;
            }
            Err(problem) => self.fail(&problem, "help lists the commands")?,
        }
        Ok(Flow::GoOn)
    }

    /// A card with what led to it, which is read for that and not kept.
    async fn print_card(&mut self, id: ApprovalId) -> io::Result<()> {
        let Some(approval) = self.snapshot.approvals.get(&id).cloned() else { return Ok(()) };
        // Without its history the card says so, and still shows all that will run.
        if let Ok(thread) = read_thread(&*self.client, approval.run).await {
            self.snapshot.threads.insert(approval.run, thread);
        }
        let lines = text::card(&approval, &self.snapshot, &self.options.keymap, self.now());
        self.snapshot.threads.remove(&approval.run);
        self.say_all(lines, "")?;
        self.printed.insert(id);
        Ok(())
    }

    fn print_offers(&mut self) -> io::Result<()> {
        let line = |kind: &str, name: &str, text: &str| text::shown(&format!("{kind} {name}: {text}"));
        let agents = self.offers.agents.iter().map(|offer| line("agent", &offer.name, &offer.description));
        let procedures = self.offers.procedures.iter().map(|offer| line("procedure", &offer.name, &offer.description));
        let lines: Vec<_> = agents.chain(procedures).collect();
        self.say_all(lines, "There is nothing to start here.")
    }

    async fn show(&mut self, id: &str) -> io::Result<()> {
        if let Ok(approval) = self.find_approval(id) {
            return self.print_card(approval).await;
        }
        let run = match self.find_run(id) {
            Ok(run) => run,
            Err(problem) => return self.fail(&problem, "runs and approvals list what there is"),
        };
        match read_thread(&*self.client, run).await {
            Ok(thread) => {
                self.snapshot.threads.insert(run, thread);
                let lines = text::run_page(run, &self.snapshot, &self.options.keymap, self.now());
                self.snapshot.threads.remove(&run);
                self.say_all(lines, "")
            }
            Err((message, hint)) => self.fail(&message, &hint),
        }
    }

    /// What a request's call would be called with.
    async fn print_arguments(&mut self, id: &str) -> io::Result<()> {
        let found = self.find_approval(id);
        let Some(approval) = found.ok().and_then(|id| self.snapshot.approvals.get(&id).cloned()) else {
            return self.fail(&format!("no request has the id {id:?}"), "approvals lists what waits");
        };
        match read_thread(&*self.client, approval.run).await {
            Ok(thread) => match thread.calls.get(&approval.call) {
                Some(entry) => self.say(&entry.call.args.to_string()),
                None => self.fail("its call is not in the history of its run", ""),
            },
            Err((message, hint)) => self.fail(&message, &hint),
        }
    }

    async fn approve(&mut self, id: &str, digest: String) -> io::Result<()> {
        self.decide_printed(id, |approval| ApprovalVerb::Approve { digest }.on(approval)).await
    }

    async fn edit(&mut self, id: &str, digest: String, args: Value) -> io::Result<()> {
        self.decide_printed(id, |approval| ApprovalVerb::Edit { digest, args }.on(approval)).await
    }

    /// For what only somebody may decide who can have read the card.
    async fn decide_printed(&mut self, id: &str, command: impl FnOnce(ApprovalId) -> Command) -> io::Result<()> {
        let id = match self.find_approval(id) {
            Ok(id) => id,
            Err(problem) => return self.fail(&problem, "approvals lists what waits"),
        };
        if !self.printed.contains(&id) {
            return self.fail("its card was not printed here yet", &format!("show {} prints it", id.short()));
        }
        self.submit(command(id)).await
    }

    async fn decide(&mut self, id: &str, command: impl FnOnce(ApprovalId) -> Command) -> io::Result<()> {
        match self.find_approval(id) {
            Ok(approval) => self.submit(command(approval)).await,
            Err(problem) => self.fail(&problem, "approvals lists what waits"),
        }
    }

    async fn steer(&mut self, id: &str, command: impl FnOnce(RunId) -> Command) -> io::Result<()> {
        match self.find_run(id) {
            Ok(run) => self.submit(command(run)).await,
            Err(problem) => self.fail(&problem, "runs lists them"),
        }
    }

    async fn start_goal(&mut self, agent: Option<String>, workspace: Option<String>, goal: String) -> io::Result<()> {
        let Some(agent) = agent.or_else(|| self.offers.agents.first().map(|offer| offer.name.clone())) else {
            return self.fail("no agents are installed", "add one to the agents directory");
        };
        let workspace = workspace.unwrap_or_else(|| self.offers.workspace.clone());
        self.launch(Launch { kind: LaunchKind::Agent(agent), goal, workspace }).await
    }

    async fn launch(&mut self, launch: Launch) -> io::Result<()> {
        if let Some(hint) = self.client.status().observe.hint() {
            return self.fail("this console is read-only", hint);
        }
        self.say("Preparing.")?;
        match self.options.launcher.prepare(&launch).await {
            Ok((run, spec)) => {
                if !launch.goal.is_empty() {
                    self.options.launcher.remember(&launch.goal).await;
                }
                self.submit(RunVerb::Start { spec: Box::new(spec) }.on(run)).await
            }
            Err(error) => self.fail(&error.message, &error.hint),
        }
    }

    async fn submit(&mut self, command: Command) -> io::Result<()> {
        if let Some(hint) = self.client.status().observe.hint() {
            return self.fail("this console is read-only", hint);
        }
        let by = self.options.person.clone();
        match submit(&*self.client, &*self.options.launcher, command, by).await {
            Ok(_) => self.say("Done, and saved."),
            Err(rejection) => self.fail(&rejection.message, &rejection.hint),
        }
    }

    /// In a replay its own clock, since the ages of what it shows are of that time.
    fn now(&self) -> Timestamp {
        let moment = self.client.transport().and_then(|transport| transport.moment().now);
        moment.unwrap_or_else(|| self.options.clock.now())
    }

    fn find_approval(&self, id: &str) -> Result<ApprovalId, String> {
        command::find(id, self.snapshot.approvals.keys().map(|id| (*id, id.to_string(), id.short())))
    }

    fn find_run(&self, id: &str) -> Result<RunId, String> {
        command::find(id, self.snapshot.runs.keys().map(|id| (*id, id.to_string(), id.short())))
    }

    fn fail(&mut self, message: &str, hint: &str) -> io::Result<()> {
        let end = if hint.is_empty() { String::new() } else { format!(" ({hint})") };
        self.say(&format!("Error: {message}{end}"))
    }

    fn say_all(&mut self, lines: Vec<String>, otherwise: &str) -> io::Result<()> {
        if lines.is_empty() && !otherwise.is_empty() {
            return self.say(otherwise);
        }
        lines.iter().try_for_each(|line| self.say(line))
    }

    /// One line or several, with nothing in them that a terminal would obey.
    fn say(&mut self, text: &str) -> io::Result<()> {
        for line in text.split('\n') {
            writeln!(self.output, "{}", printable(line))?;
        }
        self.output.flush()
    }
}

/// A run's whole history, or what is wrong and what to do.
async fn read_thread(client: &dyn Client, run: RunId) -> Result<Thread, (String, String)> {
    const PAGE: u32 = 500;
    let mut events = Vec::new();
    loop {
        let after = events.last().map_or(0, |event: &crate::kinds::Envelope| event.version);
        let query = Query::Stream { stream: Stream::Run(run), after, limit: PAGE };
        let answer = client.query(query).await.map_err(|error| (error.message, error.hint))?;
        let Answer::Events(page) = answer else { break };
        events.extend(page.rows);
        if !page.more {
            break;
        }
    }
    Thread::of(&events).ok_or_else(|| (format!("run {} has no history", run.short()), String::new()))
}

//! Performs requests: spawns what takes time, and takes replies into the snapshot before `update` sees them.

use std::future::Future;
use std::io;
use std::sync::Arc;

use chrono::TimeDelta;
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::clipboard::Copy;
use super::pace::Wanted;
use super::{App, Bell, End, Flow, Surface, Wake, clipboard, submit};
use crate::console::state::{ShownLink, SurveyPage};
use crate::console::update::{Launch, Reply, Request};
use crate::domain::{ApprovalId, CallNo, RunId, SubscriptionId};
use crate::fold::{Snapshot, Thread};
use crate::kinds::{Command, Document, Envelope, RowKind, Run, Stream, Surface as KindSurface, Survey};
use crate::ports::{Answer, Client, ClientError, LinkOrder, Query, RowQuery, Yearly, history, read_survey};

/// Events of a run read at a time.
const STREAM_PAGE: u32 = 500;
/// Rows of a list read at a time.
const LIST_PAGE: u32 = 100;

impl<S: Surface> App<S> {
    pub(super) fn perform(&mut self, request: Request) -> io::Result<Flow> {
        match request {
            // Nothing decides behind a lock, by whatever way it came here.
            Request::Submit { command, .. } if self.state.lock.is_locked() && command.approval().is_some() => {}
            Request::Submit { command, done } => self.submit(command, done),
            Request::Begin { kind, verb, given } => {
                let surface = KindSurface::of_kind(kind);
                if let Some(Ok(command)) = surface.map(|surface| surface.command(Uuid::now_v7(), verb, given)) {
                    self.submit(Box::new(command), String::new());
                }
            }
            Request::Unlock { password, code } => self.unlock(password, code),
            Request::ReadRun(run) => self.read_run(run),
            Request::DropRun(run) => {
                self.reading.remove(&run);
                self.snapshot.threads.remove(&run);
            }
            Request::ReadArguments { approval, run, call } => self.read_arguments(approval, run, call),
            Request::ReadLog { search, before, limit } => self.read_log(search, before, limit),
            Request::ReadRuns { after } => {
                let query = Query::Rows(RowQuery::ended(RowKind::Run, after, LIST_PAGE));
                self.ask(query, |answer| Reply::RunsRead(answer.and_then(Answer::rows)));
            }
            Request::ReadApprovals { after } => {
                let query = Query::Rows(RowQuery::ended(RowKind::Approval, after, LIST_PAGE));
                self.ask(query, |answer| Reply::ApprovalsRead(answer.and_then(Answer::rows)));
            }
            Request::ReadChart(incident) => {
                let read = move |answer: Result<Answer, _>| Reply::ChartRead {
                    incident,
                    result: answer.and_then(Answer::chart),
                };
                self.ask(Query::Chart { incident }, read);
            }
            Request::ReadPaymentLink => self.read_payment_link(),
            Request::WriteDocument { of, document } => self.write_document(of, document),
            Request::ReadSurvey { survey } => self.read_survey(survey),
            Request::Launch(launch) => self.launch(launch),
            Request::Complete(sought) => {
                let launcher = Arc::clone(&self.options.launcher);
                self.spawn(async move {
                    let found = launcher.complete(&sought).await;
                    Reply::Completed { sought, found }
                });
            }
            Request::Edit(edit) => self.edit(edit),
            Request::Copy(text) => self.copy(text),
            Request::UseTheme(name) => return self.use_theme(&name),
            Request::UseMouse(mouse) => self.surface.set_mouse(mouse)?,
            Request::Bell if self.options.bell == Bell::Rings => self.surface.send(vec![0x07]),
            Request::Bell => {}
            Request::ToggleReplay => self.control(|transport| transport.toggle()),
            Request::StepReplay => self.control(|transport| transport.step()),
            Request::Seek(to) => self.control(|transport| transport.seek(to)),
            Request::SetSpeed(speed) => self.control(|transport| transport.set_speed(speed)),
            Request::Intend(intent) if intent.decides() => {}
            Request::Intend(intent) => {
                self.compose(self.uptime());
                return self.intend(intent, self.uptime());
            }
            Request::Redraw => self.redraw()?,
            Request::Suspend => {
                self.surface.suspend()?;
                self.redraw()?;
            }
            Request::Quit => return Ok(Flow::End(End::Left)),
        }
        Ok(Flow::GoOn)
    }

    /// Runs `work` beside the loop; its reply wakes the loop up.
    pub(super) fn spawn(&mut self, work: impl Future<Output = Reply> + Send + 'static) {
        self.outstanding += 1;
        let sender = self.sender.clone();
        tokio::spawn(async move {
            let reply = work.await;
            // A console that has ended wants no answer.
            let _ = sender.send(Wake::Reply(reply));
        });
    }

    fn ask(&mut self, query: Query, reply: impl FnOnce(Result<Answer, ClientError>) -> Reply + Send + 'static) {
        let client = Arc::clone(&self.client);
        self.spawn(async move { reply(client.query(query).await) });
    }

    pub(super) fn ask_offers(&mut self) {
        let launcher = Arc::clone(&self.options.launcher);
        let themes: Vec<_> = self.options.themes.iter().map(|theme| theme.name.clone()).collect();
        self.spawn(async move {
            let mut offers = launcher.offers().await;
            offers.themes = themes;
            Reply::Offered(offers)
        });
    }

    fn submit(&mut self, command: Box<Command>, done: String) {
        let client = Arc::clone(&self.client);
        let launcher = Arc::clone(&self.options.launcher);
        let by = self.options.person.clone();
        self.spawn(async move {
            let result = submit(&*client, &*launcher, (*command).clone(), by).await;
            Reply::Submitted { command, done, result }
        });
    }

    fn launch(&mut self, launch: Launch) {
        let launcher = Arc::clone(&self.options.launcher);
        self.spawn(async move {
            let result = launcher.prepare(&launch).await.map(|(run, spec)| (run, Box::new(spec)));
            if result.is_ok() && !launch.goal.is_empty() {
                launcher.remember(&launch.goal).await;
            }
            Reply::Prepared { launch, result }
        });
    }

    fn read_run(&mut self, run: RunId) {
        self.reading.entry(run).or_default();
        let client = Arc::clone(&self.client);
        self.spawn(async move {
            let result = read_stream(&*client, run).await.map(Box::new);
            Reply::RunRead { run, result }
        });
    }

    /// To change what there is, or else to subscribe to the next larger plan.
    fn read_payment_link(&mut self) {
        let client = Arc::clone(&self.client);
        let known = self.snapshot.subscriptions.get(&SubscriptionId::OF_TENANT);
        let is_live = known.is_some_and(|known| known.now.state.is_live());
        let account = client.status().billing;
        let now = self.options.clock.now();
        let more = account.and_then(|account| account.standing(0, now)).and_then(|standing| standing.more);
        let order = match (is_live, more) {
            (false, Some(plan)) => {
                LinkOrder::Checkout { plan: plan.name, by_the_year: Yearly::No, add_ons: Vec::new() }
            }
            (_, _) => LinkOrder::Portal,
        };
        self.spawn(async move {
            let link = client.payment_link(&order).await;
            Reply::PaymentLinkRead(link.map(|link| ShownLink(link.expose_secret().to_owned())))
        });
    }

    fn write_document(&mut self, of: Stream, document: &'static Document) {
        let client = Arc::clone(&self.client);
        let thing = KindSurface::of_stream(of).and_then(|surface| surface.thing(&self.snapshot, of.parts().1));
        self.spawn(async move {
            let result = match thing {
                Some(thing) => history(&*client, thing.stream, thing.about()).await.and_then(|history| {
                    (document.write)(&history).ok_or_else(|| unreadable("its history is no longer in the log"))
                }),
                None => Err(unreadable("it is no longer in memory")),
            };
            Reply::DocumentWritten { of, document, result }
        });
    }

    fn read_survey(&mut self, survey: &'static Survey) {
        let client = Arc::clone(&self.client);
        let since = self.options.clock.now() - TimeDelta::days(SurveyPage::DAYS);
        self.spawn(async move { Reply::SurveyRead { survey, result: read_survey(&*client, survey, since).await } });
    }

    fn read_arguments(&mut self, approval: ApprovalId, run: RunId, call: CallNo) {
        let client = Arc::clone(&self.client);
        self.spawn(async move {
            let read = read_stream(&*client, run).await;
            let args = read.map(|(_, thread)| thread.calls.get(&call).map(|entry| entry.call.args.clone()));
            let missing = || ClientError {
                message: format!("call {call} is not in the history of run {}", run.short()),
                hint: "approve or deny it as it is".to_owned(),
            };
            Reply::ArgumentsRead { approval, result: args.and_then(|args| args.ok_or_else(missing)) }
        });
    }

    fn read_log(&mut self, search: String, before: u64, limit: u32) {
        let query = match search.is_empty() {
            true => Query::LogBefore { before, limit },
            false => Query::Search { text: search.clone(), before, limit },
        };
        self.ask(query, move |answer| Reply::LogRead { search, before, result: answer.and_then(Answer::events) });
    }

    fn copy(&mut self, text: String) {
        match clipboard::plan(&text, &self.options.term) {
            Copy::Terminal(bytes) => {
                self.surface.send(bytes);
                let told = "sent to the terminal's clipboard (OSC 52)".to_owned();
                self.spawn(async move { Reply::Copied(Ok(told)) });
            }
            Copy::File => {
                let path = self.options.copy_file.clone();
                self.spawn(async move {
                    let written = tokio::task::spawn_blocking(move || clipboard::to_file(&text, &path)).await;
                    Reply::Copied(written.unwrap_or_else(|error| Err(error.to_string())))
                });
            }
        }
    }

    fn use_theme(&mut self, name: &str) -> io::Result<Flow> {
        let Some(theme) = self.options.themes.iter().find(|theme| theme.name == name) else { return Ok(Flow::GoOn) };
        self.theme = theme.clone().for_depth(self.options.depth);
        self.redraw()?;
        self.take_reply(Reply::ThemeUsed(name.to_owned()))
    }

    fn control(&mut self, control: impl FnOnce(&dyn crate::ports::Transport)) {
        if let Some(transport) = &self.transport {
            control(&**transport);
            self.want(Wanted::Answer);
        }
    }

    /// Takes what belongs into the snapshot out of a reply. `None` when nothing is left to say about it.
    pub(super) fn absorb(&mut self, reply: Reply) -> io::Result<Option<Reply>> {
        match &reply {
            Reply::RunRead { run, result: Ok(read) } => {
                let Some(meanwhile) = self.reading.remove(run) else { return Ok(None) };
                let (row, mut thread) = (**read).clone();
                meanwhile.iter().for_each(|envelope| thread.apply(envelope));
                self.snapshot.runs.entry(*run).or_insert(row);
                self.snapshot.threads.insert(*run, thread);
            }
            Reply::RunRead { run, result: Err(_) } => {
                self.reading.remove(run);
            }
            Reply::RunsRead(Ok(page)) => {
                for run in &page.rows {
                    self.snapshot.runs.entry(run.id).or_insert_with(|| run.clone());
                }
            }
            Reply::ApprovalsRead(Ok(page)) => {
                for approval in &page.rows {
                    self.snapshot.approvals.entry(approval.id).or_insert_with(|| approval.clone());
                }
            }
            Reply::Offered(offers) => self.offers = offers.clone(),
            Reply::Prepared { launch, result: Ok(_) } if !launch.goal.is_empty() => {
                self.offers.past_goals.retain(|goal| *goal != launch.goal);
                self.offers.past_goals.push(launch.goal.clone());
            }
            Reply::Edited { .. } => self.come_back()?,
            _ => {}
        }
        Ok(Some(reply))
    }
}

fn unreadable(message: &str) -> ClientError {
    ClientError { message: message.to_owned(), hint: String::new() }
}

/// A run's whole history, folded: its row and its thread.
async fn read_stream(client: &dyn Client, run: RunId) -> Result<(Run, Thread), ClientError> {
    let mut events: Vec<Envelope> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.version);
        let query = Query::Stream { stream: Stream::Run(run), after, limit: STREAM_PAGE };
        let page = client.query(query).await.and_then(Answer::events)?;
        let is_last = !page.more || page.rows.is_empty();
        events.extend(page.rows);
        if is_last {
            break;
        }
    }
    let mut folded = Snapshot::default();
    for event in &events {
        folded.apply(event);
    }
    let missing = || ClientError {
        message: format!("run {} is not in the store", run.short()),
        hint: "esc goes back; the list of runs shows what there is".to_owned(),
    };
    let thread = Thread::of(&events).ok_or_else(missing)?;
    Ok((folded.runs.remove(&run).ok_or_else(missing)?, thread))
}

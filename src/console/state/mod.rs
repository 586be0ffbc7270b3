//! Focus, cursors, filters, drafts: what the console remembers that is not an event.
//!
//! Plain data that `update` changes and `view` reads. Nothing here performs I/O or reads a clock.

mod arguments;
mod charts;
mod editor;
mod failing;
mod goal;
mod list;
mod live;
mod loading;
mod lock;
mod log;
mod narrowing;
mod offers;
mod outcome;
mod palette;
mod pane;
mod payment;
mod review;
mod sheet;
mod things;
mod toast;
mod urgency;
mod usage;

use std::collections::{BTreeMap, BTreeSet};

pub use arguments::{Arguments, Drafting, Misfit};
pub use charts::{ChartForm, Charts};
pub use editor::{Editor, Lines};
pub use failing::{Failing, Trouble};
pub use goal::{Field, Goal, Progress};
pub use list::{Arrangement, ListPane, Offered, Order, Sort};
pub use live::Live;
pub use loading::Loading;
pub use lock::{Asking, Hidden, Leaving, Lock, LockField, LockScreen};
pub use log::{Grouping, LogGroup, LogPane, Looking, Reading};
pub use narrowing::{Doer, Level, Narrowing, is_error};
pub use offers::{Offer, Offers};
pub use outcome::{Outcome, Outcomes};
pub use palette::{Choice, Item, Palette};
pub use pane::{Hold, Laid, Pane, Step};
pub use payment::{Payment, ShownLink};
pub use review::{Direction, Evidence, Extent, Painted, Readiness, Review, SETTLE, Uptime};
pub use sheet::{Confirm, Prompt, PromptFor, Sheet};
pub use things::{DocumentPage, SurveyPage, ThingList, ThingPage, ThingVerb};
pub use toast::{Matter, Toast, Tone};
pub use urgency::by_urgency;
pub use usage::{UsagePane, Within};

use crate::console::anchor::{Anchor, Folds};
use crate::console::intent::{Context, Intent};
use crate::domain::{ApprovalId, RunId, Timestamp};
use crate::fold::Snapshot;
use crate::kinds::{RowKind, Stream, Surface, Takes};
use crate::ports::{Delta, Link, Moment, Status};

/// The screens, in the order of their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Screen {
    #[default]
    Overview,
    Runs,
    Approvals,
    Log,
    Incidents,
    Usage,
    Billing,
}

impl Screen {
    pub const ALL: [Self; 7] =
        [Self::Overview, Self::Runs, Self::Approvals, Self::Log, Self::Incidents, Self::Usage, Self::Billing];

    /// The kind that it lists, of those that are told by their surfaces.
    pub fn kind(self) -> Option<RowKind> {
        match self {
            Self::Incidents => Some(RowKind::Incident),
            Self::Overview | Self::Runs | Self::Approvals | Self::Log | Self::Usage | Self::Billing => None,
        }
    }

    /// The screen that lists a kind, if it has one.
    pub fn of_kind(kind: RowKind) -> Option<Self> {
        Self::ALL.into_iter().find(|screen| screen.kind() == Some(kind))
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Now",
            Self::Runs => "Runs",
            Self::Approvals => "Approvals",
            Self::Log => "Log",
            Self::Incidents => "Incidents",
            Self::Usage => "Usage",
            Self::Billing => "Billing",
        }
    }

    /// Where there is no room for the title.
    pub fn short_title(self) -> &'static str {
        match self {
            Self::Approvals => "Appr",
            Self::Incidents => "Inc",
            Self::Billing => "Bill",
            Self::Overview | Self::Runs | Self::Log | Self::Usage => self.title(),
        }
    }

    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    pub fn previous(self) -> Self {
        Self::ALL[(self as usize + Self::ALL.len() - 1) % Self::ALL.len()]
    }
}

/// A page opened over a screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Page {
    Run(RunPage),
    Card(Review),
    /// All of a kind that is told by its surface.
    Things(ThingList),
    Thing(ThingPage),
    Document(DocumentPage),
    Survey(SurveyPage),
}

/// One run's page.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPage {
    pub run: RunId,
    pub pane: Pane,
    pub folds: Folds,
    pub loading: Loading,
    pub landing: Landing,
}

/// Where the page of a run is read first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Landing {
    /// At what happens now, or happened last.
    #[default]
    End,
    /// At the answer that cost the most.
    DearestTurn,
}

/// Who has the mouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mouse {
    /// The terminal, for selecting text.
    #[default]
    Terminal,
    /// The console, for selecting rows and scrolling.
    Console,
}

/// Whether what is shown is what is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Nothing was heard yet.
    #[default]
    Opening,
    Heard,
    /// It cannot be heard, for this reason; what is shown may be old.
    Lost(String),
}

/// Columns and rows of the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub width: u16,
    pub height: u16,
}

impl Size {
    /// Below this only denying and leaving are offered.
    pub const LEAST: Self = Self { width: 60, height: 15 };

    pub fn is_enough(self) -> bool {
        self.width >= Self::LEAST.width && self.height >= Self::LEAST.height
    }
}

/// Everything the console remembers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub size: Size,
    pub screen: Screen,
    /// Pages opened over the screen; the last one is shown.
    pub pages: Vec<Page>,
    /// What stands over the foot of the page and takes the keys.
    pub sheet: Option<Sheet>,
    pub overview: ListPane,
    /// The run whose history stands beside the list, and whether it is here.
    pub preview: Option<Evidence>,
    pub runs: ListPane,
    pub approvals: ListPane,
    pub incidents: ListPane,
    pub log: LogPane,
    pub usage: UsagePane,
    pub billing: Pane,
    pub live: BTreeMap<RunId, Live>,
    /// What was chosen from the palette, newest first.
    pub chosen_lately: Vec<Choice>,
    /// What came of decisions made here.
    pub outcomes: Outcomes,
    /// Runs whose model does not answer.
    pub failing: Failing,
    /// Runs whose pages were opened here.
    pub looked_at: BTreeSet<RunId>,
    pub toast: Option<Toast>,
    /// Decisions on their way to the store, so that none is sent twice.
    pub deciding: BTreeSet<ApprovalId>,
    /// Why the store takes no writes; nothing is decided until it does.
    pub store_down: Option<String>,
    pub source: Source,
    pub mouse: Mouse,
    pub theme: String,
    /// Whether it is locked; then nothing below is shown, and no key reaches it.
    pub lock: Lock,
    /// When the last key arrived.
    pub last_key: Option<Uptime>,
    /// Charts of incidents that were looked at.
    pub charts: Charts,
    /// A link to pay at.
    pub payment: Payment,
}

impl State {
    /// Most choices of the palette that are remembered.
    pub const MOST_CHOSEN: usize = 8;

    /// Most runs whose live text is kept.
    pub const MOST_LIVE: usize = 64;

    pub fn page(&self) -> Option<&Page> {
        self.pages.last()
    }

    /// Whether the page is the page, and not the help over it.
    pub fn sheet_is_not_help(&self) -> bool {
        !matches!(self.sheet, Some(Sheet::Help(_)))
    }

    pub fn review(&self) -> Option<&Review> {
        match self.pages.last() {
            Some(Page::Card(review)) => Some(review),
            Some(Page::Run(_) | Page::Things(_) | Page::Thing(_) | Page::Document(_) | Page::Survey(_)) | None => None,
        }
    }

    pub fn review_mut(&mut self) -> Option<&mut Review> {
        match self.pages.last_mut() {
            Some(Page::Card(review)) => Some(review),
            Some(Page::Run(_) | Page::Things(_) | Page::Thing(_) | Page::Document(_) | Page::Survey(_)) | None => None,
        }
    }

    /// Tells every page that shows the history of `run` what became of reading it.
    pub fn run_read(&mut self, run: RunId, loading: &Loading) {
        if let Some(preview) = self.preview.as_mut().filter(|preview| preview.run == run) {
            preview.loading = loading.clone();
        }
        for page in &mut self.pages {
            match page {
                Page::Run(open) if open.run == run => open.loading = loading.clone(),
                Page::Card(Review { evidence: Some(evidence), .. }) if evidence.run == run => {
                    evidence.loading = loading.clone();
                }
                Page::Run(_)
                | Page::Card(_)
                | Page::Things(_)
                | Page::Thing(_)
                | Page::Document(_)
                | Page::Survey(_) => {}
            }
        }
    }

    /// Runs whose histories are shown.
    pub fn open_runs(&self) -> BTreeSet<RunId> {
        let run = |page: &Page| match page {
            Page::Run(open) => Some(open.run),
            Page::Card(review) => review.evidence.as_ref().map(|evidence| evidence.run),
            Page::Things(_) | Page::Thing(_) | Page::Document(_) | Page::Survey(_) => None,
        };
        self.pages.iter().filter_map(run).chain(self.preview.as_ref().map(|preview| preview.run)).collect()
    }

    /// Columns of the list where what is selected in it stands beside it; `None` where there is no room for that.
    pub fn list_width(&self) -> Option<usize> {
        let width = usize::from(self.size.width);
        let least = match (self.pages.last(), self.screen) {
            (Some(Page::Things(_)), _) | (None, Screen::Runs | Screen::Approvals | Screen::Incidents) => 120,
            (None, Screen::Overview) => 160,
            (Some(Page::Run(_) | Page::Card(_) | Page::Thing(_) | Page::Document(_) | Page::Survey(_)), _)
            | (None, Screen::Log | Screen::Usage | Screen::Billing) => {
                return None;
            }
        };
        let is_shown = self.sheet_is_not_help() && width >= least;
        is_shown.then_some(width * 54 / 100)
    }

    /// Columns of a run's history where its plan and budget stand beside it; `None` where there is no room for that.
    pub fn history_width(&self) -> Option<usize> {
        let width = usize::from(self.size.width);
        let is_shown = matches!(self.pages.last(), Some(Page::Run(_))) && self.sheet_is_not_help();
        (is_shown && width >= 160).then_some(width * 7 / 10)
    }

    /// What is shown, in a word that is the same on every console.
    pub fn place(&self) -> String {
        let of = |stream: Stream| format!("{}:{}", stream.parts().0, stream.parts().1);
        match self.page() {
            Some(Page::Run(open)) => of(Stream::Run(open.run)),
            Some(Page::Card(review)) => of(Stream::Approval(review.approval)),
            Some(Page::Things(open)) => open.kind.name().to_owned(),
            Some(Page::Thing(open)) => of(open.stream),
            Some(Page::Document(open)) => of(open.of),
            Some(Page::Survey(open)) => open.survey.name.to_owned(),
            None => self.screen.title().to_lowercase(),
        }
    }

    /// Whether a decision would be taken now: somebody who may decide sits here, and it would be saved.
    pub fn can_decide(&self, status: &Status) -> bool {
        let is_linked = matches!(status.link, Link::Direct | Link::Up { .. });
        is_linked && !status.observe.is_on() && self.store_down.is_none()
    }

    /// The thing that is open, or the one under the cursor.
    pub fn thing(&self) -> Option<Stream> {
        match self.page() {
            Some(Page::Thing(open)) => Some(open.stream),
            Some(Page::Run(_) | Page::Card(_) | Page::Document(_) | Page::Survey(_)) => None,
            Some(Page::Things(_)) | None => match self.pane().cursor {
                Some(Anchor::Thing(stream)) => Some(stream),
                _ => None,
            },
        }
    }

    /// The run that is open, or the one under the cursor.
    pub fn run(&self) -> Option<RunId> {
        match (self.page(), self.pane().cursor) {
            (Some(Page::Run(open)), _) => Some(open.run),
            (None, Some(Anchor::Run(run))) => Some(run),
            _ => None,
        }
    }

    /// Whether it would do more now than say why not. In a replay one decides, but starts and steers nothing.
    pub fn can_do(&self, intent: Intent, snapshot: &Snapshot, status: &Status, replay: Option<&Moment>) -> bool {
        match intent.context() {
            Context::Effect | Context::Doubt | Context::Question => self.can_decide(status),
            Context::Home | Context::Document => replay.is_none() && self.can_decide(status),
            Context::Billing => {
                let is_provided = status.billing.as_ref().is_some_and(|account| account.is_provided());
                replay.is_none() && !status.observe.is_on() && is_provided
            }
            Context::Usage => intent == Intent::TurnTable || (replay.is_none() && self.can_decide(status)),
            Context::Run => replay.is_none() && self.can_decide(status) && self.can_steer(snapshot),
            Context::Incident | Context::Handover => {
                replay.is_none() && self.can_decide(status) && self.can_ask(snapshot, intent.name())
            }
            Context::Everywhere
            | Context::Move
            | Context::List
            | Context::RunPage
            | Context::Log
            | Context::Card
            | Context::Replay => true,
        }
    }

    /// Whether the run that is open or selected, if one is, can be paused, resumed or cancelled.
    fn can_steer(&self, snapshot: &Snapshot) -> bool {
        let run = self.run().and_then(|run| snapshot.runs.get(&run));
        run.is_none_or(|run| !run.state.is_final() && run.cancelling.is_none())
    }

    /// Whether the thing that is open or selected, if one is, takes the verb of this name now.
    pub fn can_ask(&self, snapshot: &Snapshot, verb: &str) -> bool {
        let takes = |stream| Some(Surface::of_stream(stream)?.takes(snapshot, stream.parts().1, verb));
        self.thing().and_then(takes) != Some(Takes::Nothing)
    }

    /// The list that is shown, if one is.
    pub fn list_mut(&mut self) -> Option<&mut ListPane> {
        match (self.pages.last_mut(), self.screen) {
            (Some(Page::Things(open)), _) => Some(&mut open.list),
            (Some(Page::Survey(open)), _) => Some(&mut open.list),
            (None, Screen::Overview) => Some(&mut self.overview),
            (None, Screen::Runs) => Some(&mut self.runs),
            (None, Screen::Approvals) => Some(&mut self.approvals),
            (None, Screen::Incidents) => Some(&mut self.incidents),
            (Some(Page::Run(_) | Page::Card(_) | Page::Thing(_) | Page::Document(_)), _)
            | (None, Screen::Log | Screen::Usage | Screen::Billing) => None,
        }
    }

    /// The pane that keys move in.
    pub fn pane(&self) -> &Pane {
        match (&self.sheet, self.pages.last()) {
            (Some(Sheet::Help(pane)), _) => pane,
            (_, Some(Page::Run(open))) => &open.pane,
            (_, Some(Page::Card(review))) => &review.pane,
            (_, Some(Page::Things(open))) => &open.list.pane,
            (_, Some(Page::Thing(open))) => &open.pane,
            (_, Some(Page::Document(open))) => &open.pane,
            (_, Some(Page::Survey(open))) => &open.list.pane,
            (_, None) => match self.screen {
                Screen::Overview => &self.overview.pane,
                Screen::Runs => &self.runs.pane,
                Screen::Approvals => &self.approvals.pane,
                Screen::Log => &self.log.pane,
                Screen::Incidents => &self.incidents.pane,
                Screen::Usage => &self.usage.pane,
                Screen::Billing => &self.billing,
            },
        }
    }

    pub fn pane_mut(&mut self) -> &mut Pane {
        match (&mut self.sheet, self.pages.last_mut()) {
            (Some(Sheet::Help(pane)), _) => pane,
            (_, Some(Page::Run(open))) => &mut open.pane,
            (_, Some(Page::Card(review))) => &mut review.pane,
            (_, Some(Page::Things(open))) => &mut open.list.pane,
            (_, Some(Page::Thing(open))) => &mut open.pane,
            (_, Some(Page::Document(open))) => &mut open.pane,
            (_, Some(Page::Survey(open))) => &mut open.list.pane,
            (_, None) => match self.screen {
                Screen::Overview => &mut self.overview.pane,
                Screen::Runs => &mut self.runs.pane,
                Screen::Approvals => &mut self.approvals.pane,
                Screen::Log => &mut self.log.pane,
                Screen::Incidents => &mut self.incidents.pane,
                Screen::Usage => &mut self.usage.pane,
                Screen::Billing => &mut self.billing,
            },
        }
    }

    /// Takes in a piece of live text that came at `at`. The oldest run's text makes room.
    pub fn hear(&mut self, delta: &Delta, at: Timestamp) {
        self.live.entry(delta.run).or_default().push(delta, at);
        while self.live.len() > Self::MOST_LIVE {
            self.live.pop_first();
        }
    }
}

//! The page itself: which of the pages is drawn, and what each is drawn from.

use std::ops::Range;

use super::caches::PageCaches;
use super::crumb;
use super::scene::Scene;
use crate::console::anchor::Folds;
use crate::console::role::Role;
use crate::console::state::{
    DocumentPage, Laid, ListPane, Loading, LogPane, Offered, Page, Painted, Reading, Review, RunPage, Screen, Source,
    ThingList, UsagePane,
};
use crate::console::view::billing::BillingContext;
use crate::console::view::card::{CardContext, CardView};
use crate::console::view::list::{List, ListView};
use crate::console::view::log_page::{Columns, LogLines};
use crate::console::view::markdown::Highlighting;
use crate::console::view::overview::OverviewContext;
use crate::console::view::queue::Sizes;
use crate::console::view::run_page;
use crate::console::view::run_page::{PlanPlace, RunPageCache, RunPageContext};
use crate::console::view::text::Row;
use crate::console::view::usage::UsageContext;
use crate::console::view::wrap::sentence;
use crate::console::view::{billing, log_page, markdown, overview, queue, run_list, things, usage};
use crate::kinds::{Run, Stream, Surface};

/// A page before it is cut to the screen.
pub struct Body<'a> {
    /// Stands above the page and does not scroll.
    pub heading: Vec<Row>,
    pub content: Content<'a>,
    pub offered: Option<Offered>,
    /// Set for cards: what is painted of them, with `shown` yet to be filled in.
    pub card: Option<Painted>,
}

impl<'a> Body<'a> {
    pub fn of(content: Content<'a>) -> Self {
        Self { heading: Vec::new(), content, offered: None, card: None }
    }
}

/// A page, of which only the rows on the screen are laid out where it is long.
pub enum Content<'a> {
    Rows(Vec<Row>),
    /// Rows without anchors that were laid out before.
    Kept(&'a [Row]),
    Card(CardView<'a>),
    Run(&'a RunPageCache),
    Log(LogLines<'a>),
}

pub fn compose<'a>(scene: &Scene<'a>, caches: &'a mut PageCaches, sizes: &mut Sizes, width: usize) -> Body<'a> {
    let heading = crumb::rows(scene, width);
    let content = match scene.state.page() {
        _ if scene.state.source == Source::Opening => Content::Rows(vec![Row::of(Role::Dim, " Opening.")]),
        Some(Page::Card(review)) => return Body { heading, ..card(scene, caches, review, width) },
        Some(Page::Run(open)) => {
            let body = run(scene, caches, open, width);
            return Body { heading: heading.into_iter().chain(body.heading).collect(), ..body };
        }
        Some(Page::Things(open)) => {
            let body = things(scene, open, width);
            return Body { heading: heading.into_iter().chain(body.heading).collect(), ..body };
        }
        Some(Page::Thing(open)) => Content::Rows(thing(scene, open.stream, width)),
        Some(Page::Document(open)) => Content::Rows(document(open, width)),
        None => return screen(scene, sizes, width),
    };
    Body { heading, ..Body::of(content) }
}

impl Content<'_> {
    /// Where the anchors are, and how many rows there are in all.
    pub fn laid(&self, height: usize) -> Laid {
        match self {
            Self::Rows(rows) => anchored(rows.iter(), height),
            Self::Kept(rows) => Laid { rows: rows.len(), height, stops: Vec::new() },
            Self::Card(card) => Laid { rows: card.height(), height, stops: card.stops() },
            Self::Run(cache) => Laid { rows: cache.height(), height, stops: cache.stops() },
            Self::Log(lines) => lines.laid(height),
        }
    }

    /// The rows in a range.
    pub fn rows(self, laid: &Laid, range: Range<usize>) -> Vec<Row> {
        match self {
            Self::Rows(rows) => rows.into_iter().skip(range.start).take(range.len()).collect(),
            Self::Kept(rows) => rows.get(range).unwrap_or_default().to_vec(),
            Self::Card(card) => card.rows(range),
            Self::Run(cache) => cache.rows(range),
            Self::Log(lines) => lines.rows(laid, range),
        }
    }
}

/// Where the anchors are among rows that are all there.
fn anchored<'a>(rows: impl Iterator<Item = &'a Row>, height: usize) -> Laid {
    let mut laid = Laid { rows: 0, height, stops: Vec::new() };
    for row in rows {
        if let Some(anchor) = row.anchor
            && laid.stops.last().is_none_or(|(last, _)| *last != anchor)
        {
            laid.stops.push((anchor, laid.rows));
        }
        laid.rows += 1;
    }
    laid
}

fn screen<'a>(scene: &Scene<'a>, sizes: &mut Sizes, across: usize) -> Body<'a> {
    let Scene { snapshot, status, keymap, now, state, .. } = *scene;
    let width = state.list_width().unwrap_or(across);
    let listed = |list: List, pane: &ListPane| listed(list, pane, width, across);
    match state.screen {
        Screen::Overview => {
            let can_start = scene.replay.is_none() && !status.observe.is_on();
            let context = OverviewContext { snapshot, state, status, keymap, now, width, can_start };
            let (heading, rows) = overview::rows(&context, sizes);
            Body { heading: heading.into_iter().collect(), ..Body::of(Content::Rows(rows)) }
        }
        Screen::Runs => listed(run_list::list(snapshot, now), &state.runs),
        Screen::Approvals => listed(queue::list(snapshot, sizes, now), &state.approvals),
        Screen::Incidents => match Screen::Incidents.kind().and_then(Surface::of_kind) {
            Some(surface) => {
                let list = things::list(&surface, snapshot, &state.incidents.arrangement.filter, now);
                let list = List { title: Screen::Incidents.title(), ..list };
                listed(list, &state.incidents)
            }
            None => Body::of(Content::Rows(Vec::new())),
        },
        Screen::Usage => {
            let UsagePane { by, within, .. } = &state.usage;
            let context = UsageContext { snapshot, by: *by, within: within.as_ref(), keymap, now, size: state.size };
            let heading = usage::heading(&context);
            Body { heading, ..Body::of(Content::Rows(usage::rows(&context))) }
        }
        Screen::Billing => {
            let context = BillingContext {
                account: status.billing.as_deref(),
                snapshot,
                now,
                size: state.size,
                payment: &state.payment,
            };
            let heading = billing::heading(&context);
            Body { heading, ..Body::of(Content::Rows(billing::rows(&context))) }
        }
        Screen::Log => log(scene, width),
    }
}

fn log<'a>(scene: &Scene<'a>, width: usize) -> Body<'a> {
    let log = &scene.state.log;
    let mut heading = log_page::chips(log, width);
    let lines = LogLines::new(log, scene.snapshot, scene.now, width);
    if lines.is_empty() {
        return Body { heading, ..Body::of(Content::Rows(vec![Row::of(Role::Dim, log_empty(log)).cut(width)])) };
    }
    heading.push(log_page::heading(&Columns::of(log.grouping, width), scene.now));
    Body { heading, ..Body::of(Content::Log(lines)) }
}

fn listed(list: List, pane: &ListPane, width: usize, across: usize) -> Body<'static> {
    let ListView { heading, rows, offered } = list.lay(&pane.arrangement, width, across);
    Body { heading, offered: Some(offered), ..Body::of(Content::Rows(rows)) }
}

fn things(scene: &Scene<'_>, open: &ThingList, across: usize) -> Body<'static> {
    let Some(surface) = Surface::of_kind(open.kind) else { return Body::of(Content::Rows(Vec::new())) };
    let width = scene.state.list_width().unwrap_or(across);
    let list = things::list(&surface, scene.snapshot, &open.list.arrangement.filter, scene.now);
    listed(list, &open.list, width, across)
}

/// The page of one thing; also what stands beside its list.
pub fn thing(scene: &Scene<'_>, stream: Stream, width: usize) -> Vec<Row> {
    let found = Surface::of_stream(stream)
        .and_then(|surface| Some((surface, surface.thing(scene.snapshot, stream.parts().1)?)));
    match found {
        Some((surface, thing)) => {
            let beside = things::Beside { rosters: &scene.status.rosters, charts: &scene.state.charts };
            things::page(&surface, &thing, &beside, scene.now, width)
        }
        None => vec![Row::of(Role::Dim, "This is no longer in memory.")],
    }
}

fn document(open: &DocumentPage, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    if open.draft.is_some() {
        sentence(Role::Warning, "Your changes are not saved yet; e opens them again.", width, &mut rows);
    }
    match &open.text {
        None => sentence(Role::Dim, "Reading its history…", width, &mut rows),
        Some(Err(reason)) => sentence(Role::Bad, reason.as_str(), width, &mut rows),
        Some(Ok(text)) => markdown::lay(text, Highlighting::Plain, &Row::of(Role::Text, " "), width, &mut rows),
    }
    rows
}

fn log_empty(log: &LogPane) -> &'static str {
    let is_looking = !log.search.is_empty() || log.narrowing.is_any();
    match log.reading {
        Reading::Never | Reading::Asked if is_looking => "Searching the log…",
        Reading::Never | Reading::Asked => "Loading the log…",
        Reading::More => "No matches so far. Scroll up to search further back; esc shows all.",
        Reading::Complete if is_looking => "No matches in the log. esc shows all.",
        Reading::Complete => "Nothing has happened here yet.",
    }
}

fn card<'a>(scene: &Scene<'a>, caches: &'a mut PageCaches, review: &Review, width: usize) -> Body<'a> {
    let Some(approval) = scene.snapshot.approvals.get(&review.approval) else {
        let rows = vec![Row::of(Role::Dim, "This request is no longer in memory.")];
        return Body::of(Content::Rows(rows));
    };
    let Scene { snapshot, keymap, now, .. } = *scene;
    let extent = review.extent;
    let evidence = review.evidence.as_ref().map(|evidence| &evidence.loading);
    let outcome = scene.state.outcomes.of(approval.id);
    let context = CardContext { approval, snapshot, keymap, now, width, extent, evidence, outcome };
    let view = caches.card.view(&context);
    let painted =
        Painted { approval: approval.id, digest: approval.ask.digest(), width, payload: view.payload(), shown: 0..0 };
    Body { card: Some(painted), ..Body::of(Content::Card(view)) }
}

fn run<'a>(scene: &Scene<'a>, caches: &'a mut PageCaches, open: &RunPage, across: usize) -> Body<'a> {
    let mut rows = Vec::new();
    let width = scene.state.history_width().unwrap_or(across);
    match (&open.loading, scene.snapshot.runs.get(&open.run)) {
        (Loading::Failed(reason), _) => sentence(Role::Bad, reason.as_str(), width, &mut rows),
        (Loading::Asked | Loading::Ready, None) => sentence(Role::Dim, "Loading its history…", width, &mut rows),
        (Loading::Asked | Loading::Ready, Some(run)) => {
            let context = run_context(scene, run, &open.folds, width);
            caches.run.update(&context);
            let heading = vec![run_page::pinned(&RunPageContext { width: across, ..context })];
            return Body { heading, ..Body::of(Content::Run(&caches.run)) };
        }
    }
    Body::of(Content::Rows(rows))
}

/// What a run's page is drawn from; also what stands beside a list of runs, or beside the page itself.
pub fn run_context<'a>(scene: &Scene<'a>, run: &'a Run, folds: &'a Folds, width: usize) -> RunPageContext<'a> {
    let Scene { snapshot, keymap, now, state, .. } = *scene;
    RunPageContext {
        run,
        thread: snapshot.threads.get(&run.id),
        approvals: &snapshot.approvals,
        live: state.live.get(&run.id),
        folds,
        keymap,
        now,
        width,
        days: &snapshot.spend,
        plan: if state.history_width().is_some() { PlanPlace::Beside } else { PlanPlace::Above },
    }
}

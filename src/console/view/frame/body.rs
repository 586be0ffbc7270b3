//! The page itself: which of the pages is drawn, and what each is drawn from.

use std::ops::Range;

use super::caches::PageCaches;
use super::crumb;
use super::scene::Scene;
use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::console::state::{
    Laid, ListPane, Loading, LogPane, Offered, Page, Painted, Reading, Review, RunPage, Screen, Source, ThingList,
};
use crate::console::view::card::{CardContext, CardView};
use crate::console::view::list::{List, ListView};
use crate::console::view::overview::OverviewContext;
use crate::console::view::queue::Sizes;
use crate::console::view::run_page::{RunPageCache, RunPageContext};
use crate::console::view::text::Row;
use crate::console::view::wrap::sentence;
use crate::console::view::{log_page, overview, queue, run_list, things};
use crate::domain::Untrusted;
use crate::kinds::{Envelope, Stream, Surface};

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
    Card(CardView<'a>),
    Run(&'a RunPageCache),
    Log(&'a LogPane, usize),
}

pub fn compose<'a>(scene: &Scene<'a>, caches: &'a mut PageCaches, sizes: &mut Sizes, width: usize) -> Body<'a> {
    let heading = crumb::rows(scene, width);
    let content = match scene.state.page() {
        _ if scene.state.source == Source::Opening => Content::Rows(vec![Row::of(Role::Dim, " Opening.")]),
        Some(Page::Card(review)) => return Body { heading, ..card(scene, caches, review, width) },
        Some(Page::Run(open)) => run(scene, caches, open, width),
        Some(Page::Things(open)) => {
            let body = things(scene, open, width);
            return Body { heading: heading.into_iter().chain(body.heading).collect(), ..body };
        }
        Some(Page::Thing(open)) => Content::Rows(thing(scene, open.stream, width)),
        None => return screen(scene, sizes, width),
    };
    Body { heading, ..Body::of(content) }
}

impl Content<'_> {
    /// Where the anchors are, and how many rows there are in all.
    pub fn laid(&self, height: usize) -> Laid {
        match self {
            Self::Rows(rows) => anchored(rows.iter(), height),
            Self::Card(card) => Laid { rows: card.height(), height, stops: card.stops() },
            Self::Run(cache) => Laid { rows: cache.height(), height, stops: cache.stops() },
            Self::Log(log, width) => {
                let mut rows = 0;
                let stops = log.events.iter().map(|event| {
                    let first = rows;
                    rows += if log.whole == Some(event.seq) { whole(log, event, *width).len() } else { 1 };
                    (Anchor::Event(event.seq), first)
                });
                let stops = stops.collect();
                Laid { rows, height, stops }
            }
        }
    }

    /// The rows in a range.
    pub fn rows(self, laid: &Laid, range: Range<usize>) -> Vec<Row> {
        match self {
            Self::Rows(rows) => rows.into_iter().skip(range.start).take(range.len()).collect(),
            Self::Card(card) => card.rows(range),
            Self::Run(cache) => cache.rows(range),
            Self::Log(log, width) => {
                let first = laid.stops.partition_point(|(_, row)| *row <= range.start).saturating_sub(1);
                let skip = range.start - laid.stops.get(first).map_or(range.start, |(_, row)| *row);
                let shown = log.events.iter().skip(first).take(range.len() + 1);
                let rows = shown.flat_map(|event| match log.whole == Some(event.seq) {
                    true => whole(log, event, width),
                    false => vec![log_page::line(event, &log.search, width)],
                });
                rows.skip(skip).take(range.len()).collect()
            }
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

/// An event on its line and in full below.
fn whole(log: &LogPane, event: &Envelope, width: usize) -> Vec<Row> {
    let mut rows = vec![log_page::line(event, &log.search, width)];
    rows.extend(
        log_page::detail(event, &log.search, width).into_iter().map(|row| row.anchored(Anchor::Event(event.seq))),
    );
    rows
}

fn screen<'a>(scene: &Scene<'a>, sizes: &mut Sizes, across: usize) -> Body<'a> {
    let Scene { snapshot, status, keymap, now, state, .. } = *scene;
    let width = state.list_width().unwrap_or(across);
    let listed = |list: List, pane: &ListPane| listed(list, pane, width, across);
    match state.screen {
        Screen::Overview => {
            let can_start = scene.replay.is_none() && !status.observe.is_on();
            let context = OverviewContext { snapshot, state, status, keymap, now, width, can_start };
            Body::of(Content::Rows(overview::rows(&context, sizes)))
        }
        Screen::Runs => listed(run_list::list(snapshot, now), &state.runs),
        Screen::Approvals => listed(queue::list(snapshot, sizes, now), &state.approvals),
        Screen::Incidents => match Screen::Incidents.kind().and_then(Surface::of_kind) {
            Some(surface) => {
                let list = List { title: Screen::Incidents.title(), ..things::list(&surface, snapshot, now) };
                listed(list, &state.incidents)
            }
            None => Body::of(Content::Rows(Vec::new())),
        },
        Screen::Log if state.log.events.is_empty() => Body::of(Content::Rows(log_empty(&state.log, width))),
        Screen::Log => {
            let mut heading = filter_note(&state.log.search, width);
            heading.push(log_page::heading(width));
            Body { heading, ..Body::of(Content::Log(&state.log, width)) }
        }
    }
}

fn listed(list: List, pane: &ListPane, width: usize, across: usize) -> Body<'static> {
    let ListView { heading, rows, offered } = list.lay(&pane.arrangement, width, across);
    Body { heading, offered: Some(offered), ..Body::of(Content::Rows(rows)) }
}

fn things(scene: &Scene<'_>, open: &ThingList, across: usize) -> Body<'static> {
    let Some(surface) = Surface::of_kind(open.kind) else { return Body::of(Content::Rows(Vec::new())) };
    let width = scene.state.list_width().unwrap_or(across);
    listed(things::list(&surface, scene.snapshot, scene.now), &open.list, width, across)
}

/// The page of one thing; also what stands beside its list.
pub fn thing(scene: &Scene<'_>, stream: Stream, width: usize) -> Vec<Row> {
    let found = Surface::of_stream(stream)
        .and_then(|surface| Some((surface, surface.thing(scene.snapshot, stream.parts().1)?)));
    match found {
        Some((surface, thing)) => things::page(&surface, &thing, scene.now, width),
        None => vec![Row::of(Role::Dim, "This is no longer in memory.")],
    }
}

fn log_empty(log: &LogPane, width: usize) -> Vec<Row> {
    let text = match log.reading {
        Reading::Never | Reading::Asked => "Loading the log…",
        Reading::More | Reading::Complete if log.search.is_empty() => "Nothing has happened here yet.",
        Reading::More | Reading::Complete => "Nothing in the log contains that text.",
    };
    let mut rows = filter_note(&log.search, width);
    rows.push(Row::of(Role::Dim, text));
    rows
}

/// Says that something is hidden, while something is.
fn filter_note(filter: &str, width: usize) -> Vec<Row> {
    if filter.is_empty() {
        return Vec::new();
    }
    let mut row = Row::of(Role::Dim, "only what contains ");
    row.push_untrusted(Role::Match, &Untrusted::from(filter));
    row.push(Role::Dim, "   esc shows everything");
    vec![row.cut(width)]
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

fn run<'a>(scene: &Scene<'a>, caches: &'a mut PageCaches, open: &RunPage, width: usize) -> Content<'a> {
    let Scene { snapshot, keymap, now, state, .. } = *scene;
    let mut rows = Vec::new();
    match (&open.loading, snapshot.runs.get(&open.run)) {
        (Loading::Failed(reason), _) => sentence(Role::Bad, reason.as_str(), width, &mut rows),
        (Loading::Asked | Loading::Ready, None) => sentence(Role::Dim, "Loading its history…", width, &mut rows),
        (Loading::Asked | Loading::Ready, Some(run)) => {
            caches.run.update(&RunPageContext {
                run,
                thread: snapshot.threads.get(&open.run),
                approvals: &snapshot.approvals,
                live: state.live.get(&open.run),
                folds: &open.folds,
                keymap,
                now,
                width,
            });
            return Content::Run(&caches.run);
        }
    }
    Content::Rows(rows)
}

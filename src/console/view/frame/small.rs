//! What is shown where there is no room for a card: that there is none, and how to deny or leave.

use super::footer;
use super::picture::Picture;
use super::scene::Scene;
use crate::console::intent::{Context, Intent};
use crate::console::role::Role;
use crate::console::state::{Laid, Painted, Size};
use crate::console::view::text::Row;
use crate::domain::{Ask, Untrusted};

pub fn compose(scene: &Scene<'_>, width: usize, height: usize) -> Picture {
    let Size { width: columns, height: lines } = Size::LEAST;
    let mut rows = vec![
        Row::of(Role::Strong, "too small to decide in"),
        Row::of(Role::Dim, format!("{columns}×{lines} at least, this is {width}×{height}")),
    ];
    let waiting = scene.snapshot.open_approvals().count();
    if waiting > 0 {
        rows.push(Row::of(Role::Waiting, format!("● {waiting} waiting for you")));
    }
    let mut painted = None;
    let open = scene.state.review().and_then(|review| scene.snapshot.approvals.get(&review.approval));
    if let (Some(review), Some(approval)) = (scene.state.review(), open) {
        rows.push(match &approval.ask {
            Ask::Effect { card } | Ask::InDoubt { card, .. } => {
                let mut row = Row::of(Role::Strong, Untrusted::from(card.verb.as_str()).visible());
                row.blank(1);
                card.targets.iter().for_each(|target| row.push_untrusted(Role::Code, target));
                row
            }
            Ask::Question { .. } => Row::of(Role::Strong, "a question"),
        });
        // Nothing of what will run is on this screen, so none of it counts as read.
        painted = Some(Painted {
            approval: review.approval,
            digest: approval.digest.clone(),
            width,
            payload: 0..1,
            shown: 0..0,
        });
    }
    let mut keys = Row::new();
    for intent in offered(scene) {
        keys.push(Role::Key, scene.keymap.hint(intent));
        keys.push(Role::Dim, format!(" {}  ", intent.name().replace('-', " ")));
    }
    rows = rows.into_iter().map(|row| row.cut(width)).collect();
    rows.extend(footer::toast(scene, width));
    rows.push(keys.cut(width));
    rows.truncate(height);
    rows.resize(height, Row::new());
    let laid = Laid { rows: 0, height, stops: Vec::new() };
    Picture { rows, laid, painted, ..Picture::default() }
}

fn offered(scene: &Scene<'_>) -> Vec<Intent> {
    let mut offered = Vec::new();
    for context in scene.contexts {
        match context {
            Context::Effect => offered.push(Intent::Deny),
            Context::Question => offered.push(Intent::Dismiss),
            _ => {}
        }
    }
    if scene.state.review().is_none() && scene.snapshot.open_approvals().next().is_some() {
        offered.push(Intent::NextWaiting);
    }
    offered.push(Intent::Quit);
    offered
}

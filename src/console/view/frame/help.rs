//! The help page: every key, from the table of intents, and what to do when no model is set.

use super::scene::Scene;
use crate::console::intent::{Context, Intent};
use crate::console::keymap::Keymap;
use crate::console::role::Role;
use crate::console::view::text::{Align, Row};
use crate::console::view::wrap::{Line, sentence};

/// Columns of the keys.
const KEYS: usize = 18;

/// The page as it was last laid out: it changes with the width and with a model, and not with what happens.
#[derive(Clone, Debug, Default)]
pub struct HelpCache {
    laid_for: Option<(usize, Model)>,
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Model {
    Missing,
    SetOrNotNeeded,
}

impl HelpCache {
    pub fn rows(&mut self, scene: &Scene<'_>, width: usize) -> &[Row] {
        let is_missing = scene.status.model.is_none() && scene.replay.is_none();
        let model = if is_missing { Model::Missing } else { Model::SetOrNotNeeded };
        if self.laid_for != Some((width, model)) {
            self.laid_for = Some((width, model));
            self.rows = lay(scene.keymap, model, width);
        }
        &self.rows
    }
}

fn lay(keymap: &Keymap, model: Model, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    if model == Model::Missing {
        rows.push(Row::section("No model is set", Row::new(), width));
        sentence(Role::Text, MODEL, width, &mut rows);
        rows.push(Row::new());
    }
    for context in Context::ALL {
        rows.push(Row::section(context.title(), Row::new(), width));
        for intent in Intent::ALL.iter().filter(|intent| intent.context() == *context) {
            let keys: Vec<_> = keymap.chords(*intent).map(|chord| chord.to_string()).collect();
            let mut lead = Row::new();
            lead.blank(2);
            lead.push_cell(Role::Key, keys.join("  "), KEYS, Align::Left);
            Line::led(lead, Row::of(Role::Text, intent.doc())).lay(width, &mut rows);
        }
        rows.push(Row::new());
    }
    rows.push(Row::section("Who else is here", Row::new(), width));
    sentence(Role::Text, OTHERS, width, &mut rows);
    rows.push(Row::new());
    rows.push(Row::section("How decisions are kept safe", Row::new(), width));
    sentence(Role::Text, SAFETY, width, &mut rows);
    rows
}

const MODEL: &str = "Runs of agents need one. Set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own, with \
MORNINGAI_MODEL naming the model; or write [models] into the configuration file. Then start morningai again. \
Procedures, approvals, history and the log work without; `morningai doctor` says what works here.";

const OTHERS: &str = "In the header, `+1 here` counts the other consoles attached to the same server that show the \
same page. Consoles on another server, or opened on the store itself, are not counted.";

const SAFETY: &str = "A card can be approved once every row of what will run has been on the screen, and half a \
second after it came up. A key pressed right after another one, pasted text, the mouse and enter never approve. \
Closing a card decides nothing. A critical card wants its target's name typed out.";

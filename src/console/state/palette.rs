//! The palette: one line of text that finds commands, runs, cards, agents, procedures and themes by name.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::editor::{Editor, Lines};
use super::things::ThingVerb;
use crate::console::intent::Intent;
use crate::domain::{ApprovalId, RunId};
use crate::kinds::{RowKind, Stream};

/// What choosing an item does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Do(Intent),
    OpenRun(RunId),
    OpenCard(ApprovalId),
    OpenThings(RowKind),
    OpenThing(Stream),
    Ask(ThingVerb),
    StartAgent(String),
    StartProcedure(String),
    UseTheme(String),
}

/// Something the palette can find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub choice: Choice,
    /// What kind of thing it is: `command`, `run`, `agent`.
    pub kind: &'static str,
    /// What is matched, made visible.
    pub label: String,
    /// One line about it.
    pub detail: String,
}

/// The palette while it is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Palette {
    pub query: Editor,
    items: Vec<Item>,
    /// Places among `items` that match, best first.
    found: Vec<usize>,
    /// Place among `found`.
    pub cursor: usize,
}

impl Palette {
    pub fn new(items: Vec<Item>) -> Self {
        let found = (0..items.len()).collect();
        Self { query: Editor::new(Lines::One), items, found, cursor: 0 }
    }

    pub fn found(&self) -> impl ExactSizeIterator<Item = &Item> {
        self.found.iter().map(|place| &self.items[*place])
    }

    pub fn chosen(&self) -> Option<&Item> {
        self.found().nth(self.cursor)
    }

    pub fn down(&mut self) {
        self.cursor = (self.cursor + 1).min(self.found.len().saturating_sub(1));
    }

    pub fn up(&mut self) {
        self.cursor = self.cursor.saturating_sub(1);
    }

    /// Matches again after the query changed.
    pub fn search(&mut self) {
        let pattern = Pattern::parse(&self.query.text(), CaseMatching::Smart, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, usize)> = Vec::new();
        for (place, item) in self.items.iter().enumerate() {
            let label = pattern.score(Utf32Str::new(&item.label, &mut buffer), &mut matcher);
            // A match of the description counts, but below any of the name.
            let detail = pattern.score(Utf32Str::new(&item.detail, &mut buffer), &mut matcher);
            if let Some(score) = label.map(|score| score + 1_000).or(detail) {
                scored.push((score, place));
            }
        }
        scored.sort_by_key(|(score, place)| (std::cmp::Reverse(*score), *place));
        self.found = scored.into_iter().map(|(_, place)| place).collect();
        self.cursor = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn palette() -> Palette {
        let item = |intent: Intent| Item {
            choice: Choice::Do(intent),
            kind: "command",
            label: intent.name().to_owned(),
            detail: intent.doc().to_owned(),
        };
        Palette::new(Intent::ALL.iter().map(|intent| item(*intent)).collect())
    }

    #[test]
    fn a_few_letters_find_the_command() {
        let mut palette = palette();
        palette.query.insert("nxtheme");
        palette.search();
        assert_eq!(palette.chosen().map(|item| &item.choice), Some(&Choice::Do(Intent::NextTheme)));
    }

    #[test]
    fn words_of_the_description_find_it_too() {
        let mut palette = palette();
        palette.query.insert("back to the shell");
        palette.search();
        assert!(palette.found().any(|item| item.choice == Choice::Do(Intent::Suspend)));
    }

    #[test]
    fn the_cursor_stays_among_what_was_found() {
        let mut palette = palette();
        palette.query.insert("zzzz");
        palette.search();
        palette.down();
        assert_eq!((palette.found().len(), palette.chosen()), (0, None));
    }
}

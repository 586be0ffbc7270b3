//! The palette: one line of text that finds commands, runs, cards, agents, procedures and themes by name.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::editor::{Editor, Lines};
use super::things::ThingVerb;
use crate::console::intent::Intent;
use crate::domain::{ApprovalId, RunId};
use crate::kinds::{RowKind, Stream};

/// A name or an alias typed in full is what is meant,
const EXACT: u32 = 100_000;
/// a match of the name counts for more than any of the description,
const NAMED: u32 = 1_000;
/// one at the beginning of a word for more than one within it,
const BEGINS: u32 = 200;
/// a command that begins so for more than a thing that does,
const COMMAND: u32 = 150;
/// and what was chosen lately for more than what was not.
const RECENT: u32 = 100;

/// What choosing an item does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Do(Intent),
    /// A command of another screen: goes there first.
    GoAndDo(Intent),
    OpenRun(RunId),
    OpenCard(ApprovalId),
    OpenThings(RowKind),
    OpenThing(Stream),
    OpenSurvey(RowKind, &'static str),
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
    /// Other words for it.
    pub aliases: &'static [&'static str],
    /// One line about it.
    pub detail: String,
}

/// The palette while it is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Palette {
    pub query: Editor,
    items: Vec<Item>,
    /// How many of the first items were chosen lately.
    recent: usize,
    /// Places among `items` that match, best first.
    found: Vec<usize>,
    /// Place among `found`.
    pub cursor: usize,
}

impl Palette {
    /// A palette of `items`; those chosen lately, newest first, come before the rest.
    pub fn new(mut items: Vec<Item>, lately: &[Choice]) -> Self {
        let place = |item: &Item| lately.iter().position(|choice| *choice == item.choice).unwrap_or(usize::MAX);
        items.sort_by_key(place);
        let recent = items.iter().filter(|item| place(item) < usize::MAX).count();
        let found = (0..items.len()).collect();
        Self { query: Editor::new(Lines::One), items, recent, found, cursor: 0 }
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
        let text = self.query.text();
        // Who opened the palette with another key may begin with the usual one.
        let text = text.strip_prefix(':').unwrap_or(&text);
        let pattern = Pattern::parse(text, CaseMatching::Smart, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let query = text.to_lowercase();
        let mut scored: Vec<(u32, usize)> = Vec::new();
        for (place, item) in self.items.iter().enumerate() {
            let mut score = |text: &str| pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher);
            // A match of the description counts, but below any of the name.
            let named = score(&item.label).max(item.aliases.iter().filter_map(|alias| score(alias)).max());
            if let Some(score) = named.map(|score| score + NAMED).or_else(|| score(&item.detail)) {
                let lately = if place < self.recent { RECENT } else { 0 };
                scored.push((score + lately + item.beginning(&query), place));
            }
        }
        scored.sort_by_key(|(score, place)| (std::cmp::Reverse(*score), *place));
        self.found = scored.into_iter().map(|(_, place)| place).collect();
        self.cursor = 0;
    }
}

impl Item {
    /// What it counts for that the query is its name, or begins a word of it.
    fn beginning(&self, query: &str) -> u32 {
        let label = self.label.to_lowercase();
        let is_command =
            matches!(self.choice, Choice::Do(_) | Choice::GoAndDo(_) | Choice::OpenThings(_) | Choice::OpenSurvey(..));
        if is_command && (label == query || self.aliases.contains(&query)) {
            return EXACT;
        }
        let mut words = label.split(is_between).chain(self.aliases.iter().copied());
        let begins = if words.any(|word| word.starts_with(query)) { BEGINS } else { 0 };
        let is_prefix = is_command && !query.is_empty() && label.starts_with(query);
        begins + if is_prefix { COMMAND } else { 0 }
    }
}

fn is_between(letter: char) -> bool {
    !letter.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn palette() -> Palette {
        palette_after(&[])
    }

    fn palette_after(lately: &[Choice]) -> Palette {
        let item = |intent: Intent| Item {
            choice: Choice::Do(intent),
            kind: "command",
            label: intent.name().to_owned(),
            aliases: intent.aliases(),
            detail: intent.doc().to_owned(),
        };
        Palette::new(Intent::ALL.iter().map(|intent| item(*intent)).collect(), lately)
    }

    #[test]
    fn a_few_letters_find_the_command() {
        let mut palette = palette();
        palette.query.insert("nxtheme");
        palette.search();
        assert_eq!(palette.chosen().map(|item| &item.choice), Some(&Choice::Do(Intent::NextTheme)));
    }

    #[test]
    fn the_beginning_of_a_word_comes_before_its_middle() {
        let mut palette = palette();
        palette.query.insert("log");
        palette.search();
        assert_eq!(palette.chosen().map(|item| &item.choice), Some(&Choice::Do(Intent::ShowLog)));
        palette.query.set("wait");
        palette.search();
        assert_eq!(palette.chosen().map(|item| &item.choice), Some(&Choice::Do(Intent::NextWaiting)));
    }

    #[test]
    fn what_was_chosen_lately_comes_first() {
        let lately = [Choice::Do(Intent::Suspend), Choice::Do(Intent::PreviousScreen)];
        let mut palette = palette_after(&lately);
        let first: Vec<_> = palette.found().take(2).map(|item| item.choice.clone()).collect();
        assert_eq!(first, lately);
        palette.query.insert("screen");
        palette.search();
        assert_eq!(palette.chosen().map(|item| &item.choice), Some(&lately[1]));
    }

    #[test]
    fn what_people_type_by_habit_comes_first() {
        for (typed, intent) in [
            ("q", Intent::Quit),
            (":q", Intent::Quit),
            ("w", Intent::NextWaiting),
            ("now", Intent::ShowOverview),
            ("runs", Intent::ShowRuns),
            ("approvals", Intent::ShowApprovals),
            ("log", Intent::ShowLog),
            ("help", Intent::Help),
            ("error", Intent::NextError),
        ] {
            let mut palette = palette_after(&[Choice::Do(Intent::Suspend), Choice::Do(Intent::NextTheme)]);
            palette.query.insert(typed);
            palette.search();
            assert_eq!(palette.chosen().map(|item| &item.choice), Some(&Choice::Do(intent)), "{typed}");
        }
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

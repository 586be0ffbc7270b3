//! The form for a new goal: what, by whom, where. Starts nothing itself.

use super::editor::{Editor, Lines};
use super::offers::Offer;
use crate::ports::Sought;

/// Which part of the form takes keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field {
    #[default]
    Goal,
    Agent,
    Workspace,
}

/// What is going on with the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    #[default]
    Editing,
    /// A workspace is being made; keys wait.
    Preparing,
    /// It could not be started: what is wrong, and what to do.
    Refused { message: String, hint: String },
}

/// Files whose path contains what stands behind the `@`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilesOffered {
    /// What they were sought for, without the `@`.
    pub text: String,
    /// `None` while they are being looked for.
    pub found: Option<Vec<String>>,
    /// Place among `found`.
    pub cursor: usize,
}

/// The form with its drafts.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    pub goal: Editor,
    pub workspace: Editor,
    pub field: Field,
    pub agents: Vec<Offer>,
    /// Place among `agents`.
    pub agent: usize,
    pub progress: Progress,
    /// Directories that continue what stands in `workspace`; `None` until asked for.
    pub completions: Option<Vec<String>>,
    /// Files offered for the word behind an `@` in the goal.
    pub files: Option<FilesOffered>,
    /// Files are being looked for, maybe for a word that stands there no more: one search at a time.
    is_seeking: bool,
    /// Earlier goals, newest last.
    past: Vec<String>,
    /// Place among `past`, and the draft that was left to look there.
    looking_back: Option<(usize, String)>,
}

impl Goal {
    pub fn new(agents: Vec<Offer>, past: Vec<String>, workspace: &str) -> Self {
        Self {
            goal: Editor::new(Lines::Many),
            workspace: Editor::with(Lines::One, workspace),
            field: Field::Goal,
            agents,
            agent: 0,
            progress: Progress::Editing,
            completions: None,
            files: None,
            is_seeking: false,
            past,
            looking_back: None,
        }
    }

    pub fn agent_name(&self) -> Option<&str> {
        self.agents.get(self.agent).map(|offer| offer.name.as_str())
    }

    pub fn choose_agent(&mut self, name: &str) {
        if let Some(place) = self.agents.iter().position(|offer| offer.name == name) {
            self.agent = place;
        }
    }

    pub fn next_field(&mut self) {
        self.field = match self.field {
            Field::Goal => Field::Agent,
            Field::Agent => Field::Workspace,
            Field::Workspace => Field::Goal,
        };
        self.completions = None;
    }

    pub fn previous_field(&mut self) {
        self.next_field();
        self.next_field();
    }

    pub fn next_agent(&mut self) {
        self.agent = (self.agent + 1) % self.agents.len().max(1);
    }

    pub fn previous_agent(&mut self) {
        self.agent = self.agent.checked_sub(1).unwrap_or(self.agents.len().saturating_sub(1));
    }

    /// The goal before the one shown; the draft is kept.
    pub fn earlier(&mut self) {
        let place = self.looking_back.as_ref().map_or(self.past.len(), |(place, _)| *place);
        let Some(place) = place.checked_sub(1) else { return };
        let draft = self.looking_back.take().map_or_else(|| self.goal.text(), |(_, draft)| draft);
        self.goal.set(&self.past[place]);
        self.looking_back = Some((place, draft));
    }

    /// The goal after the one shown, and in the end the draft.
    pub fn later(&mut self) {
        let Some((place, draft)) = self.looking_back.take() else { return };
        match self.past.get(place + 1) {
            Some(goal) => {
                self.goal.set(goal);
                self.looking_back = Some((place + 1, draft));
            }
            None => self.goal.set(&draft),
        }
    }

    /// The files to look for now that the goal was changed; `None` when they are offered already, when none are wanted,
    /// and while others are being looked for.
    pub fn seek_files(&mut self) -> Option<Sought> {
        let word = self.goal.word();
        let Some(text) = word.strip_prefix('@').filter(|_| self.field == Field::Goal) else {
            self.files = None;
            return None;
        };
        if self.files.as_ref().is_some_and(|files| files.text == text) {
            return None;
        }
        self.files = Some(FilesOffered { text: text.to_owned(), ..FilesOffered::default() });
        self.seek_next()
    }

    /// The files that are wanted and not looked for yet, unless a search is under way.
    fn seek_next(&mut self) -> Option<Sought> {
        let files = self.files.as_ref().filter(|files| files.found.is_none() && !self.is_seeking)?;
        self.is_seeking = true;
        Some(Sought::Files { workspace: self.workspace.text().trim().to_owned(), text: files.text.clone() })
    }

    /// The file under the cursor of those offered.
    fn offered(&self) -> Option<&String> {
        let files = self.files.as_ref()?;
        files.found.as_ref()?.get(files.cursor)
    }

    pub fn offers_files(&self) -> bool {
        self.offered().is_some()
    }

    /// Writes the path of the file under the cursor in the place of the word.
    pub fn take_file(&mut self) {
        if let Some(path) = self.offered().cloned() {
            self.goal.replace_word(&path);
            self.files = None;
        }
    }

    /// Offers nothing until another text stands behind the `@`.
    pub fn close_files(&mut self) {
        if let Some(files) = &mut self.files {
            files.found = Some(Vec::new());
        }
    }

    pub fn next_file(&mut self) {
        if let Some(files) = &mut self.files {
            let last = files.found.as_ref().map_or(0, Vec::len).saturating_sub(1);
            files.cursor = (files.cursor + 1).min(last);
        }
    }

    pub fn previous_file(&mut self) {
        if let Some(files) = &mut self.files {
            files.cursor = files.cursor.saturating_sub(1);
        }
    }

    /// Takes what was found, unless something else was typed meanwhile: then that is to be looked for next.
    pub fn complete(&mut self, sought: &Sought, found: Vec<String>) -> Option<Sought> {
        match sought {
            Sought::Directories { path } if *path == self.workspace.text() => self.complete_directory(found),
            Sought::Files { text, .. } => {
                self.is_seeking = false;
                if let Some(files) = self.files.as_mut().filter(|files| files.text == *text) {
                    files.found = Some(found);
                }
            }
            Sought::Directories { .. } => {}
        }
        self.seek_next()
    }

    /// A single directory, or what they share.
    fn complete_directory(&mut self, found: Vec<String>) {
        if let Some(shared) = shared_prefix(&found)
            && shared.len() > self.workspace.text().len()
        {
            self.workspace.set(&shared);
        }
        self.completions = Some(found);
    }
}

fn shared_prefix(texts: &[String]) -> Option<String> {
    let (first, rest) = texts.split_first()?;
    let same = |other: &String| first.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let length = rest.iter().map(same).min().unwrap_or_else(|| first.chars().count());
    Some(first.chars().take(length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Goal {
        let offer = |name: &str| Offer { name: name.to_owned(), description: String::new() };
        Goal::new(vec![offer("dev"), offer("ops")], vec!["first".to_owned(), "second".to_owned()], "/src/")
    }

    #[test]
    fn looking_back_keeps_the_draft() {
        let mut form = form();
        form.goal.set("draft");
        form.earlier();
        form.earlier();
        form.earlier();
        assert_eq!(form.goal.text(), "first");
        form.later();
        form.later();
        assert_eq!(form.goal.text(), "draft");
        form.later();
        assert_eq!(form.goal.text(), "draft");
    }

    #[test]
    fn fields_and_agents_go_round() {
        let mut form = form();
        form.previous_field();
        assert_eq!(form.field, Field::Workspace);
        form.previous_agent();
        assert_eq!(form.agent_name(), Some("ops"));
        form.next_agent();
        assert_eq!(form.agent_name(), Some("dev"));
    }

    #[test]
    fn one_search_for_files_is_under_way_at_a_time() {
        let mut form = form();
        let files = |text: &str| Sought::Files { workspace: "/src/".to_owned(), text: text.to_owned() };
        form.goal.set("@p");
        assert_eq!(form.seek_files(), Some(files("p")));
        form.goal.set("@pa");
        assert_eq!(form.seek_files(), None);
        form.goal.set("none");
        assert_eq!(form.seek_files(), None);
        form.goal.set("@par");
        assert_eq!(form.seek_files(), None);
        assert_eq!(form.complete(&files("p"), vec!["p".to_owned()]), Some(files("par")));
        assert!(!form.offers_files(), "what was found is not for this word");
        assert_eq!(form.complete(&files("par"), vec!["par".to_owned()]), None);
        assert!(form.offers_files());
    }

    #[test]
    fn completion_takes_what_is_shared() {
        let mut form = form();
        form.complete_directory(vec!["/src/parser/".to_owned(), "/src/parts/".to_owned()]);
        assert_eq!(form.workspace.text(), "/src/par");
        form.complete_directory(vec!["/src/parser/".to_owned()]);
        assert_eq!(form.workspace.text(), "/src/parser/");
        form.complete_directory(Vec::new());
        assert_eq!((form.workspace.text().as_str(), form.completions), ("/src/parser/", Some(Vec::new())));
    }
}

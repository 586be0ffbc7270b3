//! Kinds that are told by their surfaces, as text: `PLURAL` lists, `PLURAL show ID` prints one, `PLURAL VERB ID …` asks.

use std::io;

use uuid::Uuid;

use super::usage::usage;
use super::{Plain, command};
use crate::console::state::ChartForm;
use crate::console::view::{chart, format};
use crate::domain::{Timestamp, Untrusted};
use crate::kinds::{Document, Stream, Surface, Thing, VerbDoc, complete_ids, read_words};
use crate::ports::{Answer, Query, history};

/// Columns of a line.
const WIDE: usize = 76;

impl Plain<'_> {
    pub(super) async fn of_kind(&mut self, plural: &str, rest: &str) -> io::Result<()> {
        let Some(surface) = Surface::called(plural) else { return Ok(()) };
        let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let (id, words) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
        match (word, surface.verb(word)) {
            ("", _) => {
                let now = self.now();
                let lines = surface.listed(&self.snapshot).iter().map(|thing| line(&surface, thing, now)).collect();
                self.say_all(lines, &format!("There are no {plural} here."))
            }
            ("show", None) => match self.find_thing(&surface, id) {
                Ok(thing) => {
                    let mut lines = page(&surface, &thing);
                    lines.extend(self.chart(thing.stream).await);
                    self.say_all(lines, "")
                }
                Err(problem) => self.fail(&problem, &format!("{plural} lists them")),
            },
            (_, Some(verb)) if verb.begins => self.ask_thing(&surface, verb, Uuid::now_v7(), rest).await,
            (_, Some(verb)) => match self.find_thing(&surface, id) {
                Ok(thing) => self.ask_thing(&surface, verb, thing.id, words).await,
                Err(problem) => self.fail(&problem, &format!("{plural} lists them")),
            },
            (_, None) if surface.documents.iter().any(|document| document.name == word) => {
                let document = surface.documents.iter().find(|document| document.name == word);
                match (document, self.find_thing(&surface, id)) {
                    (Some(document), Ok(thing)) => self.write(document, &thing).await,
                    (_, Err(problem)) => self.fail(&problem, &format!("{plural} lists them")),
                    (None, Ok(_)) => Ok(()),
                }
            }
            (_, None) => self.fail(&format!("{plural} takes no {word:?}"), "help lists the commands"),
        }
    }

    /// What made an incident's alerts fire, in ASCII; nothing where that is not known.
    async fn chart(&self, of: Stream) -> Vec<String> {
        let Stream::Incident(incident) = of else { return Vec::new() };
        match self.client.query(Query::Chart { incident }).await.and_then(Answer::chart) {
            Ok(None) => Vec::new(),
            Ok(Some(chart)) => {
                let query = format!("metric: {}", chart.query.visible());
                std::iter::once(query).chain(chart::lines(&chart, ChartForm::Ascii, WIDE)).collect()
            }
            Err(error) => vec![format!("no chart: {}", Untrusted::from(error.message).visible())],
        }
    }

    async fn write(&mut self, document: &Document, thing: &Thing) -> io::Result<()> {
        let text = match history(&*self.client, thing.stream, thing.about()).await {
            Ok(history) => (document.write)(&history),
            Err(error) => return self.fail(&error.message, &error.hint),
        };
        let lines = Untrusted::from(text.unwrap_or_default()).visible_lines().map(String::from).collect();
        self.say_all(lines, "Its history is no longer in the log.")
    }

    async fn ask_thing(&mut self, surface: &Surface, verb: &VerbDoc, id: Uuid, words: &str) -> io::Result<()> {
        let fields = surface.fields(verb);
        let given = read_words(&fields, words).and_then(|mut given| {
            complete_ids(&fields, &mut given, &self.snapshot)?;
            Ok(given)
        });
        match given.and_then(|given| surface.command(id, verb, given)) {
            Ok(command) => self.submit(command).await,
            Err(problem) => self.fail(&problem, &usage(surface, verb)),
        }
    }

    fn find_thing(&self, surface: &Surface, id: &str) -> Result<Thing, String> {
        let things = surface.things(&self.snapshot);
        let known = things.iter().map(|thing| (thing, thing.id.to_string(), thing.short.clone()));
        command::find(id, known).cloned()
    }
}

fn line(surface: &Surface, thing: &Thing, now: Timestamp) -> String {
    let cells: Vec<_> = thing.cells.iter().map(|cell| cell.visible()).collect();
    let began = match format::ago(thing.began, now).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    };
    format!("{} {} {}, began {began}: {}", surface.name(), thing.short, thing.state, cells.join(", "))
}

fn page(surface: &Surface, thing: &Thing) -> Vec<String> {
    let mut lines =
        vec![format!("{} {}, {}, began {}", surface.name(), thing.id, thing.state, format::instant(thing.began))];
    lines.extend(thing.due.map(|due| format!("due: {}", format::instant(due))));
    for fact in &thing.facts {
        lines.extend(fact.value.visible_lines().map(|line| format!("{}: {line}", fact.name)));
    }
    lines
}

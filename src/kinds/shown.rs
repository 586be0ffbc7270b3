//! What a kind says of itself so that every surface can list it, show it and take its verbs without knowing it.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::command::{Command, Commanded};
use super::document::Document;
use super::field::{Field, fields_of, variant};
use super::look::Look;
use super::row::Row;
use super::row_key::{RowKind, Rowed};
use super::stream::Stream;
use super::survey::Survey;
use super::table::with_kinds;
use super::verb::{Declared, Verb, VerbDoc};
use super::world::World;
use crate::domain::{Action, ShortId, Timestamp, Untrusted};

/// A kind that lists and pages show by what it says here. Runs and requests have pages of their own instead.
pub trait Shown: Rowed + Commanded + JsonSchema {
    /// What lists show of it, besides id, state and when it began.
    const COLUMNS: &'static [Column];

    /// The states that it goes through, in the order in which lists offer them.
    const STATES: &'static [&'static str];

    /// What can be written about one of them.
    const DOCUMENTS: &'static [Document] = &[];

    /// What can be counted over all of them.
    const SURVEYS: &'static [Survey] = &[];

    /// What is said where there is none.
    const EMPTY: &'static str = "Nothing here.";

    /// The words under `COLUMNS`, one each.
    fn cells(&self) -> Vec<Untrusted>;

    /// Everything that its page shows, from top to bottom.
    fn facts(&self) -> Vec<Fact>;

    /// How its state is to be taken.
    fn look(&self) -> Look;

    /// Lists have the most urgent first, and the newest of those.
    fn urgency(&self) -> u8 {
        0
    }

    /// Whether nobody has taken it up yet who must.
    fn needs_somebody(&self) -> bool {
        false
    }

    /// Whether the verb of this name could be carried out now: as long as it cannot, it is not offered.
    fn takes(&self, _verb: &str) -> Takes {
        Takes::Anything
    }
}

/// Whether a thing takes a verb now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// With as much as the verb needs.
    Anything,
    /// With something that may usually be left out.
    Words,
    Nothing,
}

/// A column of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub title: &'static str,
    /// Cells that it has where there is room; `None` for the one that takes what is left.
    pub width: Option<usize>,
}

/// A line of a page: what it is called, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Of several lines of one name, pages show it once.
    pub name: &'static str,
    pub value: Untrusted,
    pub look: Look,
    /// When it happened.
    pub at: Option<Timestamp>,
    /// What it is about, which has a page of its own.
    pub of: Option<Stream>,
}

impl Fact {
    pub fn new(name: &'static str, value: impl Into<Untrusted>) -> Self {
        Self { name, value: value.into(), look: Look::Plain, at: None, of: None }
    }

    pub fn look(self, look: Look) -> Self {
        Self { look, ..self }
    }

    pub fn at(self, at: Timestamp) -> Self {
        Self { at: Some(at), ..self }
    }

    pub fn of(self, of: Stream) -> Self {
        Self { of: Some(of), ..self }
    }
}

/// One thing of a kind, as surfaces have it that do not know the kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    pub kind: RowKind,
    pub stream: Stream,
    pub id: Uuid,
    /// The end of its id, as people quote it.
    pub short: String,
    pub version: u64,
    pub state: &'static str,
    pub look: Look,
    pub urgency: u8,
    pub needs_somebody: bool,
    pub is_open: bool,
    pub began: Timestamp,
    /// When time alone asks for something.
    pub due: Option<Timestamp>,
    pub cells: Vec<Untrusted>,
    pub facts: Vec<Fact>,
    /// All of it, for scripts: of one that was read from a store. What is painted needs none.
    pub json: Value,
}

impl Thing {
    pub fn of<K: Shown>(kept: &K) -> Self {
        Self { facts: kept.facts(), ..Self::listed(kept) }
    }

    /// What a row of a list needs: all but the facts, which may be many.
    pub fn listed<K: Shown>(kept: &K) -> Self {
        let (id, index): (Uuid, _) = (kept.id().into(), kept.index());
        Self {
            kind: K::KIND,
            stream: K::stream(kept.id()),
            id,
            short: ShortId::of(id),
            version: kept.version(),
            state: index.state,
            look: kept.look(),
            urgency: kept.urgency(),
            needs_somebody: kept.needs_somebody(),
            is_open: index.is_open,
            began: index.sort,
            due: index.due,
            cells: kept.cells(),
            facts: Vec::new(),
            json: Value::Null,
        }
    }

    /// The streams of what it is about.
    pub fn about(&self) -> Vec<Stream> {
        self.facts.iter().filter_map(|fact| fact.of).collect()
    }

    /// What tells it from others: the cell that takes the room.
    pub fn title(&self, surface: &Surface) -> Untrusted {
        let place = surface.columns.iter().position(|column| column.width.is_none()).unwrap_or(0);
        self.cells.get(place).cloned().unwrap_or_default()
    }
}

/// A kind as surfaces have it that do not know it.
#[derive(Clone, Copy)]
pub struct Surface {
    pub kind: RowKind,
    /// What several of them are called: in commands, paths and titles.
    pub plural: &'static str,
    /// What somebody must be allowed to do to see them.
    pub reading: Action,
    pub columns: &'static [Column],
    pub states: &'static [&'static str],
    pub empty: &'static str,
    pub documents: &'static [Document],
    pub surveys: &'static [Survey],
    /// Those that people ask for.
    verbs: &'static [VerbDoc],
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    verb_schema: fn(&mut SchemaGenerator) -> Schema,
    fields: fn(&str) -> Vec<Field>,
    things: fn(&dyn World) -> Vec<Thing>,
    listed: fn(&dyn World) -> Vec<Thing>,
    needing: fn(&dyn World) -> Vec<Thing>,
    count_needing: fn(&dyn World) -> usize,
    thing: fn(&dyn World, Uuid) -> Option<Thing>,
    takes: fn(&dyn World, Uuid, &str) -> Takes,
    read: fn(&str) -> serde_json::Result<Thing>,
    command: fn(Uuid, Value) -> serde_json::Result<Command>,
}

impl Surface {
    pub fn of<K: Shown>() -> Self {
        Self {
            kind: K::KIND,
            plural: K::PLURAL,
            reading: K::READING,
            columns: K::COLUMNS,
            states: K::STATES,
            empty: K::EMPTY,
            documents: K::DOCUMENTS,
            surveys: K::SURVEYS,
            verbs: K::Verb::ALL,
            schema: SchemaGenerator::subschema_for::<K>,
            verb_schema: K::Verb::json_schema,
            fields: fields_of::<K::Verb>,
            things: |world| most_urgent_first::<K>(world, |_| true).into_iter().map(Thing::of).collect(),
            listed: |world| most_urgent_first::<K>(world, |_| true).into_iter().map(Thing::listed).collect(),
            needing: |world| most_urgent_first(world, K::needs_somebody).into_iter().map(Thing::listed).collect(),
            count_needing: |world| K::table(world).values().filter(|kept| kept.needs_somebody()).count(),
            thing: |world, id| K::table(world).get(&id.into()).map(Thing::of),
            takes: |world, id, verb| K::table(world).get(&id.into()).map_or(Takes::Nothing, |kept| kept.takes(verb)),
            read: |body| {
                let kept: K = serde_json::from_str(body)?;
                Ok(Thing { json: serde_json::to_value(&kept)?, ..Thing::of(&kept) })
            },
            command: |id, verb| {
                let verb: K::Verb = serde_json::from_value(verb)?;
                Ok(K::command(verb.begins_as().unwrap_or(id).into(), verb))
            },
        }
    }

    pub fn of_kind(kind: RowKind) -> Option<Self> {
        Self::all().into_iter().find(|surface| surface.kind == kind)
    }

    /// By what several of them are called.
    pub fn called(plural: &str) -> Option<Self> {
        Self::all().into_iter().find(|surface| surface.plural == plural)
    }

    /// Of the kind that a stream is of.
    pub fn of_stream(stream: Stream) -> Option<Self> {
        Self::of_kind(stream.row()?.kind)
    }

    /// What one of them is called.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    pub fn verbs(&self) -> impl Iterator<Item = &'static VerbDoc> + use<> {
        self.verbs.iter().filter(|verb| verb.is_for_people())
    }

    pub fn verb(&self, name: &str) -> Option<&'static VerbDoc> {
        self.verbs().find(|verb| verb.name == name)
    }

    /// What a verb takes.
    pub fn fields(&self, verb: &VerbDoc) -> Vec<Field> {
        (self.fields)(verb.name)
    }

    /// The schema of what a verb takes.
    pub fn body(&self, verb: &VerbDoc, generator: &mut SchemaGenerator) -> Schema {
        let all = (self.verb_schema)(generator).to_value();
        let mut body = variant(&all, verb.name).cloned().unwrap_or_default();
        if let Some(properties) = body["properties"].as_object_mut() {
            properties.remove("command");
        }
        if let Some(required) = body["required"].as_array_mut() {
            required.retain(|name| name != "command");
        }
        Schema::try_from(body).unwrap_or_default()
    }

    /// Those in memory, the most urgent first, and of those the newest.
    pub fn things(&self, world: &dyn World) -> Vec<Thing> {
        (self.things)(world)
    }

    /// The same as rows need them: without their facts.
    pub fn listed(&self, world: &dyn World) -> Vec<Thing> {
        (self.listed)(world)
    }

    /// Those that nobody has taken up yet, without their facts.
    pub fn needing(&self, world: &dyn World) -> Vec<Thing> {
        (self.needing)(world)
    }

    pub fn count_needing(&self, world: &dyn World) -> usize {
        (self.count_needing)(world)
    }

    pub fn thing(&self, world: &dyn World, id: Uuid) -> Option<Thing> {
        (self.thing)(world, id)
    }

    /// Whether one that is in memory takes the verb of this name now.
    pub fn takes(&self, world: &dyn World, id: Uuid, verb: &str) -> Takes {
        (self.takes)(world, id, verb)
    }

    /// One as a store keeps it.
    pub fn read(&self, row: &Row) -> serde_json::Result<Thing> {
        (self.read)(&row.body)
    }

    /// The command that asks `verb` of one of them, or of a new one: with that id, unless the new one's follows from what
    /// it begins with. Else what is wrong with what was given.
    pub fn command(&self, id: Uuid, verb: &VerbDoc, given: Map<String, Value>) -> Result<Command, String> {
        let known: Vec<_> = self.fields(verb).into_iter().map(|field| field.name).collect();
        if let Some(name) = given.keys().find(|name| !known.contains(name)) {
            let names = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
            return Err(format!("{} takes {names}, and not {name:?}", verb.name));
        }
        let mut asked = given;
        asked.insert("command".to_owned(), verb.name.into());
        (self.command)(id, asked.into()).map_err(|error| format!("{}: {error}", verb.name))
    }
}

fn most_urgent_first<K: Shown>(world: &dyn World, is_wanted: fn(&K) -> bool) -> Vec<&K> {
    let mut kept: Vec<_> = K::table(world).values().rev().filter(|kept| is_wanted(kept)).collect();
    kept.sort_by_key(|kept| std::cmp::Reverse(kept.urgency()));
    kept
}

/// Says of every kind in the table how it is shown.
pub trait Surfaced: Rowed {
    /// `Surface::of` itself; `None` for a kind that has pages and commands of its own.
    fn surface() -> Option<Surface> {
        None
    }
}

macro_rules! define_surfaces {
    (kept { $($Kept:ident = $kept:literal, $table:ident, $tag:literal;)* } events { $($bare:tt)* }) => {
        impl Surface {
            /// Of every kind that is shown by what it says of itself.
            pub fn all() -> Vec<Self> {
                [$(<$crate::kinds::$Kept as Surfaced>::surface()),*].into_iter().flatten().collect()
            }
        }
    };
}

with_kinds!(define_surfaces);

//! The commands of every kind that is told by its surface: `morningai PLURAL` lists, `show ID` shows one, and each verb
//! is a command below it, whose arguments are what the verb takes.

use clap::builder::{PossibleValuesParser, StringValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::exit::Exit;
use super::failure::Failure;
use super::host::Part;
use super::table::table;
use super::{Context, Form, find, time};
use crate::kinds::{Field, Form as FieldForm, Surface, Thing, VerbDoc};
use crate::ports::Client;
use crate::shape;

/// Names of arguments; fields have lower case.
const ID: &str = "ID";
const STATE: &str = "STATE";
const LIMIT: &str = "LIMIT";

const USUAL: &str = "50";

/// What somebody asked of a kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    plural: &'static str,
    what: What,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    List { state: Option<String>, limit: u32 },
    Show { id: String },
    Verb { name: &'static str, id: Option<String>, given: Map<String, Value> },
}

impl Asked {
    /// Whether it only looks.
    pub fn only_looks(&self) -> bool {
        !matches!(self.what, What::Verb { .. })
    }
}

/// A command for each kind.
pub fn commands() -> impl Iterator<Item = clap::Command> {
    Surface::all().into_iter().map(|surface| {
        let state = Arg::new(STATE).long("state").value_name("STATE").help("Only those in this state");
        let limit = Arg::new(LIMIT).long("limit").value_name("N").default_value(USUAL).value_parser(value_parser!(u32));
        let show = clap::Command::new("show").about("Everything about one").arg(id(&surface).required(true));
        clap::Command::new(surface.plural)
            .about(format!("List {}; `show ID` for one", surface.plural))
            .args_conflicts_with_subcommands(true)
            .arg(state)
            .arg(limit.help("How many of those that ended"))
            .subcommand(show)
            .subcommands(surface.verbs().map(|verb| command(&surface, verb)))
    })
}

fn id(surface: &Surface) -> Arg {
    let help = format!("The {}: its id, any unique prefix of it, or its last 8 digits", surface.name());
    Arg::new(ID).help(help)
}

fn command(surface: &Surface, verb: &VerbDoc) -> clap::Command {
    let which = match verb.begins {
        true => Arg::new(ID).long("id").value_name("UUID").help("Its id, of your choice: asking twice makes one"),
        false => id(surface).required(true),
    };
    clap::Command::new(verb.name).about(verb.about).arg(which).args(surface.fields(verb).iter().map(argument))
}

/// What must be given stands in its place; all else is an option.
fn argument(field: &Field) -> Arg {
    let name = field.name.clone();
    let argument = Arg::new(name.clone()).help(field.about.trim_end_matches('.').to_owned());
    let argument = match &field.form {
        FieldForm::OneOf(known) => argument.value_parser(PossibleValuesParser::new(known.clone())),
        FieldForm::Text | FieldForm::Number | FieldForm::Flag | FieldForm::Json => {
            argument.value_parser(StringValueParser::new())
        }
    };
    match (field.is_required, &field.form) {
        (true, _) => argument.required(true).value_name(name.to_uppercase()),
        (false, FieldForm::Flag) => {
            argument.long(name).action(ArgAction::Set).num_args(0..=1).default_missing_value("true")
        }
        (false, _) => argument.value_name(name.to_uppercase()).long(name),
    }
}

/// What was asked, if it was asked of one of these kinds.
pub fn asked(matches: &ArgMatches) -> Result<Option<Asked>, clap::Error> {
    let Some((name, matches)) = matches.subcommand() else { return Ok(None) };
    let Some(surface) = Surface::all().into_iter().find(|surface| surface.plural == name) else { return Ok(None) };
    let text = |matches: &ArgMatches, name: &str| matches.get_one::<String>(name).cloned();
    let what = match matches.subcommand() {
        None => What::List { state: text(matches, STATE), limit: matches.get_one(LIMIT).copied().unwrap_or_default() },
        Some((name, below)) => match surface.verb(name) {
            None => What::Show { id: text(below, ID).unwrap_or_default() },
            Some(verb) => {
                What::Verb { name: verb.name, id: text(below, ID), given: given(&surface.fields(verb), below)? }
            }
        },
    };
    Ok(Some(Asked { plural: surface.plural, what }))
}

fn given(fields: &[Field], matches: &ArgMatches) -> Result<Map<String, Value>, clap::Error> {
    let mut given = Map::new();
    for field in fields {
        if matches.value_source(&field.name) == Some(ValueSource::CommandLine)
            && let Some(word) = matches.get_one::<String>(&field.name)
        {
            let value = field.read(word).map_err(|wrong| clap::Error::raw(ErrorKind::ValueValidation, wrong + "\n"))?;
            given.insert(field.name.clone(), value);
        }
    }
    Ok(given)
}

pub async fn perform(mut context: Context<'_>, asked: Asked) -> Result<Exit, Failure> {
    let surface = Surface::all().into_iter().find(|surface| surface.plural == asked.plural);
    let surface = surface.ok_or_else(|| Failure::usage(format!("there are no {} here", asked.plural)))?;
    let part = if asked.only_looks() { Part::Reader } else { Part::Clerk };
    let session = context.host.session(part).await?;
    let done = match asked.what {
        What::List { state, limit } => list(&mut context, session.client(), &surface, state.as_deref(), limit).await,
        What::Show { id } => show(&mut context, session.client(), &surface, &id).await,
        What::Verb { name, id, given } => {
            submit(&mut context, session.client(), &surface, (name, id.as_deref(), given)).await
        }
    };
    session.close().await;
    done.map(|()| Exit::Done)
}

async fn list(
    context: &mut Context<'_>,
    client: &dyn Client,
    surface: &Surface,
    state: Option<&str>,
    limit: u32,
) -> Result<(), Failure> {
    let (snapshot, _) = client.open().await?;
    let things = shape::things(client, &snapshot, surface, state, limit).await?;
    match context.form {
        Form::Json => things.iter().try_for_each(|thing| context.output.json(&thing.json)),
        Form::Text if things.is_empty() => context.output.line(&format!("no {}", surface.plural)),
        Form::Text => context.output.line(&page(surface, &things)),
    }
}

/// The column that takes what is left stands last.
fn page(surface: &Surface, things: &[Thing]) -> String {
    let mut columns: Vec<_> = surface.columns.iter().enumerate().collect();
    columns.sort_by_key(|(_, column)| column.width.is_none());
    let titles: Vec<_> = columns.iter().map(|(_, column)| column.title.to_uppercase()).collect();
    let heads: Vec<_> = ["ID", "STATE", "BEGAN"].into_iter().chain(titles.iter().map(String::as_str)).collect();
    let row = |thing: &Thing| {
        let cells = columns.iter().map(|(place, _)| thing.cells.get(*place));
        let cells = cells.map(|cell| cell.map(|cell| cell.visible().into_owned()).unwrap_or_default());
        let known = [thing.short.clone(), thing.state.to_owned(), time::shown(thing.began)];
        known.into_iter().chain(cells).collect()
    };
    table(&heads, &things.iter().map(row).collect::<Vec<_>>())
}

async fn show(context: &mut Context<'_>, client: &dyn Client, surface: &Surface, given: &str) -> Result<(), Failure> {
    let (snapshot, _) = client.open().await?;
    let thing = find::thing(client, &snapshot, surface, given).await?;
    match context.form {
        Form::Json => context.output.json(&thing.json),
        Form::Text => context.output.line(&detail(surface, &thing)),
    }
}

fn detail(surface: &Surface, thing: &Thing) -> String {
    let width = thing.facts.iter().map(|fact| fact.name.len()).max().unwrap_or(0).max("began".len());
    let mut lines = vec![format!("{} {}  {}", surface.name(), thing.id, thing.state)];
    lines.push(format!("  {:<width$}  {}", "began", time::shown(thing.began)));
    lines.extend(thing.due.map(|due| format!("  {:<width$}  {}", "due", time::shown(due))));
    let fact = |fact: &crate::kinds::Fact| format!("  {:<width$}  {}", fact.name, fact.value.visible());
    lines.extend(thing.facts.iter().map(fact));
    lines.join("\n")
}

async fn submit(
    context: &mut Context<'_>,
    client: &dyn Client,
    surface: &Surface,
    (name, id, given): (&str, Option<&str>, Map<String, Value>),
) -> Result<(), Failure> {
    let verb = surface.verb(name).ok_or_else(|| Failure::usage(format!("{} takes no {name}", surface.name())))?;
    let (mut snapshot, _) = client.open().await?;
    let before = match verb.begins {
        true => None,
        false => Some(find::thing(client, &snapshot, surface, id.unwrap_or_default()).await?),
    };
    let id = match (&before, id) {
        (Some(thing), _) => thing.id,
        (None, None) => Uuid::now_v7(),
        (None, Some(id)) => {
            id.parse().map_err(|_| Failure::usage(format!("{id:?} is not a UUID")).next("leave --id out"))?
        }
    };
    let command = surface.command(id, verb, given).map_err(Failure::usage)?;
    for envelope in client.submit(command, context.host.person()).await? {
        snapshot.apply(&envelope);
    }
    let after = surface.thing(&snapshot, id).or(before);
    let Some(after) = after else { return context.output.line(&id.to_string()) };
    match context.form {
        Form::Json => context.output.json(&after.json),
        Form::Text => context.output.line(&format!("{} {} is {}", surface.name(), after.id, after.state)),
    }
}

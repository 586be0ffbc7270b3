//! The commands of every kind that is told by its surface: `morningai PLURAL` lists, `show ID` shows one, and each verb
//! is a command below it, whose arguments are what the verb takes.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::host::Part;
use super::kinds_args::{Asked, What};
use super::record::{Recorded, record};
use super::table::table;
use super::{find, time};
use crate::domain::Untrusted;
use crate::kinds::{Surface, SurveyLine, Thing};
use crate::ports::{Client, Clock, SystemClock, history, read_survey};
use crate::shape;

pub async fn perform(mut context: Context<'_>, asked: Asked) -> Result<Exit, Failure> {
    let surface = Surface::called(asked.plural);
    let surface = surface.ok_or_else(|| Failure::usage(format!("there are no {} here", asked.plural)))?;
    if let What::Export { id, output } = &asked.what {
        return record(context, Recorded::Thing(&surface, id), output.as_deref()).await;
    }
    let part = if asked.only_looks() { Part::Reader } else { Part::Clerk };
    let session = context.host.session(part).await?;
    let done = match asked.what {
        What::List { state, limit } => list(&mut context, session.client(), &surface, state.as_deref(), limit).await,
        // Done above: it needs no session that lasts.
        What::Export { .. } => Ok(()),
        What::Show { id } => show(&mut context, session.client(), &surface, &id).await,
        What::Document { name, id } => write(&mut context, session.client(), &surface, (&name, &id)).await,
        What::Survey { name, since } => count(&mut context, session.client(), &surface, (&name, &since)).await,
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
    let things = shape::things(client, surface, state, limit).await?;
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
    let thing = find::thing(client, surface, given).await?;
    match context.form {
        Form::Json => context.output.json(&thing.json),
        Form::Text => context.output.line(&detail(surface, &thing)),
    }
}

/// One of the documents about a thing.
async fn write(
    context: &mut Context<'_>,
    client: &dyn Client,
    surface: &Surface,
    (name, given): (&str, &str),
) -> Result<(), Failure> {
    let thing = find::thing(client, surface, given).await?;
    let history = history(client, thing.stream, thing.about()).await?;
    let document = surface.documents.iter().find(|document| document.name == name);
    let text = document.and_then(|document| (document.write)(&history));
    let text =
        text.ok_or_else(|| Failure::failed(format!("the log has no history of {} {}", surface.name(), thing.id)))?;
    match context.form {
        Form::Json => context.output.json(&serde_json::json!({ "id": thing.id, name: text })),
        Form::Text => {
            let text = Untrusted::from(text.trim_end());
            context.output.line(&text.visible_lines().collect::<Vec<_>>().join("\n"))
        }
    }
}

/// One of the tables over all of them.
async fn count(
    context: &mut Context<'_>,
    client: &dyn Client,
    surface: &Surface,
    (name, since): (&str, &str),
) -> Result<(), Failure> {
    let Some(survey) = surface.surveys.iter().find(|survey| survey.name == name) else { return Ok(()) };
    let since = shape::past(since, SystemClock.now())
        .map_err(|error| Failure::usage(format!("--since {since:?}: {error}")).next(error.hint()))?;
    let lines = read_survey(client, survey, since).await?;
    match context.form {
        Form::Json => lines.iter().try_for_each(|line| context.output.json(&line.json)),
        Form::Text if lines.is_empty() => {
            context.output.line(&format!("nothing happened to {} since {}", surface.plural, time::shown(since)))
        }
        Form::Text => {
            let titles: Vec<_> = survey.columns.iter().map(|title| title.to_uppercase()).collect();
            let heads: Vec<_> = titles.iter().map(String::as_str).collect();
            let row = |line: &SurveyLine| line.cells.iter().map(|cell| cell.visible().into_owned()).collect();
            context.output.line(&table(&heads, &lines.iter().map(row).collect::<Vec<_>>()))
        }
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
    (name, id, mut given): (&str, Option<&str>, Map<String, Value>),
) -> Result<(), Failure> {
    let verb = surface.verb(name).ok_or_else(|| Failure::usage(format!("{} takes no {name}", surface.name())))?;
    let id = match (verb.begins, id) {
        (false, id) => find::thing(client, surface, id.unwrap_or_default()).await?.id,
        (true, None) => Uuid::now_v7(),
        (true, Some(id)) => {
            id.parse().map_err(|_| Failure::usage(format!("{id:?} is not a UUID")).next("leave --id out"))?
        }
    };
    find::whole_ids(client, &surface.fields(verb), &mut given).await?;
    let command = surface.command(id, verb, given).map_err(Failure::usage)?;
    let (_, id) = command.stream().parts();
    client.submit(command, context.host.person()).await?;
    let after = find::thing(client, surface, &id.to_string()).await?;
    match context.form {
        Form::Json => context.output.json(&after.json),
        Form::Text => context.output.line(&format!("{} {} is {}", surface.name(), after.id, after.state)),
    }
}

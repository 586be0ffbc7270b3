//! The command line of every kind that is told by its surface, as data.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, StringValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use serde_json::{Map, Value};

use crate::kinds::{Field, Form, Rowed, Surface, VerbDoc};

/// Names of arguments; fields have lower case.
const ID: &str = "ID";

const STATE: &str = "STATE";

const EXPORT: &str = "export";

const SINCE: &str = "SINCE";

const OUTPUT: &str = "OUTPUT";

const LIMIT: &str = "LIMIT";

const USUAL: &str = "50";

/// What somebody asked of a kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub(super) plural: &'static str,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    List { state: Option<String>, limit: u32 },
    Show { id: String },
    Export { id: String, output: Option<PathBuf> },
    Document { name: String, id: String },
    Survey { name: String, since: String },
    Verb { name: &'static str, id: Option<String>, given: Map<String, Value> },
}

impl Asked {
    /// Whether all of a kind are to be listed.
    pub fn lists<K: Rowed>(&self) -> bool {
        self.plural == K::PLURAL && matches!(self.what, What::List { state: None, .. })
    }

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
        let show = clap::Command::new("show").about("Show one in full").arg(id(&surface).required(true));
        clap::Command::new(surface.plural)
            .about(format!("List {}; `show ID` for one", surface.plural))
            .visible_aliases((surface.name() != surface.plural).then_some(surface.name()))
            .args_conflicts_with_subcommands(true)
            .arg(state)
            .arg(limit.help(format!("How many ended {} to list", surface.plural)))
            .subcommand(show)
            .subcommand(export(&surface))
            .subcommands(surface.documents.iter().map(|document| {
                clap::Command::new(document.name).about(document.about).arg(id(&surface).required(true))
            }))
            .subcommands(surface.surveys.iter().map(|survey| {
                let since = Arg::new(SINCE).long("since").value_name("TIME").default_value("7d");
                clap::Command::new(survey.name)
                    .about(survey.about)
                    .arg(since.help("From then on: a time, a date, or how long ago, as 7d"))
            }))
            .subcommands(surface.verbs().map(|verb| command(&surface, verb)))
    })
}

fn export(surface: &Surface) -> clap::Command {
    let output = Arg::new(OUTPUT).short('o').long("output").value_name("FILE").value_parser(value_parser!(PathBuf));
    clap::Command::new(EXPORT)
        .about("Write one with all that belongs to it as a recording, which `demo` checks and replays")
        .arg(id(surface).required(true))
        .arg(output.help("A new file; standard output without it"))
}

fn id(surface: &Surface) -> Arg {
    let help = format!("The {}: its id, any unique prefix of it, or its last 8 digits", surface.name());
    Arg::new(ID).help(help)
}

fn command(surface: &Surface, verb: &VerbDoc) -> clap::Command {
    let which = match verb.begins {
        true => Arg::new(ID)
            .long("id")
            .value_name("UUID")
            .help("An id you choose; repeating the command with it creates nothing twice"),
        false => id(surface).required(true),
    };
    clap::Command::new(verb.name).about(verb.about).arg(which).args(surface.fields(verb).iter().map(argument))
}

/// What must be given stands in its place; all else is an option.
fn argument(field: &Field) -> Arg {
    let name = field.name.clone();
    let argument = Arg::new(name.clone()).help(field.about.trim_end_matches('.').to_owned());
    let argument = match &field.form {
        Form::OneOf(known) => argument.value_parser(PossibleValuesParser::new(known.clone())),
        Form::Text | Form::Number | Form::Flag | Form::Id(_) | Form::Json => {
            argument.value_parser(StringValueParser::new())
        }
    };
    match (field.is_required, &field.form) {
        (true, _) => argument.required(true).value_name(name.to_uppercase()),
        (false, Form::Flag) => argument.long(name).action(ArgAction::Set).num_args(0..=1).default_missing_value("true"),
        (false, _) => argument.value_name(name.to_uppercase()).long(name),
    }
}

/// What was asked, if it was asked of one of these kinds.
pub fn asked(matches: &ArgMatches) -> Result<Option<Asked>, clap::Error> {
    let Some((name, matches)) = matches.subcommand() else { return Ok(None) };
    let Some(surface) = Surface::called(name) else { return Ok(None) };
    let text = |matches: &ArgMatches, name: &str| matches.get_one::<String>(name).cloned();
    let what = match matches.subcommand() {
        None => What::List { state: text(matches, STATE), limit: matches.get_one(LIMIT).copied().unwrap_or_default() },
        Some((name, below)) => match surface.verb(name) {
            None if surface.documents.iter().any(|document| document.name == name) => {
                What::Document { name: name.to_owned(), id: text(below, ID).unwrap_or_default() }
            }
            None if surface.surveys.iter().any(|survey| survey.name == name) => {
                What::Survey { name: name.to_owned(), since: text(below, SINCE).unwrap_or_default() }
            }
            None if name == EXPORT => What::Export {
                id: text(below, ID).unwrap_or_default(),
                output: below.get_one::<PathBuf>(OUTPUT).cloned(),
            },
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

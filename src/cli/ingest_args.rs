//! The options of `ingest`, as data.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::feeds::{SOURCES, Source};

#[derive(Debug, Args)]
pub struct IngestOptions {
    /// The program that sent the alerts
    #[arg(value_parser = sources())]
    pub source: &'static Source,
    /// The body that it posts to a webhook; `-` for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
}

fn sources() -> impl TypedValueParser<Value = &'static Source> {
    let values = SOURCES.iter().map(|source| PossibleValue::new(source.name).help(source.about));
    PossibleValuesParser::new(values).try_map(|name| Source::named(&name).ok_or("there is no such source"))
}

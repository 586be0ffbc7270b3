//! `morningai ingest`: takes in what a source of alerts would post to the receiver of `serve`.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::find;
use super::host::Part;
use super::ingest_args::IngestOptions;
use crate::domain::Actor;
use crate::feeds::{Heard, LARGEST_BODY};
use crate::kinds::{Command, Surface};
use crate::ports::{Client, Clock, SystemClock};

pub async fn ingest(mut context: Context<'_>, options: IngestOptions) -> Result<Exit, Failure> {
    let shown =
        if options.file == Path::new("-") { "standard input".into() } else { options.file.display().to_string() };
    let body = read(&options.file).map_err(|failure| failure.at(shown.as_str()))?;
    let grouping = context.host.grouping();
    let heard = options.source.read(&body, &grouping);
    let heard = heard.map_err(|error| Failure::usage(error.message).at(shown.as_str()).next(error.hint))?;
    let commands = match heard {
        Heard::Alerts(commands) => commands,
        Heard::Ignored(why) => {
            if context.form == Form::Text {
                context.output.line(&format!("nothing about an incident: {why}"))?;
            }
            return Ok(Exit::Done);
        }
    };
    let session = context.host.session(Part::Clerk).await?;
    for window in context.host.maintenance(SystemClock.now()) {
        session.client().submit(window, Actor::System).await?;
    }
    let taken = take_in(&mut context, session.client(), commands).await;
    session.close().await;
    taken.map(|()| Exit::Done)
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let most = LARGEST_BODY as u64 + 1;
    let read = match file == Path::new("-") {
        true => std::io::stdin().take(most).read_to_end(&mut body),
        false => std::fs::File::open(file).and_then(|file| file.take(most).read_to_end(&mut body)),
    };
    read.map_err(|error| Failure::usage(format!("it cannot be read: {error}")).next("check the path"))?;
    match body.len() > LARGEST_BODY {
        true => Err(Failure::usage(format!("it is larger than {} MB", LARGEST_BODY / 1024 / 1024))
            .next("a webhook's body is smaller; is this one?")),
        false => Ok(body),
    }
}

/// Submits all of it, and says how the incidents are that it changed.
async fn take_in(context: &mut Context<'_>, client: &dyn Client, commands: Vec<Command>) -> Result<(), Failure> {
    let mut changed = BTreeSet::new();
    for command in commands {
        let events = client.submit(command, Actor::System).await?;
        changed.extend(events.into_iter().map(|event| event.stream));
    }
    for stream in &changed {
        let Some(surface) = Surface::of_stream(*stream) else { continue };
        let thing = find::thing(client, &surface, &stream.parts().1.to_string()).await?;
        match context.form {
            Form::Json => context.output.json(&thing.json)?,
            Form::Text => {
                let title = thing.title(&surface);
                let line = format!("{} {} is {}: {}", surface.name(), thing.short, thing.state, title.visible());
                context.output.line(&line)?;
            }
        }
    }
    match (changed.is_empty(), context.form) {
        (true, Form::Text) => context.output.line("nothing new"),
        _ => Ok(()),
    }
}

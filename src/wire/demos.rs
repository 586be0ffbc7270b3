//! Recordings that come with the program, and those from files.

use std::path::Path;
use std::sync::Arc;

use super::Wire;
use super::places::read;
use crate::cli::{DemoOptions, Exit, Failure, Output};
use crate::client::{Recording, RecordingError};

/// Name, what one sees, and the recording.
const BUNDLED: &[(&str, &str, &str)] = &[
    (
        "fixed-test",
        "an agent mends a failing test, commits, and asks before it pushes",
        include_str!("../../assets/demos/fixed-test.ndjson"),
    ),
    (
        "denied-push",
        "the push is denied, and the agent takes another way",
        include_str!("../../assets/demos/denied-push.ndjson"),
    ),
    (
        "machine-check",
        "the bundled procedure looks at a machine; no model",
        include_str!("../../assets/demos/machine-check.ndjson"),
    ),
];

impl Wire {
    /// `morningai demo`: lists the bundled recordings, or replays one.
    pub async fn demo(self: Arc<Self>, options: DemoOptions, output: &mut Output) -> Result<Exit, Failure> {
        if options.list {
            return self.list_demos(output).map(|()| Exit::Done);
        }
        if !(0.1..=100.0).contains(&options.speed) {
            return Err(Failure::usage(format!("a speed of {} makes no sense", options.speed))
                .next("give a number from 0.1 to 100"));
        }
        let recording = find(options.recording.as_deref())?;
        self.show(recording, options.speed).await
    }

    fn list_demos(&self, output: &mut Output) -> Result<(), Failure> {
        for (name, about, text) in BUNDLED {
            if self.options.json {
                let recording = Recording::parse(name, text).map_err(broken)?;
                let seconds = recording.length().as_secs_f64();
                output.json(&Demo { name, title: &recording.title, about, seconds, events: recording.events.len() })?;
            } else {
                output.line(&format!("{name:14} {about}"))?;
            }
        }
        Ok(())
    }
}

/// A bundled recording as scripts see it.
#[derive(serde::Serialize)]
struct Demo<'a> {
    name: &'a str,
    /// The goal of the run in it.
    title: &'a str,
    about: &'a str,
    /// How long it plays at the speed it was recorded at.
    seconds: f64,
    events: usize,
}

/// The first bundled one, one by name, or a file.
pub(super) fn find(wanted: Option<&str>) -> Result<Recording, Failure> {
    let names = || BUNDLED.iter().map(|(name, _, _)| *name).collect::<Vec<_>>().join(", ");
    let bundled = match wanted {
        None => BUNDLED.first(),
        Some(wanted) => BUNDLED.iter().find(|(name, _, _)| *name == wanted),
    };
    if let Some((name, _, text)) = bundled {
        return Recording::parse(name, text).map_err(broken);
    }
    let path = Path::new(wanted.unwrap_or_default());
    if !path.exists() {
        let what = format!("there is no recording {:?}", wanted.unwrap_or_default());
        return Err(Failure::usage(what).next(format!("name a file, or one of: {}", names())));
    }
    let source = read(path, "recording")?;
    Recording::parse(&source.name, &source.text).map_err(broken)
}

fn broken(error: RecordingError) -> Failure {
    Failure::usage(error.problem)
        .at(format!("{}, line {}", error.file, error.line))
        .next("record it again with `morningai record RUN -o FILE`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundled_recording_can_be_read_and_ends() {
        for (name, _, text) in BUNDLED {
            let recording = Recording::parse(name, text).unwrap();
            let (_, last) = recording.events.last().unwrap();
            assert_eq!(last.event.kind(), "run.succeeded", "{name}");
        }
    }
}

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
        "night",
        "three agents, a failing model, a denied push, a spent budget; the last card is yours",
        include_str!("../../assets/demos/night.ndjson"),
    ),
    (
        "incident",
        "a service is down: an alert, a runbook, and its card, which is yours; no model",
        include_str!("../../assets/demos/incident.ndjson"),
    ),
    (
        "incident-agent",
        "no runbook is for the alert: an agent finds the cause and proposes one; its cards are yours",
        include_str!("../../assets/demos/incident-agent.ndjson"),
    ),
    (
        "fixed-test",
        "an agent mends a failing test and asks before it pushes; approve or deny it",
        include_str!("../../assets/demos/fixed-test.ndjson"),
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
    /// What it says of itself, such as the goal of its run.
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
    use std::sync::Arc;

    use super::*;
    use crate::client::ReplayClient;
    use crate::console::cast::{Film, play};
    use crate::console::state::Size;
    use crate::fold::Snapshot;
    use crate::kinds::{ApprovalEvent, Event};
    use crate::ports::Client;
    use crate::wire::cast::options;

    /// The recording, and the one in which the other decision was made.
    fn courses(text: &str) -> Vec<Recording> {
        let recorded = Recording::parse("bundled", text).unwrap();
        let otherwise = recorded.otherwise.clone().map(|otherwise| {
            let events = [&recorded.events[..otherwise.shared], &otherwise.events].concat();
            Recording { events, otherwise: None, ..recorded.clone() }
        });
        std::iter::once(recorded).chain(otherwise).collect()
    }

    #[test]
    fn each_card_is_the_one_that_this_program_would_make() {
        for (name, _, text) in BUNDLED {
            for (_, envelope) in courses(text).iter().flat_map(|recording| &recording.events) {
                if let Event::Approval(ApprovalEvent::Requested { ask, digest, .. }) = &envelope.event {
                    assert_eq!(ask.digest(), *digest, "{name}: record it again with tests/record-demos");
                }
            }
        }
    }

    #[test]
    fn each_ends_with_nothing_left_to_do_but_what_a_limit_stopped() {
        for (name, _, text) in BUNDLED {
            for recording in courses(text) {
                let mut snapshot = Snapshot::default();
                recording.events.iter().for_each(|(_, envelope)| {
                    snapshot.apply(envelope);
                });
                assert_eq!(snapshot.open_approvals().count(), 0, "{name}");
                let is_over = |run: &crate::kinds::Run| run.state.is_final() || run.note.raw().contains("its limit");
                assert!(snapshot.runs.values().all(is_over), "{name}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_plays_to_its_end_on_the_console() {
        for (name, _, text) in BUNDLED {
            for recording in courses(text) {
                let at = recording.events[0].1.at;
                let client = Arc::new(ReplayClient::play(recording, 1.0, at));
                let film = Film::new(Size { width: 80, height: 24 }).unwrap();
                let (film, marks) = play(client.clone(), options(at, Vec::new()).unwrap(), film).await.unwrap();
                let ended = client.transport().unwrap().moment().ended;
                assert_eq!(ended.as_deref(), Some("the recording ends here"), "{name}");
                assert!(film.frames.len() > 20 && !marks.is_empty(), "{name}");
            }
        }
    }
}

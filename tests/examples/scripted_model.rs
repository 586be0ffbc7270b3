//! A model server whose answers are written in advance, to try the console by hand and to record demos:
//!
//! ```text
//! cargo run --example scripted_model -- 127.0.0.1:8099 /tmp/story
//! OPENAI_BASE_URL=http://127.0.0.1:8099/v1 cargo run -- run "make the failing test pass" --workspace /tmp/story/budget
//! ```
//!
//! The second argument, where given, is a directory in which the story's repository is made first. A third, `night`,
//! tells the story of the flagship demo, with a second repository, and `outage` that of an agent on call;
//! `tests/record-demos` uses both.

#[path = "../it/support/scripted_model/mod.rs"]
mod scripted_model;

use std::path::Path;
use std::time::Duration;
use std::{env, io};

use scripted_model::{ScriptedModel, night, outage, story};

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8099".to_owned());
    let directory = arguments.next();
    let story = arguments.next();
    let (is_night, is_outage) = (story.as_deref() == Some("night"), story.as_deref() == Some("outage"));
    if let Some(directory) = directory.as_deref().map(Path::new).filter(|_| !is_outage) {
        println!("repository: {}", story::repository(directory)?.display());
        if is_night {
            println!("repository: {}", night::handbook(directory)?.display());
        }
    }
    let (script, pace) = match (is_night, is_outage) {
        (true, _) => (night::night(), 100),
        (_, true) => (outage::for_viewers(), 60),
        _ => (story::fix_the_failing_test(), 30),
    };
    let server = ScriptedModel::start_at(&address, script.paced(Duration::from_millis(pace)))?;
    println!("OPENAI_BASE_URL={}", server.base_url());
    server.serve();
    Ok(())
}

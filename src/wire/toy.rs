//! What follows for a kind from its folder and its line in the table: both stores, the command line, HTTP and its
//! document, the text console, palette and pages, timers, export, erasure, pruning and rebuilding.

#[allow(dead_code)]
#[path = "../../tests/it/support/postgres.rs"]
mod postgres;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::cli;
use crate::cli::{Command, CommandLine, Exit, capture};
use crate::client::remote::{RemoteClient, Target, TokenSource, Trust};
use crate::console::app::Launcher;
use crate::console::keymap::Keymap;
use crate::console::plain::{self, PlainOptions};
use crate::domain::Actor;
use crate::ports::{Client, SystemClock};
use crate::wire::Wire;

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const MOMENT: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(20);

/// The whole program on a store of its own, in this process.
struct Program {
    dir: TempDir,
    db: String,
}

/// What a command did.
struct Ran {
    exit: Exit,
    out: String,
    err: String,
}

impl Ran {
    fn done(self) -> Self {
        assert_eq!(self.exit, Exit::Done, "{}", self.err);
        self
    }

    fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Program {
    fn on_sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("store.db").display().to_string();
        std::fs::write(dir.path().join("config.toml"), "").unwrap();
        Self { dir, db }
    }

    fn on(database: &postgres::Database) -> Self {
        Self { db: database.url(postgres::PROGRAM), ..Self::on_sqlite() }
    }

    /// With an encrypted store.
    fn sealed() -> Self {
        let program = Self::on_sqlite();
        std::fs::write(program.path("store.key"), KEY).unwrap();
        std::fs::set_permissions(program.path("store.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        std::fs::write(program.path("config.toml"), "[store]\nkey = { file = \"store.key\" }\n").unwrap();
        program
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, words: &[&str]) -> Result<CommandLine, clap::Error> {
        let [config, data] = ["config.toml", "data"].map(|name| self.path(name).display().to_string());
        let place = ["morningai", "--db", &self.db, "--config", &config, "--data-dir", &data];
        CommandLine::read(place.iter().chain(words).map(Into::into))
    }

    async fn run(&self, words: &[&str]) -> Ran {
        self.run_as("ana", words).await
    }

    async fn run_as(&self, person: &str, words: &[&str]) -> Ran {
        let (mut output, out, err) = capture::output();
        let words = [&["--as", person], words].concat();
        let exit = match self.read(&words) {
            Ok(line) => {
                let wire = Wire::open(&line.global, line.traces()).unwrap();
                let performed = cli::perform(line.command.unwrap(), &line.global, wire.as_ref(), &mut output).await;
                performed.unwrap_or_else(|failure| {
                    output.diagnose_part(&failure.rendered());
                    failure.exit
                })
            }
            Err(error) => {
                output.diagnose(&error.to_string());
                Exit::Usage
            }
        };
        Ran { exit, out: out.text(), err: err.text() }
    }

    /// Serves until the answer is dropped.
    async fn serve(&self) -> Served {
        let line = self.read(&["--as", "ana", "--json", "serve", "--listen", "127.0.0.1:0"]).unwrap();
        let wire = Wire::open(&line.global, line.traces()).unwrap();
        let (mut output, out, _) = capture::output();
        let Some(Command::Serve(options)) = line.command else { unreachable!("it was asked to serve") };
        let serving = tokio::spawn(async move { drop(wire.serve(options, &mut output).await) });
        let announced = async {
            while out.text().is_empty() {
                tokio::time::sleep(MOMENT).await;
            }
        };
        tokio::time::timeout(PATIENCE, announced).await.unwrap();
        let announced: Value = serde_json::from_str(&out.text()).unwrap();
        let token = std::fs::read_to_string(self.path("data").join("serve.token")).unwrap();
        let url = announced["listening"].as_str().unwrap().to_owned();
        Served { url, token: token.trim().to_owned(), serving }
    }
}

struct Served {
    url: String,
    token: String,
    serving: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Served {
    async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        // Whichever test comes first; the others find it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.request(method.parse().unwrap(), format!("{}{path}", self.url)).bearer_auth(&self.token);
        let request = if method == "GET" { request } else { request.json(&body) };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask("GET", path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask("POST", path, body).await
    }

    async fn client(&self) -> Arc<dyn Client> {
        let target = Target::parse(&self.url, Trust::Machine).unwrap();
        let token = self.token.clone();
        let token: TokenSource = Arc::new(move || Ok(token.clone().into()));
        Arc::new(RemoteClient::connect(target, token).await.unwrap())
    }
}

async fn lives_on(program: &Program) {
    let made = program.run(&["toys", "make", "spinning top", "--seconds", "600", "--json"]).await.done().json();
    assert_eq!((&made[0]["name"], &made[0]["is_broken"]), (&json!("spinning top"), &json!(false)));
    let id = made[0]["id"].as_str().unwrap();
    let short = &id[id.len() - 8..];
    let played = program.run(&["toys", "play", short, "on the floor"]).await.done();
    assert_eq!(played.out, format!("toy {id} is whole\n"));
    let again = program.run(&["toys", "make", "another", "--id", id]).await.done();
    assert_eq!(again.out, format!("toy {id} is whole\n"), "asking twice makes one");
    let listed = program.run(&["toys"]).await.done().out;
    let lines: Vec<_> = listed.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("ID        STATE  BEGAN"), "{listed}");
    assert!(lines[1].starts_with(short) && lines[1].ends_with("1       spinning top"), "{listed}");
    assert_eq!(program.run(&["toys", "--state", "broken"]).await.done().out, "no toys\n");
    let shown = program.run(&["toys", "show", short]).await.done().out;
    assert!(shown.starts_with(&format!("toy {id}  whole\n")) && shown.ends_with("played  on the floor\n"), "{shown}");
    let log = program.run(&["log", "tail"]).await.done().out;
    assert!(log.contains("toy.made") && log.contains("spinning top") && log.contains("toy.played_with"), "{log}");
    let audit = program.run(&["audit"]).await.done().out;
    assert!(audit.contains("toy.made") && audit.contains("ana"), "{audit}");
    let verified = program.run(&["log", "verify", "--json"]).await.done().json();
    assert_eq!((&verified[0]["events"], &verified[0]["rows"]), (&json!(2), &json!([])));
    let unknown = program.run(&["toys", "show", "ffff"]).await;
    assert_eq!(unknown.exit, Exit::Usage);
    assert!(unknown.err.contains("no toy is called ffff") && unknown.err.contains("`morningai toys` lists them"));
    let odd = program.run(&["toys", "make", "kite", "--seconds", "soon"]).await;
    assert!(odd.exit == Exit::Usage && odd.err.contains("seconds is not a number"), "{}", odd.err);
    assert_eq!(program.run(&["toys", "break", short]).await.exit, Exit::Usage, "that is the program's alone to ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_kept_and_asked_on_sqlite() {
    let program = Program::on_sqlite();
    lives_on(&program).await;
    let before = program.run(&["toys", "--json"]).await.done().out;
    program.run(&["db", "rebuild"]).await.done();
    assert_eq!(program.run(&["toys", "--json"]).await.done().out, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_kept_and_asked_on_postgres() {
    let database = postgres::Database::migrated().await;
    lives_on(&Program::on(&database)).await;
}

#[test]
fn its_commands_have_help_and_completions() {
    let mut command = CommandLine::command_of_all();
    let toys = command.find_subcommand_mut("toys").unwrap().render_long_help().to_string();
    for told in ["List toys; `show ID` for one", "make    Make a toy", "play    Play with a toy", "--state <STATE>"] {
        assert!(toys.contains(told), "{told} is missing in\n{toys}");
    }
    let toys = command.find_subcommand_mut("toys").unwrap();
    let make = toys.find_subcommand_mut("make").unwrap().render_long_help().to_string();
    for told in
        ["make [OPTIONS] <NAME>", "What it is called", "--seconds <SECONDS>", "How long it holds", "--id <UUID>"]
    {
        assert!(make.contains(told), "{told} is missing in\n{make}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_served_over_http_and_breaks_when_its_time_is_over() {
    let program = Program::on_sqlite();
    let served = program.serve().await;
    let id = Uuid::now_v7();
    let body = json!({ "id": id, "name": "kite" });
    let (status, made) = served.post("/v1/toys", body.clone()).await;
    assert_eq!((status, &made["name"]), (201, &json!("kite")));
    assert_eq!(served.post("/v1/toys", body).await, (200, made));
    let (status, played) = served.post(&format!("/v1/toys/{id}/play"), json!({ "how": "in the wind" })).await;
    assert_eq!((status, &played["played"]), (200, &json!(["in the wind"])));
    assert_eq!(served.get(&format!("/v1/toys/{id}")).await, played);
    assert_eq!(served.get("/v1/toys").await, json!({ "toys": [played] }));
    assert_eq!(served.get("/v1/toys?state=broken").await, json!({ "toys": [] }));
    for (status, body) in [(422, json!({ "how": 7 })), (422, json!({ "colour": "red" })), (422, json!({}))] {
        assert_eq!(served.post(&format!("/v1/toys/{id}/play"), body).await.0, status);
    }
    assert_eq!(served.post(&format!("/v1/toys/{}/play", Uuid::now_v7()), json!({ "how": "x" })).await.0, 404);
    let (_, brief) = served.post("/v1/toys", json!({ "name": "bubble", "seconds": 0 })).await;
    let path = format!("/v1/toys/{}", brief["id"].as_str().unwrap());
    let broken = async {
        while served.get(&path).await["is_broken"] == false {
            tokio::time::sleep(MOMENT).await;
        }
    };
    tokio::time::timeout(PATIENCE, broken).await.expect("the timer asks for it");
    assert_eq!(served.post(&format!("{path}/play"), json!({ "how": "x" })).await.0, 409);
}

#[test]
fn its_routes_stand_in_the_document_with_what_they_take() {
    let document = crate::server::openapi_document();
    let play = &document["paths"]["/v1/toys/{id}/play"]["post"];
    assert_eq!((&play["operationId"], &play["summary"]), (&json!("playToy"), &json!("Play with a toy")));
    assert!(play["description"].as_str().unwrap().contains("`runs.steer`"));
    let body = &play["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["required"], json!(["how"]));
    assert_eq!(body["properties"]["how"]["description"], "In which way.");
    let make = &document["paths"]["/v1/toys"]["post"]["requestBody"]["content"]["application/json"]["schema"];
    assert!(make["properties"]["id"].is_object() && make["properties"]["command"].is_null(), "{make}");
    assert!(document["components"]["schemas"]["Toy"]["properties"]["played"].is_object());
}

struct NoLauncher;

#[async_trait::async_trait]
impl Launcher for NoLauncher {
    async fn offers(&self) -> crate::console::state::Offers {
        Default::default()
    }

    async fn prepare(
        &self,
        _: &crate::console::update::Launch,
    ) -> Result<(crate::domain::RunId, crate::domain::RunSpec), crate::ports::ClientError> {
        unreachable!("toys start no runs")
    }

    async fn complete(&self, _: &crate::ports::Sought) -> Vec<String> {
        Vec::new()
    }

    async fn remember(&self, _: &str) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_console_asks_and_tells() {
    let program = Program::on_sqlite();
    let served = program.serve().await;
    let session = async |typed: &str| {
        let options = PlainOptions {
            person: Actor::Person("ana".to_owned()),
            launcher: Arc::new(NoLauncher),
            clock: Arc::new(SystemClock),
            keymap: Keymap::builtin().unwrap(),
        };
        let mut printed = Vec::new();
        plain::run(served.client().await, options, typed.as_bytes(), &mut printed).await.unwrap();
        String::from_utf8(printed).unwrap()
    };
    let told = session("help\ntoys\ntoys make --seconds 900 jack in the box\ntoys make\ntoys fly 1\n").await;
    for line in [
        "toys play ID HOW               Play with a toy",
        "toys make [--seconds …] [--run …] NAME Make a toy",
        "There are no toys here.",
        "Done, and saved.",
        "Error: name is missing (toys make [--seconds …] [--run …] NAME)",
        "Error: toys takes no \"fly\" (help lists the commands)",
    ] {
        assert!(told.contains(line), "{line} is missing in\n{told}");
    }
    let toys = served.get("/v1/toys").await;
    let id = toys["toys"][0]["id"].as_str().unwrap();
    let short = &id[id.len() - 8..];
    let told = session(&format!("toys\ntoys play {short} all night long\ntoys show {short}\n")).await;
    assert!(told.contains(&format!("toy {short} whole, began just now: jack in the box, 0")), "{told}");
    assert!(told.contains("name: jack in the box"), "{told}");
    assert_eq!(served.get(&format!("/v1/toys/{id}")).await["played"], json!(["all night long"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_with_the_person_it_belongs_to() {
    let program = Program::sealed();
    program.run_as("ana", &["toys", "make", "doll's house"]).await.done();
    program.run_as("bo", &["toys", "make", "drum"]).await.done();
    let export = program.run(&["subject", "export", "ana"]).await.done().out;
    assert!(export.contains("doll's house") && !export.contains("drum"), "{export}");
    program.run_as("bo", &["subject", "erase", "ana", "--yes"]).await.done();
    let left = program.run_as("bo", &["toys", "--json"]).await.done().out;
    assert!(!left.contains("doll's house") && left.contains("drum"), "{left}");
    let log = program.run_as("bo", &["log", "export"]).await.done().out;
    assert!(!log.contains("doll's house") && log.contains("\"was\":\"toy.made\""), "{log}");
    program.run_as("bo", &["log", "verify"]).await.done();
}

const LOOK: &str = "---\nname: look\ndescription: Looks\nneeds: scratch\n---\n\n# Look\n\n## Load\n\n```tool host_check\n\
                    what = \"load\"\n```\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_it_wants_done_is_a_run_that_starts_once_on_any_process() {
    let program = Program::on_sqlite();
    std::fs::create_dir(program.path("procedures")).unwrap();
    std::fs::write(program.path("procedures").join("look.md"), LOOK).unwrap();
    let made = program.run(&["toys", "make", "bear", "--json"]).await.done().json();
    let id = made[0]["id"].as_str().unwrap();
    // Nobody starts runs here; the next process finds what is left to start.
    program.run(&["toys", "play", id, "roughly"]).await.done();
    assert_eq!(program.run(&["runs", "--json"]).await.done().out, "");
    let served = program.serve().await;
    let runs = async || served.get("/v1/runs").await["runs"].as_array().unwrap().clone();
    let begun = async {
        while runs().await.is_empty() {
            tokio::time::sleep(MOMENT).await;
        }
    };
    tokio::time::timeout(PATIENCE, begun).await.expect("what is wanted is started");
    served.post(&format!("/v1/toys/{id}/play"), json!({ "how": "roughly" })).await;
    let (_, other) = served.post("/v1/toys", json!({ "name": "hare" })).await;
    served.post(&format!("/v1/toys/{}/play", other["id"].as_str().unwrap()), json!({ "how": "roughly" })).await;
    let both_done = async {
        while runs().await.len() < 2 || runs().await.iter().any(|run| run["state"] != "succeeded") {
            tokio::time::sleep(MOMENT).await;
        }
    };
    tokio::time::timeout(PATIENCE, both_done).await.expect("it runs to its end");
    drop(served);
    let served = program.serve().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let runs = served.get("/v1/runs").await["runs"].as_array().unwrap().clone();
    assert_eq!(runs.iter().map(|run| &run["agent"]).collect::<Vec<_>>(), ["look", "look"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_removed_with_the_run_it_is_a_part_of() {
    let program = Program::on_sqlite();
    std::fs::write(program.path("look.md"), LOOK).unwrap();
    let file = program.path("look.md").display().to_string();
    let ran = program.run(&["run", "--runbook", &file, "--until-waiting", "--json"]).await.done().json();
    let run = ran[0]["id"].as_str().unwrap().to_owned();
    program.run(&["toys", "make", "souvenir", "--run", &run]).await.done();
    program.run(&["toys", "make", "keepsake"]).await.done();
    program.run(&["db", "prune", "--before", "0s"]).await.done();
    let left = program.run(&["toys", "--json"]).await.done().out;
    assert!(!left.contains("souvenir") && left.contains("keepsake"), "{left}");
    program.run(&["log", "verify"]).await.done();
}

//! What the README says is so: its tables are those in force, its picture exists, and each of its commands runs.

use morningai::config::Config;
use morningai::console::keymap::Keymap;
use morningai::domain::{BudgetPeriod, SourceText, Usd};
use serde_json::Value;

use crate::support::machine::Machine;
use crate::support::scripted_model::{ScriptedModel, story};

const README: &str = include_str!("../../README.md");

/// What Alertmanager posts.
const HOOK: &str = r#"{"version":"4","groupKey":"{}:{}","alerts":[{"status":"firing","labels":{"alertname":"DiskFilling"},
    "startsAt":"2026-11-30T03:00:00Z"}]}"#;

/// The part between two marks.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text.find(from).unwrap_or_else(|| panic!("the README has no {from}")) + from.len();
    let end = text[start..].find(to).unwrap_or_else(|| panic!("the README has no {to}"));
    text[start..start + end].trim()
}

/// The table between two marks of the README is the one in force; with `MORNINGAI_BLESS=1` it is put there.
fn is_in_force(mark: &str, table: &str) {
    let (open, close) = (format!("<!-- {mark} -->"), format!("<!-- /{mark} -->"));
    let shown = between(README, &open, &close);
    if shown != table.trim() && std::env::var_os("MORNINGAI_BLESS").is_some() {
        // Another test may have put its own table there since this program was built.
        static WRITES: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _alone = WRITES.lock();
        let text = std::fs::read_to_string("README.md").unwrap();
        let (before, rest) = text.split_once(&open).unwrap();
        let (_, after) = rest.split_once(&close).unwrap();
        return std::fs::write("README.md", format!("{before}{open}\n{}\n{close}{after}", table.trim())).unwrap();
    }
    assert_eq!(shown, table.trim(), "the table of {mark} is out of date: run this test with MORNINGAI_BLESS=1");
}

#[test]
fn the_key_table_is_the_one_in_force() {
    is_in_force("keys", &Keymap::builtin().unwrap().markdown_table());
}

#[test]
fn the_table_of_roles_is_the_one_in_force() {
    is_in_force("roles", &morningai::access::permission_table());
}

#[test]
fn the_table_of_routes_is_the_one_in_force() {
    is_in_force("routes", &morningai::server::route_table());
}

#[test]
fn the_example_of_being_paged_is_read() {
    let text = format!("[oncall]\n{}", between(README, "```toml\n[oncall]", "```"));
    let config =
        Config::read(&SourceText::new("README.md", text)).unwrap_or_else(|faults| panic!("{}", faults.rendered()));
    assert_eq!(config.oncall.people.len(), 4);
}

#[test]
fn the_example_of_budgets_is_read() {
    let text = format!("[budgets]{}", between(README, "```toml\n[budgets]", "```"));
    let config =
        Config::read(&SourceText::new("README.md", text)).unwrap_or_else(|faults| panic!("{}", faults.rendered()));
    let budgets = config.budgets.budgets();
    assert_eq!(budgets.all.of(BudgetPeriod::Day), Some(Usd(25_000_000_000)));
    assert!(budgets.agents.contains_key("dev") && budgets.people.contains_key("ana"));
}

#[test]
fn the_example_of_a_plan_is_read() {
    let text = format!("[billing]{}", between(README, "```toml\n[billing]", "```"));
    let config =
        Config::read(&SourceText::new("README.md", text)).unwrap_or_else(|faults| panic!("{}", faults.rendered()));
    let plans = SourceText::new("plans.toml", include_str!("../../assets/plans.toml"));
    let account = config.billing.account(morningai::config::read_plans(&plans).unwrap()).unwrap().unwrap();
    assert_eq!(account.terms().len(), 2);
}

#[test]
fn the_example_of_stripe_is_read() {
    let text = format!("[billing.stripe]{}", between(README, "```toml\n[billing.stripe]", "```"));
    let config =
        Config::read(&SourceText::new("README.md", text)).unwrap_or_else(|faults| panic!("{}", faults.rendered()));
    let stripe = config.billing.stripe.unwrap();
    assert_eq!((stripe.webhook_secrets.len(), stripe.grace().as_secs()), (1, 7 * 24 * 3600));
}

#[test]
fn the_example_of_maintenance_is_read() {
    let example = between(README, "[[maintenance]]", "```");
    let config = Config::read(&SourceText::new("README.md", format!("[[maintenance]]\n{example}"))).unwrap();
    assert_eq!((config.maintenance.len(), config.incidents.inhibit.len()), (2, 1));
    let saturday = "2026-12-05T23:00:00Z".parse().unwrap();
    assert!(config.maintenance[0].next(saturday).is_some_and(|(from, _)| from < saturday));
}

#[test]
fn the_example_of_hosts_is_read() {
    let example = between(README, "```toml\n[hosts.web3]", "```");
    let config = Config::read(&SourceText::new("README.md", format!("[hosts.web3]\n{example}"))).unwrap();
    assert_eq!(config.hosts["db"].instances.len(), 2);
}

#[test]
fn the_picture_is_there() {
    let path = between(README, "](assets/", ")");
    assert!(std::path::Path::new("assets").join(path).is_file(), "{path}");
}

/// Lines of the README's shell blocks that start a program, without their comments.
fn commands() -> Vec<String> {
    let blocks = README.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n"));
    let lines = blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap_or_default().trim().to_owned());
    lines.filter(|line| !line.is_empty() && !line.starts_with("export ")).collect()
}

/// The ids and digests that the README's made-up ones stand for.
#[derive(Default)]
struct Real {
    run: String,
    push: String,
    digest: String,
    clean_up: String,
    incident: String,
}

impl Real {
    fn learn(&mut self, waiting: &[Value]) {
        for approval in waiting {
            let text = |field: &str| approval[field].as_str().unwrap().to_owned();
            match text("tool").as_str() {
                "git_push" => (self.run, self.push, self.digest) = (text("run"), text("id"), text("digest")),
                _ => self.clean_up = text("id"),
            }
        }
    }

    fn words(&self, line: &str, repository: &str) -> Vec<String> {
        let mut words = split(line);
        let id = match words.first().map(String::as_str) {
            Some("incidents") => &self.incident,
            Some("pause" | "resume" | "cancel" | "record") => &self.run,
            Some("deny") => &self.clean_up,
            _ => &self.push,
        };
        for word in &mut words {
            match word.as_str() {
                "0198f2c4" => word.clone_from(id),
                "9f86d081884c" => word.clone_from(&self.digest),
                "~/src/budget" => repository.clone_into(word),
                _ => {}
            }
        }
        words
    }
}

fn split(line: &str) -> Vec<String> {
    let quoted = line.split('"').enumerate();
    quoted
        .flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

/// How a command of the README ends in the order in which they stand there. What was settled before says so, what opens
/// the console needs a terminal, and `doctor` sees that the model of the test only recites.
fn expected(words: &[String]) -> i32 {
    match words[0].as_str() {
        "run" if words.iter().any(|word| word == "--detach" || word == "--dry-run") => 0,
        "run" => 4,
        "answer" | "settle" | "doctor" => 1,
        // By then it is done.
        "cancel" => 1,
        // A password is typed at a terminal, or comes on standard input.
        "accounts" if words.contains(&"add".to_owned()) => 2,
        // The console needs a terminal.
        "--alertmanager" => 2,
        "demo" if !words.contains(&"--list".to_owned()) => 2,
        // Stripe is not configured there.
        "billing" if !["plan", "invoice"].contains(&words[1].as_str()) => 2,
        // The arguments stand in a file of the reader's own.
        "edit" => 2,
        _ => 0,
    }
}

#[test]
fn each_command_does_what_is_said() {
    let model = ScriptedModel::start(story::fix_the_failing_test());
    let machine = Machine::new().with_model(&model.base_url());
    let repository = story::repository(machine.home()).unwrap().display().to_string();
    std::fs::write(machine.path("hook.json"), HOOK).unwrap();
    // Nothing listens there, which a dry run says.
    std::fs::create_dir_all(machine.path(".config/morningai")).unwrap();
    let hosts = "[hosts.web3]\nssh = \"ssh://deploy@127.0.0.1:1\"\n";
    std::fs::write(machine.path(".config/morningai/config.toml"), hosts).unwrap();
    let rules = "assets/monitoring/alerts.yml";
    std::fs::create_dir_all(machine.path("assets/monitoring")).unwrap();
    std::fs::copy(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(rules), machine.path(rules)).unwrap();
    let mut real = Real::default();
    let mut ran = 0;
    for line in commands() {
        let line = match line.as_str() {
            "cargo run --release" | "tests/run" => continue,
            other => other.strip_prefix("morningai ").or(other.strip_prefix("cargo run --release -- ")),
        };
        let line = line.unwrap_or_else(|| panic!("the README has a command that nothing runs: {line:?}"));
        let words = real.words(line, &repository);
        let arguments: Vec<_> = words.iter().map(String::as_str).collect();
        machine.run(&arguments).ended(expected(&words));
        if words[0] == "ingest" {
            real.incident = machine.run(&["incidents", "--json"]).json()[0]["id"].as_str().unwrap().to_owned();
        }
        if words[0] == "run" {
            real.learn(&machine.run(&["approvals", "--json"]).json());
        }
        ran += 1;
    }
    assert!(ran > 20, "only {ran} commands were found");
}

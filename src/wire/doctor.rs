//! What works here: each thing this program depends on, looked at, with what to do where it does not.

use std::path::Path;
use std::time::Duration;

use super::store::StorePlace;
use super::{Wire, hosts, line, model, secrets};
use crate::billing::Beyond;
use crate::cli::{AskModels, Failure, Finding};
use crate::config::HooksChoice;
use crate::domain::{OnceUsedUp, Secrets, TaskClass, Untrusted};
use crate::kinds::{Budget, BudgetGauge, Days, RowKind, Table};
use crate::models::{ProbeReport, probe};
use crate::ports::{EncryptionState, Model, RowFilter, RowQuery};
use crate::store::OpenMode;
use crate::tools::git;
use crate::tools::sandbox::Rung;

/// Longest a model may take to answer all that is asked of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Budgets of people that are told of.
const MOST_BUDGETS: u32 = 100;

const SET_A_MODEL: &str = "set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own (Ollama: \
                           http://127.0.0.1:11434/v1), or [providers] and [models] in the configuration; procedures, \
                           approvals and the log need none";

pub(super) async fn examine(wire: &Wire, models: AskModels) -> Vec<Finding> {
    let mut findings = vec![configuration(wire), store(wire).await, logs(wire)];
    findings.extend(self::models(wire, models).await);
    findings.extend([sandbox(wire).await, policy(wire)]);
    findings.extend(wire.examine_on_call(chrono::Utc::now()).await);
    findings.extend(line::findings().await);
    findings.push(wire.receiver_finding());
    findings.extend(wire.stripe_finding());
    findings.extend(wire.looking_finding(models).await);
    findings.extend(hosts::finding(&wire.config, models).await);
    findings.extend([clock(), version_control(wire).await]);
    findings.extend(broken_files(wire));
    findings.extend(weak_secrets(wire));
    findings.extend(budgets(wire).await);
    findings.extend(plan(wire));
    findings
}

fn configuration(wire: &Wire) -> Finding {
    let file = wire.places.paths.config_file();
    let dir = |dir: &Path| if dir.is_dir() { dir.display().to_string() } else { "none".to_owned() };
    let own = format!(
        "own agents: {}; own procedures: {}",
        dir(&wire.places.paths.agents_dir()),
        dir(&wire.places.paths.procedures_dir())
    );
    if file.exists() {
        Finding::ok("config", format!("{}; {own}", file.display()))
    } else {
        Finding::ok("config", format!("all defaults, for there is no {}; {own}", file.display()))
    }
}

async fn store(wire: &Wire) -> Finding {
    let place = &wire.places.store;
    if let StorePlace::Sqlite(path) = place
        && !path.exists()
    {
        return absent_store(path);
    }
    match open_store(wire).await {
        Ok((detail, weaknesses)) if !weaknesses.is_empty() => {
            Finding::warn("store", format!("{place}, {detail}"), weaknesses.join("\n"))
        }
        Ok((detail, _)) => match place {
            StorePlace::Sqlite(path) => writable(path, format!("{place}, {detail}")),
            StorePlace::Postgres(_) => Finding::ok("store", format!("{place}, {detail}")),
        },
        Err(failure) => Finding::fail("store", failure.message(), failure.hint()),
    }
}

/// What is in it, and what is not as it should be. Saving the head is for those who write, so it is not closed.
async fn open_store(wire: &Wire) -> Result<(String, Vec<String>), Failure> {
    let store = wire.open_store(OpenMode::ReadOnly).await?;
    let head = store.shared().head().await?;
    let kept = match store.subject_keys().encryption() {
        EncryptionState::Plain => "not encrypted".to_owned(),
        EncryptionState::Encrypted { key } => format!("encrypted under key {key}"),
    };
    let detail = format!("{} events, head {}, {kept}", head.seq, head.hash.get(..12).unwrap_or("none"));
    Ok((detail, store.weaknesses().await?))
}

fn writable(path: &Path, detail: String) -> Finding {
    match rustix::fs::access(path, rustix::fs::Access::WRITE_OK) {
        Ok(()) => Finding::ok("store", detail),
        Err(error) => Finding::fail(
            "store",
            format!("{detail}; it cannot be written: {error}"),
            "check who owns it and that the file system is not mounted read-only",
        ),
    }
}

fn absent_store(path: &Path) -> Finding {
    let parent = nearest(path);
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    match rustix::fs::access(parent, access) {
        Ok(()) => Finding::ok("store", format!("sqlite:{}, to be made at the first use", path.display())),
        Err(error) => Finding::fail(
            "store",
            format!("sqlite:{} cannot be made: {}: {error}", path.display(), parent.display()),
            "check who owns that directory, or give another one with --data-dir",
        ),
    }
}

fn logs(wire: &Wire) -> Finding {
    writable_logs(wire.places.paths.log_dir())
}

fn writable_logs(dir: &Path) -> Finding {
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    let found = nearest(dir);
    match (rustix::fs::access(found, access), found == dir) {
        (Ok(()), true) => Finding::ok("logs", dir.display().to_string()),
        (Ok(()), false) => Finding::ok("logs", format!("{}, to be made at the first use", dir.display())),
        (Err(error), _) => Finding::warn(
            "logs",
            format!("{} cannot be written: {}: {error}", dir.display(), found.display()),
            "check who owns that directory; the program works without its log",
        ),
    }
}

/// The nearest directory that exists, which decides whether those in it can be made.
fn nearest(path: &Path) -> &Path {
    let found = path.ancestors().find(|dir| dir.as_os_str().is_empty() || dir.exists());
    found.filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

async fn models(wire: &Wire, ask: AskModels) -> Vec<Finding> {
    if !wire.model.is_configured() {
        return vec![Finding::warn("model", "none is configured, so agents cannot work", SET_A_MODEL)];
    }
    let settings = wire.model.settings();
    let routes = TaskClass::ALL.map(|class| format!("{} → {}", class.name(), settings.route(class).join(", ")));
    let mut findings = vec![Finding::ok("models", routes.join("; "))];
    if ask == AskModels::No {
        return findings;
    }
    model::use_ring();
    for name in settings.models.keys() {
        let report = tokio::time::timeout(PATIENCE, probe(settings, name)).await;
        findings.push(match report {
            Ok(Some(report)) => model_finding(&report),
            Ok(None) => Finding::fail("model", format!("{name}: its settings are unusable"), "look at [providers]"),
            Err(_) => Finding::fail(
                "model",
                format!("{name}: no complete answer within {} s", PATIENCE.as_secs()),
                "the server is slow, or still loads the model: try again, or use a smaller one",
            ),
        });
    }
    findings
}

fn model_finding(report: &ProbeReport) -> Finding {
    use crate::models::Finding as Probed;
    let name = match &report.model {
        Some(model) => format!("{}: {model} at {}", report.name, report.server),
        None => format!("{} at {}", report.name, report.server),
    };
    let problem = [("not reachable", &report.reachable), ("not authorized", &report.authorized)].into_iter().find_map(
        |(what, found)| match found {
            Probed::No(why) => Some(format!("{name}: {what}: {}", why.visible())),
            Probed::Yes | Probed::NotTried => None,
        },
    );
    if let Some(problem) = problem {
        return Finding::fail("model", problem, report.hint.clone().unwrap_or_else(|| SET_A_MODEL.to_owned()));
    }
    let word = |name: &str, found: &Probed| match found {
        Probed::Yes => format!("{name} yes"),
        Probed::No(why) => format!("{name} NO ({})", why.visible()),
        Probed::NotTried => format!("{name} not tried"),
    };
    let speed = report.tokens_per_second.map_or_else(String::new, |speed| format!(", {speed:.0} tokens/s"));
    let abilities =
        [word("streaming", &report.streams), word("tool calls", &report.native_calls), word("schemas", &report.schema)];
    let detail = format!("{name}: {}{speed}", abilities.join(", "));
    match (report.recommended, &report.hint) {
        (Some(style), hint) if style != report.configured => {
            let usual = || format!("set `calls = \"{}\"` for it in [models] of the configuration", style.name());
            Finding::warn("model", detail, hint.clone().unwrap_or_else(usual))
        }
        (None, hint) => {
            let advice =
                hint.clone().unwrap_or_else(|| "choose a model that calls tools or follows schemas".to_owned());
            Finding::fail("model", detail, advice)
        }
        // It is asked in the way that suits it.
        (Some(_), _) => Finding::ok("model", detail),
    }
}

async fn sandbox(wire: &Wire) -> Finding {
    let report = wire.sandbox.report().await;
    let mut lines = vec![format!("programs run on the rung {}", report.rung.name())];
    let mut advice = Vec::new();
    for check in &report.checks {
        match &check.problem {
            None => lines.push(format!("{} works", check.name)),
            Some(problem) => {
                lines.push(format!("{} does not: {}", check.name, problem.what));
                advice.push(problem.hint.to_owned());
            }
        }
    }
    lines.extend(report.weaknesses.iter().map(|weakness| (*weakness).to_owned()));
    let before = wire.better_rung_before().await;
    if let Some(before) = &before {
        lines.push(format!("programs ran on {before} here before"));
        advice
            .push(format!("or accept it: under [sandbox] in the configuration, rung = \"{}\"", report.rung.setting()));
    }
    let detail = lines.join("\n");
    match report.rung {
        Rung::Bubblewrap | Rung::Namespaces if before.is_none() => Finding::ok("sandbox", detail),
        Rung::Bubblewrap | Rung::Namespaces | Rung::LandlockSeccomp => {
            Finding::warn("sandbox", detail, advice.join("\n"))
        }
        Rung::None { .. } => Finding::fail(
            "sandbox",
            format!("{detail}\nno program can be confined, so tools that run programs refuse"),
            advice.join("\n"),
        ),
    }
}

fn policy(wire: &Wire) -> Finding {
    match wire.judge.policy() {
        Ok(policy) => {
            let files: Vec<_> = wire.judge.files().iter().map(|file| file.name.to_string()).collect();
            let own = if files.is_empty() { "the defaults alone".to_owned() } else { files.join(", ") };
            Finding::ok("policy", format!("{} rules in force: {own}", policy.rules().len()))
        }
        Err(faults) => Finding::fail("policy", faults.to_string(), "nothing runs until this is mended"),
    }
}

/// Earlier than this program was written, it is wrong.
fn clock() -> Finding {
    let now = chrono::Utc::now();
    let detail = now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    if now.timestamp() < 1_764_000_000 {
        return Finding::fail(
            "clock",
            format!("{detail} cannot be"),
            "set the clock: expiries and the log depend on it",
        );
    }
    Finding::ok("clock", detail)
}

async fn version_control(wire: &Wire) -> Finding {
    let version = match git::version().await {
        Ok(version) => version,
        Err(error) => return Finding::fail("git", error.to_string(), "install git, or put it on PATH"),
    };
    let here = match std::env::current_dir() {
        Ok(here) => git::unused_in(&here).await,
        Err(_) => None,
    };
    let here = here.and_then(|unused| unused.has()).map(|has| format!("\nthe repository here has {has}"));
    let here = here.unwrap_or_default();
    let always = match wire.config.git.hooks {
        HooksChoice::Off => {
            "an agent's commits and pushes run none of a repository's hooks, and its commits are not signed"
        }
        HooksChoice::Sandbox => {
            "an agent's commits run those of a repository's hooks that may refuse one, in the sandbox, and are not signed"
        }
    };
    Finding::ok("git", format!("{version}; {always}{here}"))
}

fn broken_files(wire: &Wire) -> Vec<Finding> {
    let (agents, procedures) = (wire.agents(), wire.procedures());
    let finding = |kind: &str, (name, faults): (&str, &crate::domain::Faults)| {
        Finding::warn(kind, format!("{name} cannot be used:\n{faults}"), "mend the file, or remove it")
    };
    let tools = wire.tool_names();
    let misfits = agents.iter().filter_map(|(name, agent)| Some((name, agent.check_tools(&tools).err()?)));
    let mut findings: Vec<_> = agents.broken().map(|broken| finding("agent", broken)).collect();
    findings.extend(misfits.map(|(name, faults)| finding("agent", (name, &faults))));
    findings.extend(procedures.broken().map(|broken| finding("procedure", broken)));
    findings
}

/// Budgets in force; calls whose price is not known count for nothing in them.
async fn budgets(wire: &Wire) -> Option<Finding> {
    // A store that cannot be read is told of above.
    let by_people = budgets_set(wire).await.unwrap_or_default();
    let today = chrono::Utc::now().date_naive();
    let gauges = BudgetGauge::all(&by_people, &wire.config.budgets.budgets(), &Days::new(), today);
    let amount = |gauge: &BudgetGauge| {
        let soft = if gauge.once_used_up == OnceUsedUp::Warn { " (soft)" } else { "" };
        let (amount, now) = (gauge.budget.display(), gauge.period.now());
        let scope = Untrusted::from(gauge.scope.of().trim_start());
        let gap = if gauge.scope.is_all() { "" } else { " " };
        format!("{amount} for {now}{gap}{}{soft}", scope.visible())
    };
    let set: Vec<_> = gauges.iter().map(amount).collect();
    let is_hard = |gauge: &BudgetGauge| gauge.once_used_up == OnceUsedUp::Pause;
    let stops = if gauges.iter().any(is_hard) { "agents pause once it is used up" } else { "nothing is stopped" };
    let detail = format!("{}; {stops}", set.join(", "));
    let missing = wire.model.prices().map(|prices| prices.missing(wire.model.settings()).join(", "));
    (!set.is_empty()).then(|| match missing {
        Ok(missing) if !missing.is_empty() => Finding::warn(
            "budget",
            format!("{detail}; without a known price, calls of these models are not counted: {missing}"),
            "name a file of prices by `prices` in the configuration; a model needs its `id` there",
        ),
        Ok(_) | Err(_) => Finding::ok("budget", detail),
    })
}

/// Those that people set, where there is a store already.
async fn budgets_set(wire: &Wire) -> Result<Table<Budget>, Failure> {
    if matches!(&wire.places.store, StorePlace::Sqlite(path) if !path.exists()) {
        return Ok(Table::<Budget>::new());
    }
    let log = wire.open_store(OpenMode::ReadOnly).await?.shared();
    let found = log.rows(RowQuery::first(RowKind::Budget, RowFilter::Open, MOST_BUDGETS)).await?;
    let read = found.rows.iter().filter_map(|row| serde_json::from_str::<Budget>(&row.body).ok());
    Ok(read.map(|budget| (budget.id, budget)).collect())
}

/// What is subscribed to.
fn plan(wire: &Wire) -> Option<Finding> {
    let term = wire.billing.account()?.term(chrono::Utc::now())?.clone();
    let beyond = match (term.plan.runs, term.plan.beyond) {
        (None, _) => "",
        (Some(_), Beyond::Refuse) => ", and no more",
        (Some(_), Beyond::Charge) => "; more are charged",
    };
    Some(Finding::ok("plan", format!("{}, {}{beyond}", term.plan.title, term.plan.runs_in_words())))
}

/// Secrets that would be found in every other word, so they are searched for nowhere.
fn weak_secrets(wire: &Wire) -> Option<Finding> {
    let names = secrets::unprotected(&wire.config, &wire.places, &wire.key);
    let least = Secrets::SHORTEST;
    (!names.is_empty()).then(|| {
        let detail =
            format!("too short to be protected, so where it is repeated it is stored and shown: {}", names.join(", "));
        Finding::warn("secrets", detail, format!("use one of at least {least} characters"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_still_to_be_made_is_no_fault() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join(".local/state/morningai");
        let told = |found: Finding| format!("{found:?}");
        assert!(told(writable_logs(&dir)).contains("to be made at the first use"));
        std::fs::create_dir_all(&dir).unwrap();
        assert!(!told(writable_logs(&dir)).contains("to be made"));
        std::fs::write(home.path().join("file"), "").unwrap();
        assert!(told(writable_logs(&home.path().join("file/logs"))).contains("cannot be written"));
    }
}

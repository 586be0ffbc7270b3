//! `check_connections` and `end_idle_sessions`: how many of a Postgres server's connections are used, and ending those
//! that hold a transaction open and do nothing. The server's URL is a secret of the configuration.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Row};

use crate::domain::{
    DURATION_FORM, EffectCard, EffectClass, Environment, FailureKind, Output, Payload, Repeat, Reversibility, Risk,
    ToolResult, ToolSpec, Untrusted, parse_duration,
};
use crate::ports::{Checked, Invocation, Prepared, Tool, ToolContext};
use crate::tools::{args, cards};

/// Longest that the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest for a whole look or change.
const LONGEST: Duration = Duration::from_secs(30);
/// Most sessions that one card ends: those that have been idle longest.
const MOST: i64 = 50;
/// Share of the connections above which a check fails, where nobody says otherwise.
const USUAL_PERCENT: u32 = 80;

/// Fetches a secret of the configuration by its name.
pub type Secrets = dyn Fn(&str) -> Result<SecretString, String> + Send + Sync;

/// How databases are reached.
#[derive(Clone)]
pub struct Databases {
    secrets: Arc<Secrets>,
}

impl Databases {
    pub fn new(secrets: Arc<Secrets>) -> Self {
        Self { secrets }
    }

    fn options(&self, secret: &str) -> Result<(PgConnectOptions, Environment), ToolResult> {
        let url = (self.secrets)(secret).map_err(failed)?;
        // Not with the parser's own words: it may quote the password.
        // libpq takes one without a host for a socket of this machine; the driver wants some host to be written.
        let url = url.expose_secret().replacen(":///", "://localhost/", 1).replacen("@/", "@localhost/", 1);
        let options: PgConnectOptions = url
            .parse()
            .map_err(|_| failed(format!("the secret {secret} is not a URL such as postgres://user@host/database")))?;
        let host = options.get_host();
        let is_here = host.starts_with('/') || matches!(host, "localhost" | "127.0.0.1" | "::1");
        let environment = if is_here { Environment::Host } else { Environment::Remote };
        Ok((options, environment))
    }

    async fn connect(&self, secret: &str) -> Result<PgConnection, ToolResult> {
        let (options, _) = self.options(secret)?;
        let options = options.application_name("morningai").disable_statement_logging();
        let connecting = tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options)).await;
        match connecting {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(failed(format!("the database of {secret} cannot be reached: {error}"))),
            Err(_) => Err(failed(format!("the database of {secret} did not answer within {} s", PATIENCE.as_secs()))),
        }
    }
}

/// What a server that does not answer comes to.
async fn in_time<T>(answer: impl Future<Output = Result<T, ToolResult>>) -> Result<T, ToolResult> {
    let late = || failed(format!("the database did not answer within {} s", LONGEST.as_secs()));
    tokio::time::timeout(LONGEST, answer).await.unwrap_or_else(|_| Err(late()))
}

fn failed(why: impl Into<String>) -> ToolResult {
    ToolResult::failure(FailureKind::Failed, why)
}

fn unanswered(error: sqlx::Error) -> ToolResult {
    failed(format!("the database did not answer: {error}"))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CheckArgs {
    /// Name of the secret, under [secrets] of the configuration, that is the server's URL.
    secret: String,
    /// Fail where more than this share of the connections is used; 80 when left out.
    percent: Option<u32>,
}

/// Counts the connections of a server.
pub struct CheckConnections {
    spec: ToolSpec,
    databases: Databases,
}

impl CheckConnections {
    pub fn new(databases: Databases) -> Self {
        let about = "Says how many of a Postgres server's connections are used and what they do. Fails where too many \
                     are used.";
        let spec = args::spec::<CheckArgs>("check_connections", EffectClass::Observe, Repeat::Repeatable, about);
        Self { spec, databases }
    }

    async fn look(&self, args: &Value) -> Result<ToolResult, ToolResult> {
        let CheckArgs { secret, percent } = args::parse(&self.spec, args)?;
        let mut connection = self.databases.connect(&secret).await?;
        let rows = sqlx::query(
            "SELECT COALESCE(state, 'not shown to this user') AS state, count(*) AS sessions, \
             (SELECT sum(numbackends)::int8 FROM pg_stat_database) AS used, \
             current_setting('max_connections')::int8 AS most \
             FROM pg_stat_activity WHERE datid IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1",
        );
        let rows = rows.fetch_all(&mut connection).await.map_err(unanswered)?;
        let states: Vec<(String, i64)> = rows.iter().map(|row| (row.get("state"), row.get("sessions"))).collect();
        let most: i64 = rows.first().map_or(0, |row| row.get("most"));
        // Of all users, whatever is shown of their sessions.
        let used: i64 = rows.first().map_or(0, |row| row.get("used"));
        let summary = format!("{used} of {most} connections are used");
        let lines = states.iter().map(|(state, sessions)| format!("{sessions:>6}  {state}\n"));
        let text = format!("{summary}\n{}", lines.collect::<String>());
        let mut result = ToolResult::success(summary, Output::text(text));
        if used * 100 > most * i64::from(percent.unwrap_or(USUAL_PERCENT)) {
            result.failure = Some(FailureKind::Failed);
        }
        result.data = Some(json!({ "used": used, "most": most }));
        Ok(result)
    }
}

#[async_trait]
impl Tool for CheckConnections {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, _: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let CheckArgs { secret, .. } = args::parse(&self.spec, args)?;
        let (_, environment) = self.databases.options(&secret)?;
        let mut card = cards::observe(&self.spec, "check", Untrusted::new(secret), args);
        card.environment = environment;
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        tokio::select! {
            looked = in_time(self.look(invocation.args)) => looked.unwrap_or_else(|failed| failed),
            () = invocation.cancel.cancelled() => ToolResult::failure(FailureKind::Cancelled, "the check was cancelled"),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EndArgs {
    /// Name of the secret, under [secrets] of the configuration, that is the server's URL.
    secret: String,
    /// Only sessions that have held a transaction open and done nothing for this long, such as 5m.
    idle_for: String,
}

/// Ends sessions that hold a transaction open and do nothing.
pub struct EndIdleSessions {
    spec: ToolSpec,
    databases: Databases,
}

/// A session, told from every other that has or had its process's id by when it began.
#[derive(Debug, PartialEq)]
struct Session {
    pid: i32,
    began: String,
    line: String,
}

impl EndIdleSessions {
    pub fn new(databases: Databases) -> Self {
        let about = "Ends sessions of a Postgres server that hold a transaction open and have done nothing for long. \
                     The person sees each of them.";
        Self {
            spec: args::spec::<EndArgs>("end_idle_sessions", EffectClass::External, Repeat::Checkable, about),
            databases,
        }
    }

    async fn find(&self, args: &Value) -> Result<(String, Vec<Session>), ToolResult> {
        let EndArgs { secret, idle_for } = args::parse(&self.spec, args)?;
        let wrong = || args::bad_call(&self.spec, &format!("\"idle_for\" is {DURATION_FORM}"));
        let idle = parse_duration(&idle_for).ok_or_else(wrong)?;
        let mut connection = self.databases.connect(&secret).await?;
        // To the minute, so that the list on a card stays the same while somebody reads it.
        let rows = sqlx::query(
            "SELECT pid, backend_start::text AS began, COALESCE(usename::text, '') AS who, \
             left(application_name, 60) AS program, COALESCE(host(client_addr), 'local') AS place, \
             to_char(date_trunc('minute', state_change AT TIME ZONE 'UTC'), 'YYYY-MM-DD HH24:MI') AS since \
             FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() \
             AND state LIKE 'idle in transaction%' AND state_change < now() - make_interval(secs => $1) \
             ORDER BY state_change, pid LIMIT $2",
        );
        let rows = rows.bind(idle.as_secs_f64()).bind(MOST).fetch_all(&mut connection).await.map_err(unanswered)?;
        let session = |row: &sqlx::postgres::PgRow| {
            let [who, program, place, since]: [String; 4] =
                ["who", "program", "place", "since"].map(|name| row.get(name));
            let (pid, began): (i32, String) = (row.get("pid"), row.get("began"));
            Session { pid, began, line: format!("{pid}: {who} from {place}, {program}, idle since {since} UTC") }
        };
        Ok((secret, rows.iter().map(session).collect()))
    }

    async fn end(&self, card: &EffectCard) -> Result<ToolResult, ToolResult> {
        let Some((secret, sessions)) = planned(card) else { return Err(failed("the card names no sessions")) };
        let mut connection = self.databases.connect(&secret).await?;
        let mut ended = 0;
        for (pid, began) in &sessions {
            let order = sqlx::query_scalar::<_, bool>(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2 \
                 AND state LIKE 'idle in transaction%'",
            );
            let done = order.bind(pid).bind(began).fetch_optional(&mut connection).await.map_err(unanswered)?;
            ended += usize::from(done == Some(true));
        }
        let gone = sessions.len() - ended;
        let rest = if gone > 0 { format!("; {gone} had ended or gone on by then") } else { String::new() };
        let summary = format!("{} ended{rest}", cards::count(ended, "session was", "sessions were"));
        Ok(ToolResult::success(summary, Output::default()))
    }
}

/// The sessions of a card: the secret that names their server, and each with its process and when it began.
fn planned(card: &EffectCard) -> Option<(String, Vec<(i32, String)>)> {
    let Payload::Arguments { args } = &card.payload else { return None };
    let session = |one: &Value| Some((i32::try_from(one["pid"].as_i64()?).ok()?, one["began"].as_str()?.to_owned()));
    Some((args["secret"].as_str()?.to_owned(), args["sessions"].as_array()?.iter().filter_map(session).collect()))
}

#[async_trait]
impl Tool for EndIdleSessions {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, _: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let (secret, sessions) = in_time(self.find(args)).await?;
        let (_, environment) = self.databases.options(&secret)?;
        if sessions.is_empty() {
            let summary = "no session holds a transaction open for that long";
            return Err(ToolResult::success(summary, Output::text(summary)));
        }
        let listed: Vec<_> = sessions.iter().map(|one| json!({ "pid": one.pid, "began": one.began })).collect();
        let payload = json!({ "secret": secret, "sessions": listed });
        let mut card = cards::change(&self.spec, "stop", Vec::new(), Payload::Arguments { args: payload });
        card.class = EffectClass::External;
        card.environment = environment;
        card.risk = Risk::High;
        card.reversible = Reversibility::Irreversible;
        card.targets = vec![Untrusted::new(secret)];
        cards::fact(&mut card, "count", sessions.len());
        cards::notice(
            &mut card,
            Some("their open transactions are rolled back; their programs must reconnect".to_owned()),
        );
        sessions.into_iter().for_each(|one| cards::notice(&mut card, Some(one.line)));
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        in_time(self.end(invocation.card)).await.unwrap_or_else(|failed| failed)
    }

    async fn check(&self, _: &ToolContext, card: &EffectCard) -> Checked {
        let Some((secret, sessions)) = planned(card) else { return Checked::Unknown };
        let Ok(mut connection) = self.databases.connect(&secret).await else { return Checked::Unknown };
        let (pids, began): (Vec<_>, Vec<_>) = sessions.into_iter().unzip();
        let left = sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM pg_stat_activity s JOIN unnest($1::int4[], $2::text[]) AS w(pid, began) \
             ON s.pid = w.pid AND s.backend_start::text = w.began",
        );
        match left.bind(pids).bind(began).fetch_one(&mut connection).await {
            Ok(0) => Checked::Happened(Box::new(ToolResult::success("the sessions have ended", Output::default()))),
            Ok(_) => Checked::DidNotHappen,
            Err(_) => Checked::Unknown,
        }
    }
}

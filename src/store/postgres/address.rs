//! A Postgres URL taken apart: hosts in their order, role, database, TLS. Never shows its password.
//!
//! Understood are libpq's forms with one host or several, `postgres://h1:5432,h2:5433/db` and `?host=h1&host=h2`, its
//! environment (`PGHOST`, `PGUSER`, `PGPASSWORD`, …) and its password file. What is not understood is refused rather
//! than passed over: an option for safety that is silently ignored is worse than none.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::ports::{LogError, LogErrorKind};

/// What this program is called in `pg_stat_activity`.
const APPLICATION: &str = "morningai";
/// How long one host may take to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const FORM: &str = "write it as postgres://USER@HOST:PORT/DATABASE; the password goes into PGPASSWORD or ~/.pgpass";

/// Where a Postgres store is, and how to be let in.
#[derive(Clone, Debug)]
pub struct PostgresAddress {
    /// In the order to be tried; empty for libpq's default.
    hosts: Vec<Host>,
    user: Option<String>,
    password: Option<SecretString>,
    database: Option<String>,
    tls_mode: Option<PgSslMode>,
    root_certificate: Option<String>,
    client_certificate: Option<String>,
    client_key: Option<String>,
    connect_timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    /// A name, an address, or the directory of a socket.
    name: String,
    port: Option<u16>,
}

impl PostgresAddress {
    /// Whether a store's URL is one of these.
    pub fn is_meant_by(url: &str) -> bool {
        url.starts_with("postgres:") || url.starts_with("postgresql:")
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// The password given in the URL itself, so that it can be kept out of the log.
    pub fn password(&self) -> Option<&SecretString> {
        self.password.as_ref()
    }

    /// The driver would report a certificate that is not there as if the server were not.
    pub(super) fn check_files(&self) -> Result<(), LogError> {
        let files = [
            ("sslrootcert", &self.root_certificate),
            ("sslcert", &self.client_certificate),
            ("sslkey", &self.client_key),
        ];
        for (option, file) in files {
            let Some(file) = file else { continue };
            std::fs::File::open(file)
                .map_err(|error| wrong(&format!("its {option}, {file}, cannot be read: {error}")))?;
        }
        Ok(())
    }

    /// The sockets it is reached by, on this computer.
    pub fn sockets(&self) -> Vec<PathBuf> {
        let options = self.options().unwrap_or_default();
        let socket = |(_, options): (String, PgConnectOptions)| {
            let directory = match options.get_socket() {
                Some(directory) => directory.clone(),
                None => PathBuf::from(Some(options.get_host()).filter(|host| host.starts_with('/'))?),
            };
            Some(directory.join(format!(".s.PGSQL.{}", options.get_port())))
        };
        options.into_iter().filter_map(socket).collect()
    }

    /// A name for files that belong to this store, the same however the URL is written.
    pub fn file_name(&self) -> String {
        let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
        let first = self.to_string().replacen(',', "/", 1);
        let (host, database) = (first.split('/').next().unwrap_or_default(), self.to_string());
        let database = database.rsplit('/').next().unwrap_or_default().to_owned();
        format!("{host}-{database}").chars().map(plain).collect()
    }

    /// Each host's name for messages, and what to connect to it with.
    pub(super) fn options(&self) -> Result<Vec<(String, PgConnectOptions)>, LogError> {
        let usual = [None];
        let hosts: Vec<_> = match self.hosts.as_slice() {
            [] => usual.to_vec(),
            hosts => hosts.iter().map(Some).collect(),
        };
        hosts.into_iter().map(|host| self.options_for(host)).collect()
    }

    fn options_for(&self, host: Option<&Host>) -> Result<(String, PgConnectOptions), LogError> {
        // Only when it parses a URL does sqlx look into the password file; so it gets one, made of what we understood.
        let mut query = String::new();
        let mut add = |key: &str, value: &str| {
            query.push_str(&format!("&{key}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        };
        if let Some(host) = host {
            add("host", &host.name);
        }
        if let Some(port) = host.and_then(|host| host.port) {
            add("port", &port.to_string());
        }
        self.user.iter().for_each(|user| add("user", user));
        self.database.iter().for_each(|database| add("dbname", database));
        let url = format!("postgres:?{}", query.trim_start_matches('&'));
        let mut options = PgConnectOptions::from_str(&url).map_err(|_| wrong("the driver does not understand it"))?;
        if let Some(password) = &self.password {
            options = options.password(password.expose_secret());
        }
        if let Some(mode) = self.tls_mode {
            options = options.ssl_mode(mode);
        }
        if let Some(file) = &self.root_certificate {
            options = options.ssl_root_cert(file);
        }
        if let Some(file) = &self.client_certificate {
            options = options.ssl_client_cert(file);
        }
        if let Some(file) = &self.client_key {
            options = options.ssl_client_key(file);
        }
        let name = match options.get_socket() {
            Some(socket) => format!("{}:{}", socket.display(), options.get_port()),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        Ok((name, options.application_name(APPLICATION).disable_statement_logging()))
    }
}

/// Without the password and all that only says how to connect.
impl fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.options().unwrap_or_default();
        let names: Vec<_> = hosts.iter().map(|(name, _)| name.as_str()).collect();
        let database = hosts.first().map(|(_, options)| options.get_database().unwrap_or(options.get_username()));
        write!(f, "postgres:{}/{}", names.join(","), database.unwrap_or_default())
    }
}

impl FromStr for PostgresAddress {
    type Err = LogError;

    fn from_str(url: &str) -> Result<Self, LogError> {
        let rest = url.strip_prefix("postgres:").or_else(|| url.strip_prefix("postgresql:"));
        let rest =
            rest.and_then(|rest| rest.strip_prefix("//")).ok_or_else(|| wrong("it does not begin with postgres://"))?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let mut address = Self {
            hosts: Vec::new(),
            user: some(decoded(user)?),
            password: some(decoded(password)?).map(SecretString::from),
            database: some(decoded(database)?),
            tls_mode: None,
            root_certificate: None,
            client_certificate: None,
            client_key: None,
            connect_timeout: CONNECT_TIMEOUT,
        };
        let mut named = Named::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            address.take_option(key, decoded(value)?, &mut named)?;
        }
        address.hosts = match named.hosts.as_slice() {
            [] => hosts.split(',').filter(|host| !host.is_empty()).map(host_and_port).collect::<Result<_, _>>()?,
            _ => named.joined()?,
        };
        address.options().map(|_| address)
    }
}

/// Hosts and ports named as options.
#[derive(Default)]
struct Named {
    hosts: Vec<String>,
    ports: Vec<u16>,
}

impl Named {
    /// One port goes for all hosts; else there must be as many.
    fn joined(self) -> Result<Vec<Host>, LogError> {
        let port = |at: usize| match self.ports.as_slice() {
            [] => Ok(None),
            [port] => Ok(Some(*port)),
            ports => ports.get(at).copied().map(Some).ok_or_else(|| wrong("it has fewer ports than hosts")),
        };
        let host = |(at, name): (usize, &String)| Ok(Host { name: name.clone(), port: port(at)? });
        self.hosts.iter().enumerate().map(host).collect()
    }
}

impl PostgresAddress {
    fn take_option(&mut self, key: &str, value: String, named: &mut Named) -> Result<(), LogError> {
        match key {
            "host" | "hostaddr" => named.hosts.extend(value.split(',').map(str::to_owned)),
            "port" => {
                for port in value.split(',') {
                    named.ports.push(port.parse().map_err(|_| wrong("a port in it is not a number"))?);
                }
            }
            "user" => self.user = some(value),
            "password" => self.password = some(value).map(SecretString::from),
            "dbname" => self.database = some(value),
            "sslmode" => self.tls_mode = Some(tls_mode(&value)?),
            "sslrootcert" => self.root_certificate = some(value),
            "sslcert" => self.client_certificate = some(value),
            "sslkey" => self.client_key = some(value),
            "connect_timeout" => {
                let seconds: u64 =
                    value.parse().map_err(|_| wrong("its connect_timeout is not a number of seconds"))?;
                self.connect_timeout = Duration::from_secs(seconds.clamp(1, 600));
            }
            // What we always ask for, and the name we always give.
            "target_session_attrs" if matches!(value.as_str(), "read-write" | "primary") => {}
            "application_name" => {}
            // The key alone: the value may be a secret behind a slip of the pen.
            _ => return Err(wrong(&format!("its option {key:?} is not understood"))),
        }
        Ok(())
    }
}

fn tls_mode(name: &str) -> Result<PgSslMode, LogError> {
    // `allow` would mean to prefer no encryption; nobody wants that, and the driver cannot do it.
    let known = ["disable", "prefer", "require", "verify-ca", "verify-full"];
    let mode = known.contains(&name).then(|| name.parse().ok()).flatten();
    mode.ok_or_else(|| wrong(&format!("its sslmode is none of {}", known.join(", "))))
}

/// `host`, `host:port` or `[address]:port`.
fn host_and_port(text: &str) -> Result<Host, LogError> {
    let bad = || wrong("a port in it is not a number");
    let (name, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((address, rest)) => (address, rest.strip_prefix(':')),
        None => text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
    };
    let port = port.filter(|port| !port.is_empty()).map(|port| port.parse().map_err(|_| bad())).transpose()?;
    Ok(Host { name: decoded(name)?, port })
}

fn decoded(text: &str) -> Result<String, LogError> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| wrong("it is not valid UTF-8"))?;
    if text.contains('\0') {
        return Err(wrong("it contains a NUL"));
    }
    Ok(text.into_owned())
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Says what, and never repeats the URL: it may hold a password.
fn wrong(what: &str) -> LogError {
    LogError::new(LogErrorKind::Unusable, format!("the URL of the Postgres store cannot be used: {what}"), FORM)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(url: &str) -> Vec<String> {
        url.parse::<PostgresAddress>().unwrap().options().unwrap().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn hosts_are_tried_in_the_order_they_are_written() {
        assert_eq!(hosts("postgres://h1:5432,h2:5433/db"), ["h1:5432", "h2:5433"]);
        assert_eq!(hosts("postgresql://u:p@h1,[::1]:7/db"), ["h1:5432", "::1:7"]);
        assert_eq!(hosts("postgres:///db?host=h1&host=h2&port=7"), ["h1:7", "h2:7"]);
        assert_eq!(hosts("postgres:///db?host=h1,h2&port=7,8"), ["h1:7", "h2:8"]);
        assert_eq!(hosts("postgres:///db?host=/run/pg&port=7"), ["/run/pg:7"]);
        assert_eq!(hosts("postgres://%2Frun%2Fpg:9/db"), ["/run/pg:9"]);
        let sockets = "postgres:///db?host=/run/pg&host=h".parse::<PostgresAddress>().unwrap().sockets();
        assert_eq!(sockets, [PathBuf::from("/run/pg/.s.PGSQL.5432")]);
    }

    #[test]
    fn each_part_reaches_the_driver() {
        let url = "postgres://an%40a:p%3aw@h/my%20db?sslmode=verify-full&connect_timeout=2";
        let address: PostgresAddress = url.parse().unwrap();
        let options = &address.options().unwrap()[0].1;
        assert_eq!((options.get_username(), options.get_database()), ("an@a", Some("my db")));
        assert!(matches!(options.get_ssl_mode(), PgSslMode::VerifyFull));
        assert_eq!(address.password().unwrap().expose_secret(), "p:w");
        assert_eq!(address.connect_timeout(), Duration::from_secs(2));
    }

    #[test]
    fn the_password_is_never_shown() {
        let address: PostgresAddress = "postgres://ana:hunter2@h1,h2:7/db?password=hunter2".parse().unwrap();
        assert_eq!(address.to_string(), "postgres:h1:5432,h2:7/db");
        assert!(!format!("{address:?}").contains("hunter2"));
        assert_eq!(address.file_name(), "postgres-h1-5432-db");
    }

    #[test]
    fn what_is_not_understood_is_refused_without_repeating_it() {
        for url in [
            "postgres:h/db",
            "postgres://u:hunter2@h:port/db",
            "postgres://h/db?passwd=hunter2",
            "postgres://h/db?sslmode=hunter2",
            "postgres://h/db?sslmode=allow",
            "postgres://h/db?target_session_attrs=any",
            "postgres:///db?host=a,b,c&port=1,2",
            "postgres://u:hunter2%00@h/db",
        ] {
            let error = url.parse::<PostgresAddress>().unwrap_err();
            assert!(error.kind == LogErrorKind::Unusable && !error.message.contains("hunter2"), "{url}: {error}");
            assert!(error.hint.contains("postgres://USER@HOST"));
        }
    }
}

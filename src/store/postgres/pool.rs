//! Connections: made to the first host that answers as a primary, kept for the next use, never used after an error.
//!
//! sqlx's own pool knows one host only, and reports every failure to connect as a time-out; so this is ours. A
//! connection comes back by `give_back` alone: whoever fails or stops waiting in the middle drops it, and with it
//! whatever it was about to do.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Row as _};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

use super::address::PostgresAddress;
use super::error;
use crate::ports::{LogError, LogErrorKind};
use crate::store::OpenMode;

/// How long to wait for a connection while all are in use.
const PATIENCE: Duration = Duration::from_secs(10);

/// What every connection is set to. All our questions are answered from an index; saying so keeps a plan that was made
/// while a table was small from reading through it later. `jit` would compile for longer than a statement takes. Where a
/// role or a database is set to acknowledge what is not on disk, we insist.
const SET_UP: &str = "
    SET statement_timeout = '20s';
    SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '60s';
    SET default_transaction_isolation = 'read committed';
    SET standard_conforming_strings = on;
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET plan_cache_mode = force_generic_plan;
    SET jit = off;
    SELECT pg_is_in_recovery(), CASE current_setting('synchronous_commit')
        WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END";

/// Makes connections. Not `Debug`, for the driver's options show their password.
pub(super) struct Connector {
    /// The store as people know it.
    pub place: String,
    mode: OpenMode,
    hosts: Vec<(String, PgConnectOptions)>,
    connect_timeout: Duration,
    /// Which host answered last; the others are tried after it.
    answered: AtomicUsize,
}

/// Why one host would not do.
enum Refused {
    Failed(sqlx::Error),
    Standby,
}

impl Connector {
    pub fn new(address: &PostgresAddress, mode: OpenMode) -> Result<Self, LogError> {
        address.check_files()?;
        Ok(Self {
            place: address.to_string(),
            mode,
            hosts: address.options()?,
            connect_timeout: address.connect_timeout(),
            answered: AtomicUsize::new(0),
        })
    }

    /// A connection to the first host that answers as wanted.
    pub async fn connect(&self) -> Result<PgConnection, LogError> {
        let first = self.answered.load(Ordering::Relaxed);
        let others = (0..self.hosts.len()).filter(|at| *at != first);
        let mut refusals = Vec::new();
        for at in std::iter::once(first).chain(others) {
            let Some((name, options)) = self.hosts.get(at) else { continue };
            match self.try_host(options).await {
                Ok(connection) => {
                    self.answered.store(at, Ordering::Relaxed);
                    return Ok(connection);
                }
                Err(refused) => refusals.push((name, refused)),
            }
        }
        Err(self.unreachable(&refusals))
    }

    /// For a connection that looks after itself: the host that answered last.
    pub fn options(&self) -> Option<PgConnectOptions> {
        self.hosts.get(self.answered.load(Ordering::Relaxed)).map(|(_, options)| options.clone())
    }

    async fn try_host(&self, options: &PgConnectOptions) -> Result<PgConnection, Refused> {
        let connecting = async {
            let mut connection = options.connect().await?;
            let row = sqlx::raw_sql(SET_UP).fetch_one(&mut connection).await?;
            Ok((connection, row.try_get(0)?))
        };
        let late = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        let connected = timeout(self.connect_timeout, connecting).await.unwrap_or_else(|_| Err(late()));
        match connected {
            Ok((_, true)) if self.mode == OpenMode::ReadWrite => Err(Refused::Standby),
            Ok((connection, _)) => Ok(connection),
            Err(error) => Err(Refused::Failed(error)),
        }
    }

    fn unreachable(&self, refusals: &[(&String, Refused)]) -> LogError {
        let place = &self.place;
        if let [(_, Refused::Failed(error))] = refusals {
            return error::explain(place, "connect to", error);
        }
        let why = |refused: &Refused| match refused {
            Refused::Failed(error) => error::reason(error),
            Refused::Standby => "a standby, in recovery".to_owned(),
        };
        let listed: Vec<_> = refusals.iter().map(|(name, refused)| format!("{name}: {}", why(refused))).collect();
        // As long as one of them may come to be the primary, trying again may help.
        let is_lasting = |refused: &Refused| match refused {
            Refused::Failed(error) => error::judge(error).0 == LogErrorKind::Unusable,
            Refused::Standby => false,
        };
        let kind = match refusals.iter().all(|(_, refused)| is_lasting(refused)) {
            true => LogErrorKind::Unusable,
            false => LogErrorKind::Busy,
        };
        LogError::new(
            kind,
            format!("cannot connect to {place}: no host answers as the primary ({})", listed.join("; ")),
            "name the primary in the URL, or all hosts as h1,h2; check which of them is the primary",
        )
    }
}

/// A bounded number of connections.
pub(super) struct Pool {
    connector: Connector,
    /// The one used last is used next, so that its prepared statements stay warm.
    idle: Mutex<Vec<PgConnection>>,
    permits: Semaphore,
    is_closed: AtomicBool,
}

/// A connection in use. Dropped, it is gone; `give_back` keeps it.
pub(super) struct Lent<'a> {
    pub connection: PgConnection,
    pool: &'a Pool,
    _permit: SemaphorePermit<'a>,
}

impl Lent<'_> {
    /// Only for one with no transaction open and nothing unread.
    pub fn give_back(self) {
        if !self.pool.is_closed.load(Ordering::Acquire) {
            self.pool.idle().push(self.connection);
        }
    }
}

impl Pool {
    pub fn new(connector: Connector, first: Option<PgConnection>, size: usize) -> Self {
        Self {
            connector,
            idle: Mutex::new(first.into_iter().collect()),
            permits: Semaphore::new(size),
            is_closed: AtomicBool::new(false),
        }
    }

    pub fn connector(&self) -> &Connector {
        &self.connector
    }

    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    pub async fn lend(&self) -> Result<Lent<'_>, LogError> {
        let refused = |error| error::explain(&self.connector.place, "use", &error);
        if self.is_closed() {
            return Err(error::closed(&self.connector.place));
        }
        let permit = timeout(PATIENCE, self.permits.acquire()).await.map_err(|_| refused(sqlx::Error::PoolTimedOut))?;
        let permit = permit.map_err(|_| error::closed(&self.connector.place))?;
        let kept = self.idle().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => self.connector.connect().await?,
        };
        Ok(Lent { connection, pool: self, _permit: permit })
    }

    /// The server went away, or is no primary any more: so did whatever was kept.
    pub fn forget_idle(&self) {
        self.idle().clear();
    }

    /// Waits for what is in use, at most for a while.
    pub async fn close(&self, size: u32) {
        self.is_closed.store(true, Ordering::Release);
        let _ = timeout(PATIENCE, self.permits.acquire_many(size)).await;
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            use sqlx::Connection;
            // A farewell that the server does not hear changes nothing.
            let _ = timeout(Duration::from_secs(1), connection.close()).await;
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Growing pauses between tries, until a deadline.
pub(super) struct BackOff {
    until: Instant,
    pause: Duration,
}

impl BackOff {
    pub fn new(patience: Duration) -> Self {
        Self { until: Instant::now() + patience, pause: Duration::from_millis(20) }
    }

    /// Sleeps, and says whether another try is due.
    pub async fn again(&mut self) -> bool {
        if Instant::now() + self.pause >= self.until {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(1));
        true
    }
}

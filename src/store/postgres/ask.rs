//! Asking the database: every statement is given its time, and what may be repeated is asked again when its connection
//! is lost.
//!
//! The driver waits for ever for a server that took a question and says nothing: one that is stopped, or behind a line
//! that swallows. So each answer is waited for here, for so long. Each for itself, so that what goes page by page, as
//! verifying does, may last as long as the log is long. A connection that was silent is never used again: its answer
//! may still come.

use std::io;
use std::time::Duration;

use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use tokio::time::timeout;

use super::error;
use super::pool::BackOff;
use super::store::Store;
use super::transaction::{Kind, begin};
use crate::domain::Tenant;
use crate::ports::{LogError, LogErrorKind};

/// How long the database may take to answer before its connection counts as lost.
pub(super) const ANSWER: Duration = Duration::from_secs(8);

/// How long a question is asked again after its connection was lost.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(3);

/// For a page, an output, or a statement that touches many rows. Longer than the `statement_timeout` of our connections:
/// a server that is there says by itself that it took too long.
pub(super) const LONG_ANSWER: Duration = Duration::from_secs(25);

/// The same on connections that give a statement five minutes: those of copies, of pruning and of migrating, which touch
/// more than a page at a time.
pub(super) const PIECE_ANSWER: Duration = Duration::from_secs(6 * 60);

pub(super) type Question = Query<'static, Postgres, PgArguments>;

/// How a question is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// A row or a few, each found by its key.
    Reading,
    /// A page of rows, or an output.
    ReadingMuch,
    Writing,
    /// As the only statement of its transaction: one of our functions, which names the tenant itself.
    Calling,
    /// The same for a page of rows.
    CallingMuch,
}

impl How {
    fn patience(self) -> Duration {
        match self {
            Self::Reading | Self::Calling => ANSWER,
            // An output of 16 MiB is written over a slow line too.
            Self::ReadingMuch | Self::CallingMuch | Self::Writing => LONG_ANSWER,
        }
    }
}

pub(super) struct Failure {
    pub error: LogError,
    /// Whether another connection may fare better.
    pub may_pass: bool,
}

impl Failure {
    pub fn to_connect(error: LogError) -> Self {
        Self { may_pass: error.kind == LogErrorKind::Busy, error }
    }
}

/// A refusal that another connection would not change.
impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        Self { error, may_pass: false }
    }
}

/// The answer, or that there was none in time; then the connection that was asked must not be used again.
pub(super) async fn answered<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    timeout(patience, answer).await.unwrap_or_else(|_| {
        let silence = format!("the server did not answer within {} s", patience.as_secs());
        Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, silence)))
    })
}

impl Store {
    /// Asks; again when the connection is lost, so only for what may be repeated.
    pub async fn ask(&self, how: How, doing: &str, question: impl Fn() -> Question) -> Result<Vec<PgRow>, LogError> {
        let mut failure = match self.ask_once(how, doing, question()).await {
            Ok(rows) => return Ok(rows),
            Err(failure) => failure,
        };
        // From here on, for to notice that a server is silent may have taken longer than that: another may have its place.
        let mut back_off = BackOff::new(ASK_AGAIN);
        while failure.may_pass && back_off.again().await {
            failure = match self.ask_once(how, doing, question()).await {
                Ok(rows) => return Ok(rows),
                Err(failure) => failure,
            };
        }
        Err(failure.error)
    }

    async fn ask_once(&self, how: How, doing: &str, question: Question) -> Result<Vec<PgRow>, Failure> {
        let mut lent = self.readers.lend().await.map_err(Failure::to_connect)?;
        let connection = &mut lent.connection;
        let answer = async {
            match how {
                How::Reading | How::ReadingMuch => {
                    ask_in_transaction(connection, &self.tenant, Kind::Read, question).await
                }
                How::Writing => ask_in_transaction(connection, &self.tenant, Kind::Write, question).await,
                How::Calling | How::CallingMuch => question.fetch_all(connection).await,
            }
        };
        match answered(how.patience(), answer).await {
            Ok(rows) => {
                lent.give_back();
                Ok(rows)
            }
            Err(error) => Err(self.failure(doing, &error)),
        }
    }

    /// Why one connection of the readers would not do; those like it are not used again.
    pub fn failure(&self, doing: &str, error: &sqlx::Error) -> Failure {
        let may_pass = error::is_connection_lost(error) || error::is_read_only(error);
        if may_pass {
            self.readers.forget_idle();
        }
        Failure { may_pass, error: self.explain(doing, error) }
    }
}

async fn ask_in_transaction(
    connection: &mut PgConnection,
    tenant: &Tenant,
    kind: Kind,
    question: Question,
) -> Result<Vec<PgRow>, sqlx::Error> {
    let mut transaction = begin(connection, tenant, kind).await?;
    let rows = question.fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(rows)
}

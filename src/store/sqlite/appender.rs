//! The connection that appends, on a thread of its own: whole transactions go in, one trip each, and come out done.
//!
//! SQLite works synchronously. A statement at a time, sent from the program's tasks, costs two wake-ups each; a
//! transaction at a time costs two in all, and none is left half done when whoever asked for it stops waiting.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::{io, thread};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::error::{closed, explain_refusal};
use super::open::{BUSY_TIMEOUT, PRAGMAS};
use crate::ports::LogError;

/// Statements kept ready: more than there are.
const STATEMENTS: usize = 32;

type Order = Box<dyn FnOnce(rusqlite::Result<&mut Connection>) + Send>;

/// Ends when dropped, after what it was given is done.
#[derive(Debug)]
pub(super) struct Appender {
    database: PathBuf,
    orders: mpsc::Sender<Order>,
    /// Never sent to; fails once the connection is closed.
    ended: oneshot::Receiver<()>,
}

impl Appender {
    /// A thread that opens the database with its first order.
    pub fn start(database: &Path) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let (ends, ended) = oneshot::channel();
        let database = database.to_owned();
        let theirs = database.clone();
        thread::Builder::new().name("store-append".to_owned()).spawn(move || {
            obey(&theirs, &inbox);
            drop(ends);
        })?;
        Ok(Self { database, orders, ended })
    }

    /// Does `work` on the connection, whether or not anybody waits for what comes of it.
    ///
    /// It must leave no transaction open. An error says that the database could not be opened, and nothing was done.
    pub async fn perform<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, LogError> {
        let (reply, answer) = oneshot::channel();
        let order: Order = Box::new(move |connection| {
            // A caller that no longer waits needs no answer.
            let _ = reply.send(connection.map(work));
        });
        // A thread that is gone has dropped the reply too.
        let _ = self.orders.send(order);
        let answer = answer.await.map_err(|_| closed(&self.database))?;
        answer.map_err(|error| explain_refusal(&self.database, "open", &error))
    }

    /// Waits until the connection is closed.
    pub async fn close(self) {
        drop(self.orders);
        let _ = self.ended.await;
    }
}

fn obey(database: &Path, orders: &mpsc::Receiver<Order>) {
    let mut connection = None;
    for order in orders {
        match connection.take().map_or_else(|| open(database), Ok) {
            Ok(mut open) => {
                order(Ok(&mut open));
                connection = Some(open);
            }
            Err(error) => order(Err(error)),
        }
    }
}

fn open(database: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    for (name, value) in PRAGMAS {
        connection.pragma_update(None, name, value)?;
    }
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

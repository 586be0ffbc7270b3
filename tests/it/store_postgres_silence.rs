//! A server that takes what it is asked and says nothing: nobody waits for ever, and all goes on once it is back.

use std::time::{Duration, Instant};

use morningai::domain::Tenant;
use morningai::ports::{Log, LogError, LogErrorKind};
use morningai::store::{OpenMode, PostgresAddress, PostgresLog};

use crate::store_contract::{append_one, run};
use crate::support::postgres::{Cluster, Database, PROGRAM};

const LEASE: Duration = Duration::from_secs(10);
const MOST: Duration = Duration::from_secs(60);

fn given_up<T: std::fmt::Debug>(answer: Result<T, LogError>) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind, LogErrorKind::Busy, "{error}");
    assert!(error.message.contains("did not answer") || error.message.contains("timed out"), "{error}");
    assert!(error.hint.contains("check that the server runs"), "{}", error.hint);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_ever_for_a_server_that_is_silent() {
    let cluster = Cluster::start_to_be_killed();
    let database = Database::migrated_on(&cluster).await;
    let address: PostgresAddress = format!("{}&connect_timeout=1", database.url(PROGRAM)).parse().unwrap();
    let log = PostgresLog::open(&address, Tenant::default(), OpenMode::ReadWrite, database.data.path()).await.unwrap();
    append_one(&log, run(1), 1, "before").await;
    let output = log.put_blob(b"an output").await.unwrap();
    // Each of the connections is made and known to be good.
    let warm = tokio::join!(log.read(0, 9), log.read(0, 9), log.read(0, 9), log.read(0, 9));
    assert!(warm.0.is_ok() && warm.1.is_ok() && warm.2.is_ok() && warm.3.is_ok());

    let silence = cluster.silence();
    let began = Instant::now();
    let asked = async {
        tokio::join!(log.read(0, 9), log.claim(run(1), "a worker", LEASE), log.get_blob(&output), log.verify(&[]))
    };
    let (read, claimed, fetched, verified) = tokio::time::timeout(MOST, asked).await.expect("somebody waits on");
    assert!(began.elapsed() > Duration::from_secs(5), "nobody waited at all");
    given_up(read);
    given_up(claimed);
    given_up(fetched);
    given_up(verified);
    // Nothing is left of the pool, so this is about a new connection.
    given_up(log.head().await);

    drop(silence);
    assert_eq!(log.read(0, 9).await.unwrap().len(), 1);
    assert_eq!(log.get_blob(&output).await.unwrap().as_deref(), Some(b"an output".as_slice()));
    assert!(log.claim(run(1), "a worker", LEASE).await.unwrap().is_some());
    assert_eq!(append_one(&log, run(1), 2, "after").await, 2);
    assert_eq!(log.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}

//! Copying a store, and putting a backup into the place of one; or trying whether that would work.

use std::path::Path;

use super::Wire;
use super::store::{OpenStore, StorePlace};
use crate::cli::{Copied, Failure, Rehearsed};
use crate::domain::Tenant;
use crate::ports::Log;
use crate::runtime;
use crate::store::{AnyLog, Encryption, OpenMode, Scratch, SqliteLog, copy, unpack};

/// Copies this tenant's part of the store to the place that `url` names.
pub(super) async fn copy_store(wire: &Wire, url: &str) -> Result<Copied, Failure> {
    let target = StorePlace::named(url).map_err(|failure| failure.at("the store to copy into"))?;
    let from = wire.store_to_read().await?;
    let source = from.any_log()?;
    wire.places.make_data_dir()?;
    let encryption = wire.key.encryption(&wire.places).await?;
    let (tenant, data) = (wire.places.tenant.clone(), wire.places.paths.data_dir());
    let to = target.open_with(tenant, OpenMode::ReadWrite, data, &encryption).await?;
    let copied = pour(source, &to, from.place()).await;
    let closed = to.close().await;
    let copied = copied?;
    closed?;
    from.close().await?;
    Ok(copied)
}

/// Puts this tenant's part of a backup into the store, once it has proved sound.
pub(super) async fn restore(wire: &Wire, file: &Path) -> Result<Copied, Failure> {
    let unpacked = Unpacked::new(wire, file).await?;
    let tenant = &wire.places.tenant;
    if !unpacked.tenants.contains(tenant) {
        return Err(Failure::usage(format!("the backup has nothing of tenant {}", tenant.0))
            .at(file.display().to_string())
            .next(format!("it has: {}; name one with --tenant", names(&unpacked.tenants))));
    }
    let log = unpacked.open(tenant).await?;
    let rehearsed = rehearse(&log, tenant).await?;
    if !rehearsed.problems.is_empty() {
        return Err(Failure::failed(format!(
            "the backup was changed after it was written:\n{}",
            rehearsed.problems.join("\n")
        ))
        .at(file.display().to_string())
        .next("take another one; nothing was restored"));
    }
    let to = wire.store_to_write().await?;
    let copied = pour(AnyLog::Sqlite(&log), &to, file.display().to_string()).await;
    let closed = to.close().await;
    let mut copied = copied?;
    closed?;
    log.close().await?;
    copied.others = unpacked.tenants.iter().filter(|other| *other != tenant).map(|other| other.0.clone()).collect();
    Ok(copied)
}

/// Unpacks a backup, looks at every part of it, and removes what it made: what was found, a tenant each.
pub(super) async fn rehearse_restore(wire: &Wire, file: &Path) -> Result<Vec<Rehearsed>, Failure> {
    let unpacked = Unpacked::new(wire, file).await?;
    let mut found = Vec::new();
    for tenant in &unpacked.tenants {
        let log = unpacked.open(tenant).await?;
        found.push(rehearse(&log, tenant).await?);
        log.close().await?;
    }
    Ok(found)
}

async fn pour(source: AnyLog<'_>, to: &OpenStore, from: String) -> Result<Copied, Failure> {
    let report = copy(source, to.any_log()?).await?;
    let records = report.records.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
    Ok(Copied { from, to: to.place(), head: report.head, checked: report.checked.len(), records, others: Vec::new() })
}

/// Whether chain, rows and outputs are what they should be.
async fn rehearse(log: &dyn Log, tenant: &Tenant) -> Result<Rehearsed, Failure> {
    let report = log.verify(&[]).await?;
    let mut problems = report.problems;
    let mut outputs = 0;
    // Of a log that was changed, rows that agree with it prove nothing.
    if problems.is_empty() {
        problems.extend(runtime::compare_rows(log).await?);
        let found = runtime::check_outputs(log).await?;
        problems.extend(found.problems);
        outputs = found.sound;
    }
    Ok(Rehearsed { tenant: tenant.0.clone(), events: report.events, head: report.head, outputs, problems })
}

/// A backup as a store that may be written to, in a directory that goes away with it.
struct Unpacked {
    directory: Scratch,
    tenants: Vec<Tenant>,
    encryption: Encryption,
}

impl Unpacked {
    async fn new(wire: &Wire, file: &Path) -> Result<Self, Failure> {
        wire.places.make_data_dir()?;
        let data = wire.places.paths.data_dir();
        let directory = Scratch::within(data).map_err(|error| {
            Failure::failed(format!("there is no room to unpack a backup: {error}"))
                .at(data.display().to_string())
                .next("make room there, or name another place with --data-dir")
        })?;
        let tenants = unpack(file, &directory.path().join("store.db")).await?;
        Ok(Self { directory, tenants, encryption: wire.key.encryption(&wire.places).await? })
    }

    async fn open(&self, tenant: &Tenant) -> Result<SqliteLog, Failure> {
        let path = self.directory.path().join("store.db");
        Ok(SqliteLog::open_with(&path, tenant.clone(), OpenMode::ReadWrite, &self.encryption).await?)
    }
}

fn names(tenants: &[Tenant]) -> String {
    let names: Vec<_> = tenants.iter().map(|tenant| tenant.0.as_str()).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

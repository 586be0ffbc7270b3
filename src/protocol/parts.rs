//! A snapshot in parts, so that no message is large and a slow line shows life while it is sent.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::fold::Snapshot;
use crate::kinds::{DaySpend, Kept, with_kinds};

/// Bytes of rows after which a part is full.
const FULL: usize = 64 * 1024;

macro_rules! define_parts {
    (kept { $($Kept:ident = $kept:literal, $table:ident, $tag:literal;)* } events { $($Bare:ident = $bare:literal, $bare_tag:literal;)* }) => {
        /// Some rows of a snapshot. Threads do not travel: a console reads the history of what it looks at. A kind that
        /// the other side does not know is left out.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        pub struct SnapshotPart {
            /// The snapshot's cursor, the same in all parts.
            pub cursor: u64,
            $(#[serde(default)] pub $table: Vec<$crate::kinds::$Kept>,)*
            pub spend: BTreeMap<NaiveDate, DaySpend>,
        }

        /// Cuts a snapshot into parts, at least one.
        pub fn parts_of(snapshot: Snapshot) -> Vec<SnapshotPart> {
            let cursor = snapshot.cursor;
            let mut parts = vec![SnapshotPart { cursor, spend: snapshot.spend, ..SnapshotPart::default() }];
            let mut bytes = 0;
            let mut room = |parts: &mut Vec<SnapshotPart>, row: usize| {
                bytes += row;
                if bytes > FULL {
                    bytes = row;
                    parts.push(SnapshotPart { cursor, ..SnapshotPart::default() });
                }
            };
            $(for row in snapshot.$table.into_values() {
                room(&mut parts, size(&row));
                if let Some(part) = parts.last_mut() {
                    part.$table.push(row);
                }
            })*
            parts
        }

        impl Assembly {
            pub fn add(&mut self, part: SnapshotPart) {
                self.0.cursor = part.cursor;
                $(self.0.$table.extend(part.$table.into_iter().map(|row| (row.id(), row)));)*
                self.0.spend.extend(part.spend);
            }

            pub fn finish(self) -> Snapshot {
                self.0
            }
        }
    };
}

with_kinds!(define_parts);

/// A snapshot being put together again.
#[derive(Debug, Default)]
pub struct Assembly(Snapshot);

fn size<T: Serialize>(row: &T) -> usize {
    serde_json::to_string(row).map_or(FULL, |text| text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Actor, RunId, RunSpec};
    use crate::kinds::Run;
    use crate::protocol::FromServer;

    #[test]
    fn parts_add_up_to_the_snapshot_and_none_is_large() {
        let spec: RunSpec =
            serde_json::from_value(serde_json::json!({ "goal": "x".repeat(20_000), "agent": "dev", "tools": [] }))
                .unwrap();
        let at = "2026-11-24T03:00:00Z".parse().unwrap();
        let mut snapshot = Snapshot { cursor: 7, ..Snapshot::default() };
        for number in 0..20 {
            let id = RunId(uuid::Uuid::from_u128(number));
            snapshot.runs.insert(id, Run::started(id, &spec, &Actor::System, at));
        }
        let parts = parts_of(snapshot.clone());
        assert!(parts.len() >= 6, "{}", parts.len());
        let mut assembly = Assembly::default();
        for part in parts {
            let text = serde_json::to_string(&part).unwrap();
            assert!(text.len() < 2 * FULL, "{}", text.len());
            assembly.add(serde_json::from_str(&text).unwrap());
        }
        assert_eq!(assembly.finish(), snapshot);
        assert_eq!(parts_of(Snapshot::default()).len(), 1, "an empty snapshot is told too");
    }
    #[test]
    fn what_ended_runs_had_cost_reads_back_from_a_message() {
        let ended =
            serde_json::json!({ "succeeded": 1, "failed": 0, "cancelled": 0, "cost": 7, "by_cost": { "22": 1 } });
        let spend = serde_json::json!({ "by_model": {}, "ended": { "dev": ended } });
        let mut snapshot = Snapshot::default();
        snapshot.spend.insert("2026-11-24".parse().unwrap(), serde_json::from_value(spend).unwrap());
        let said = FromServer::Snapshot { part: Box::new(parts_of(snapshot.clone()).remove(0)) };
        let heard = serde_json::from_str(&serde_json::to_string(&said).unwrap()).unwrap();
        let FromServer::Snapshot { part } = heard else { panic!("something else was said") };
        let mut assembly = Assembly::default();
        assembly.add(*part);
        assert_eq!(assembly.finish(), snapshot);
    }
}

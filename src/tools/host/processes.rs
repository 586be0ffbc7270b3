//! Processes: which use most of the processors and the memory, and which are stuck.

use std::collections::HashMap;

use serde_json::json;

use super::reading::{Level, Measured, table};
use crate::tools::cards::count;
use crate::tools::files::size;

const SHOWN: usize = 10;
/// Processes their parents do not collect.
const ZOMBIES_NOTICE: usize = 10;
/// Processes that wait for a device and cannot be killed.
const STUCK_WARNING: usize = 5;

/// One process at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub id: u32,
    pub name: String,
    pub state: char,
    /// Clock ticks of processor time so far.
    pub ticks: u64,
    /// Resident memory in pages.
    pub pages: u64,
}

/// What ticks and pages are worth.
#[derive(Clone, Copy, Debug)]
pub struct Units {
    pub ticks_per_second: u64,
    pub page_bytes: u64,
}

/// Reads `/proc/PID/stat`. The name stands in parentheses and may itself hold some.
pub fn parse_stat(text: &str) -> Option<Process> {
    let (id, rest) = text.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    Some(Process {
        id: id.parse().ok()?,
        name: name.to_owned(),
        state: fields.first()?.chars().next()?,
        ticks: number(11)? + number(12)?,
        pages: number(21)?,
    })
}

/// Every process that can be read now.
pub fn all() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter_map(|id| parse_stat(&super::lossy(&format!("/proc/{id}/stat"))?)).collect()
}

/// Judges two looks at the processes, `seconds` apart.
pub fn judge(before: &[Process], after: &[Process], seconds: f64, units: Units) -> Measured {
    let earlier: HashMap<u32, u64> = before.iter().map(|process| (process.id, process.ticks)).collect();
    let busy = |process: &Process| {
        let since = earlier.get(&process.id).map_or(0, |ticks| process.ticks.saturating_sub(*ticks));
        since as f64 * 100.0 / units.ticks_per_second.max(1) as f64 / seconds.max(0.001)
    };
    let mut ranked: Vec<(f64, &Process)> = after.iter().map(|process| (busy(process), process)).collect();
    ranked.sort_by(|(a, first), (b, second)| {
        b.round().total_cmp(&a.round()).then(second.pages.cmp(&first.pages)).then(first.id.cmp(&second.id))
    });
    let shown = ranked.iter().take(SHOWN);
    let rows: Vec<Vec<String>> = shown
        .clone()
        .map(|(busy, process)| {
            let memory = size(process.pages * units.page_bytes);
            vec![
                process.id.to_string(),
                process.name.clone(),
                format!("{busy:.0} %"),
                memory,
                process.state.to_string(),
            ]
        })
        .collect();
    let in_state = |state: char| after.iter().filter(|process| process.state == state).count();
    let (zombies, stuck) = (in_state('Z'), in_state('D'));
    let mut measured = Measured {
        gist: match ranked.first() {
            Some((busy, top)) => {
                format!("{}, busiest {} at {busy:.0} %", count(after.len(), "process", "processes"), top.name)
            }
            None => "no process can be seen".to_owned(),
        },
        table: table(&[">pid", "name", ">cpu", ">memory", "state"], &rows),
        numbers: json!({"processes": after.len(), "zombies": zombies, "stuck": stuck,
            "top": shown.map(|(busy, process)| json!({"pid": process.id, "name": process.name,
                "cpu_percent": busy, "memory": process.pages * units.page_bytes})).collect::<Vec<_>>()}),
        ..Measured::default()
    };
    if stuck >= STUCK_WARNING {
        measured.find(Level::Warning, format!("{stuck} processes wait for a device and cannot be killed"));
    }
    if zombies >= ZOMBIES_NOTICE {
        measured.find(Level::Notice, format!("{zombies} ended processes are not collected by their parents"));
    }
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: Units = Units { ticks_per_second: 100, page_bytes: 4096 };

    fn process(id: u32, state: char, ticks: u64, pages: u64) -> Process {
        Process { id, name: format!("p{id}"), state, ticks, pages }
    }

    #[test]
    fn a_name_may_hold_spaces_and_parentheses() {
        let text = "42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 7 5 0 0 20 0 1 0 100 1000 33 18446744073709551615";
        let expected = Process { id: 42, name: "a) b (c".to_owned(), state: 'S', ticks: 12, pages: 33 };
        assert_eq!(parse_stat(text), Some(expected));
        assert_eq!(parse_stat("42 (a"), None);
    }

    #[test]
    fn the_busiest_come_first_then_the_largest() {
        let before = [process(1, 'S', 100, 5), process(2, 'R', 0, 1), process(3, 'S', 0, 9)];
        let after = [process(1, 'S', 100, 5), process(2, 'R', 50, 1), process(3, 'S', 0, 9)];
        let measured = judge(&before, &after, 0.5, UNITS);
        assert_eq!(measured.numbers["top"][0]["cpu_percent"], 100.0);
        let order: Vec<_> = measured.numbers["top"].as_array().unwrap().iter().map(|top| top["pid"].clone()).collect();
        assert_eq!(order, [2, 3, 1]);
        assert_eq!(measured.gist, "3 processes, busiest p2 at 100 %");
    }

    #[test]
    fn stuck_and_uncollected_processes_are_found() {
        let after: Vec<Process> =
            (0..5).map(|id| process(id, 'D', 0, 0)).chain((5..15).map(|id| process(id, 'Z', 0, 0))).collect();
        let levels: Vec<Level> = judge(&[], &after, 1.0, UNITS).findings.iter().map(|found| found.level).collect();
        assert_eq!(levels, [Level::Warning, Level::Notice]);
    }
}

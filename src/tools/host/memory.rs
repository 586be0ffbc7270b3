//! Memory and swap: how much is left, and whether the kernel had to kill for more.

use std::collections::HashMap;

use serde_json::json;

use super::reading::{Level, Measured, table};
use crate::tools::files::size;

/// Per cent of memory available to new work.
const AVAILABLE_WARNING: f64 = 10.0;
const AVAILABLE_CRITICAL: f64 = 5.0;
/// Per cent of swap in use.
const SWAP_NOTICE: f64 = 50.0;
const SWAP_WARNING: f64 = 80.0;

/// Reads `/proc/meminfo` into bytes by name.
pub fn parse_meminfo(text: &str) -> HashMap<&str, u64> {
    let parse = |line| {
        let (name, value): (&str, &str) = str::split_once(line, ':')?;
        let kilobytes: u64 = value.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some((name, kilobytes * 1024))
    };
    text.lines().filter_map(parse).collect()
}

/// Reads `oom_kill` of `/proc/vmstat`.
pub fn parse_oom_kills(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

/// Judges the figures; `None` when the total is missing.
pub fn judge(memory: &HashMap<&str, u64>, oom_kills: Option<u64>) -> Option<Measured> {
    let get = |name: &str| memory.get(name).copied();
    let total = get("MemTotal").filter(|total| *total > 0)?;
    let available = get("MemAvailable").or_else(|| get("MemFree")).unwrap_or_default();
    let (swap, swap_free) = (get("SwapTotal").unwrap_or_default(), get("SwapFree").unwrap_or_default());
    let swap_used = swap.saturating_sub(swap_free);
    let free = percent(available, total);
    let mut rows = vec![
        vec!["memory".to_owned(), size(total), String::new()],
        vec!["available".to_owned(), size(available), format!("{free:.0} %")],
        vec!["cache".to_owned(), size(get("Cached").unwrap_or_default()), String::new()],
        vec!["swap".to_owned(), size(swap), String::new()],
    ];
    let mut measured = Measured {
        gist: format!("{} of {} memory available", size(available), size(total)),
        numbers: json!({"total": total, "available": available, "available_percent": free,
            "swap": swap, "swap_used": swap_used, "oom_kills": oom_kills}),
        ..Measured::default()
    };
    // Rising in what is used, falling in what is left.
    let level = Level::rising(100.0 - free, 100.0 - AVAILABLE_WARNING, 100.0 - AVAILABLE_CRITICAL);
    if level > Level::Ok {
        measured.find(level, format!("only {free:.1} % of memory is available"));
    }
    if swap > 0 {
        let used = percent(swap_used, swap);
        rows.push(vec!["swap in use".to_owned(), size(swap_used), format!("{used:.0} %")]);
        match used {
            used if used >= SWAP_WARNING => measured.find(Level::Warning, format!("{used:.0} % of swap is in use")),
            used if used >= SWAP_NOTICE => measured.find(Level::Notice, format!("{used:.0} % of swap is in use")),
            _ => {}
        }
    }
    if let Some(kills) = oom_kills {
        rows.push(vec!["killed for memory".to_owned(), kills.to_string(), "since boot".to_owned()]);
        if kills > 0 {
            measured.find(Level::Warning, format!("the kernel killed {kills} times for lack of memory since boot"));
        }
    }
    measured.table = table(&["figure", ">value", ">"], &rows);
    Some(measured)
}

fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal:       1000 kB\nMemFree:         10 kB\nMemAvailable:     90 kB\n\
                           SwapTotal:       100 kB\nSwapFree:         40 kB\nHugePages_Total:       0\n";

    #[test]
    fn the_worst_of_memory_swap_and_kills_is_found() {
        let memory = parse_meminfo(MEMINFO);
        assert_eq!(memory["MemAvailable"], 90 * 1024);
        let measured = judge(&memory, Some(2)).unwrap();
        let levels: Vec<Level> = measured.findings.iter().map(|finding| finding.level).collect();
        assert_eq!(levels, [Level::Warning, Level::Notice, Level::Warning]);
        assert!(measured.findings[0].text.raw().contains("9.0 %"));
    }

    #[test]
    fn a_tenth_available_is_enough_and_a_missing_total_is_no_reading() {
        let memory = parse_meminfo("MemTotal: 1000 kB\nMemAvailable: 101 kB\n");
        assert!(judge(&memory, None).unwrap().findings.is_empty());
        assert_eq!(judge(&HashMap::new(), None), None);
    }

    #[test]
    fn kills_are_read_from_vmstat() {
        assert_eq!(parse_oom_kills("nr_free 1\noom_kill 3\n"), Some(3));
        assert_eq!(parse_oom_kills("oom_killer 3\n"), None);
    }
}

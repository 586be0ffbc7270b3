//! Load and pressure: is there more work than the processors get done?

use serde_json::json;

use super::reading::{Level, Measured, table};

/// Runnable or blocked tasks per processor over five minutes.
const LOAD_WARNING: f64 = 2.0;
const LOAD_CRITICAL: f64 = 4.0;
/// Share of the last minute, in per cent, in which some task waited for this resource (pressure stall information).
const WAIT_WARNING: f64 = 40.0;
const WAIT_CRITICAL: f64 = 80.0;

/// Reads `/proc/loadavg`.
pub fn parse_load(text: &str) -> Option<[f64; 3]> {
    let mut fields = text.split_whitespace().map(str::parse::<f64>);
    let mut next = || fields.next().and_then(Result::ok);
    Some([next()?, next()?, next()?])
}

/// Reads the `some … avg60=` of `/proc/pressure/*`.
pub fn parse_pressure(text: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with("some"))?;
    line.split_whitespace().find_map(|field| field.strip_prefix("avg60="))?.parse().ok()
}

/// Judges the figures. `pressure` names each resource whose pressure the kernel tells.
pub fn judge(load: [f64; 3], cores: usize, pressure: &[(&str, f64)]) -> Measured {
    let per_core = load[1] / cores.max(1) as f64;
    let mut rows = vec![
        vec!["load 1 / 5 / 15 min".to_owned(), format!("{:.2} / {:.2} / {:.2}", load[0], load[1], load[2])],
        vec!["processors".to_owned(), cores.to_string()],
        vec!["load per processor".to_owned(), format!("{per_core:.2}")],
    ];
    let mut measured = Measured {
        gist: format!("load {:.2} on {cores} processors", load[1]),
        numbers: json!({"load": load, "cores": cores, "per_core": per_core, "waiting_percent":
            pressure.iter().map(|(name, share)| ((*name).to_owned(), json!(share))).collect::<serde_json::Map<_, _>>()}),
        ..Measured::default()
    };
    let level = Level::rising(per_core, LOAD_WARNING, LOAD_CRITICAL);
    if level > Level::Ok {
        measured.find(level, format!("load is {per_core:.1} per processor over five minutes"));
    }
    for (name, share) in pressure {
        rows.push(vec![format!("waiting for {name}"), format!("{share:.0} % of the last minute")]);
        // Waiting for a processor is what load says already; disk and memory are what it hides.
        let level = if *name == "cpu" { Level::Ok } else { Level::rising(*share, WAIT_WARNING, WAIT_CRITICAL) };
        if level > Level::Ok {
            measured.find(level, format!("tasks waited for {name} in {share:.0} % of the last minute"));
        }
    }
    measured.table = table(&["figure", "value"], &rows);
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_and_pressure_are_read_as_the_kernel_writes_them() {
        assert_eq!(parse_load("10.41 7.40 5.06 14/197 24525\n"), Some([10.41, 7.4, 5.06]));
        assert_eq!(parse_load("nonsense"), None);
        let text = "some avg10=99.43 avg60=94.47 avg300=79.15 total=956574145\nfull avg10=0.00 avg60=0.00 total=0\n";
        assert_eq!(parse_pressure(text), Some(94.47));
    }

    #[test]
    fn load_counts_per_processor_and_waiting_for_a_processor_is_not_counted_twice() {
        assert!(judge([8.0, 7.9, 7.0], 4, &[("cpu", 95.0)]).findings.is_empty());
        assert_eq!(judge([8.0, 8.0, 7.0], 4, &[]).findings[0].level, Level::Warning);
        assert_eq!(judge([0.0; 3], 4, &[("io", 85.0)]).findings[0].level, Level::Critical);
    }
}

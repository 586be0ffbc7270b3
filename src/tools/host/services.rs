//! Services: the units systemd says have failed.

use serde::Deserialize;
use serde_json::json;

use super::reading::{Level, Measured, table};
use crate::tools::cards::count;

/// A row of `systemctl list-units --failed --output=json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Unit {
    pub unit: String,
    #[serde(default)]
    pub sub: String,
    #[serde(default)]
    pub description: String,
}

pub fn parse_units(json: &[u8]) -> Result<Vec<Unit>, serde_json::Error> {
    serde_json::from_slice(json)
}

/// Judges the failed units.
pub fn judge(failed: &[Unit]) -> Measured {
    let rows: Vec<Vec<String>> =
        failed.iter().map(|unit| vec![unit.unit.clone(), unit.sub.clone(), unit.description.clone()]).collect();
    let mut measured = Measured {
        gist: match failed.len() {
            0 => "no unit has failed".to_owned(),
            many => format!("{} failed", count(many, "unit has", "units have")),
        },
        table: if failed.is_empty() {
            "No unit has failed.\n".to_owned()
        } else {
            table(&["unit", "state", "what"], &rows)
        },
        numbers: json!({"failed": failed.iter().map(|unit| unit.unit.as_str()).collect::<Vec<_>>()}),
        ..Measured::default()
    };
    for unit in failed {
        measured.find(Level::Warning, format!("{} has failed; see journalctl -u {}", unit.unit, unit.unit));
    }
    measured
}

/// What is said where something else starts the services.
pub fn absent() -> Measured {
    let mut measured = Measured {
        gist: "systemd does not run here, so no service manager was asked".to_owned(),
        table: "systemd does not run here; the check of processes shows what does.\n".to_owned(),
        numbers: json!({"failed": null}),
        ..Measured::default()
    };
    // Not asked is not the same as well.
    measured.find(Level::Notice, "systemd does not run here, so failed services go unnoticed by this check");
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failed_unit_is_a_finding() {
        let json =
            br#"[{"unit":"nginx.service","load":"loaded","active":"failed","sub":"failed","description":"Web"}]"#;
        let measured = judge(&parse_units(json).unwrap());
        assert_eq!(measured.gist, "1 unit has failed");
        assert_eq!(measured.findings.len(), 1);
        assert!(judge(&parse_units(b"[]").unwrap()).findings.is_empty());
        assert!(parse_units(b"not json").is_err());
    }
}

//! Cells of CSV (RFC 4180) that hold what others wrote.

use crate::domain::Untrusted;

/// Hidden characters made visible, and nothing that a spreadsheet would take for a formula.
pub(super) fn cell(text: &str) -> String {
    let visible = Untrusted::from(text).visible().into_owned();
    let guarded = if visible.starts_with(['=', '+', '-', '@', '\t']) { format!("'{visible}") } else { visible };
    match guarded.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", guarded.replace('"', "\"\"")),
        false => guarded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_stays_in_its_cell_and_is_no_formula() {
        for (text, expected) in [
            ("dev", "dev"),
            ("a, b", "\"a, b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1,A2)", "\"'@SUM(A1,A2)\""),
        ] {
            assert_eq!(cell(text), expected, "{text}");
        }
        assert!(!cell("a\nb").contains('\n'), "{:?}", cell("a\nb"));
    }
}

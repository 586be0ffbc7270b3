//! Spans of time as people write them in files: a whole number and a unit.

use std::time::Duration;

/// How it is written, for messages.
pub const DURATION_FORM: &str = "a whole number and a unit: \"90s\", \"15m\", \"2h\", \"1d\"";

/// `90s`, `15m`, `2h`, `1d`; `None` for anything else.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.then(|| number.parse().ok())??;
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_a_duration_and_nothing_else_is() {
        assert_eq!(parse_duration("15m"), Some(Duration::from_secs(900)));
        assert_eq!(parse_duration("1d"), Some(Duration::from_secs(86_400)));
        for bad in
            ["", "m", "15", "-1m", "+1m", "1.5h", "15 m", "1w", "99999999999999999999s", "18446744073709551615d", "é"]
        {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }
}

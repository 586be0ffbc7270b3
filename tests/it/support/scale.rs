//! How long the long tests run: a short time by default, and long under `tests/soak`.

/// The number to do: `quick`, unless the environment variable says `long`, or gives a number by itself.
pub fn rounds(quick: usize, long: usize) -> usize {
    match divisor() {
        None => quick,
        Some(divisor) => long / divisor,
    }
}

/// One in how many is to be done of what takes too long to be done whole every time.
pub fn one_in(quick: usize) -> usize {
    divisor().unwrap_or(quick)
}

/// Only under `tests/soak`.
fn divisor() -> Option<usize> {
    match std::env::var("MORNINGAI_SOAK").as_deref() {
        Err(_) | Ok("") => None,
        Ok(divisor) => Some(divisor.parse::<usize>().unwrap_or(1).max(1)),
    }
}

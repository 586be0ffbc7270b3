//! How long the long tests run: a short time by default, and long under `tests/soak`.

/// The number to do: `quick`, unless the environment variable says `long`, or gives a number by itself.
pub fn rounds(quick: usize, long: usize) -> usize {
    match std::env::var("MORNINGAI_SOAK").as_deref() {
        Err(_) | Ok("") => quick,
        Ok(divisor) => long / divisor.parse::<usize>().unwrap_or(1).max(1),
    }
}

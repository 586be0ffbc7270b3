//! Whether a run's history is here.

/// What became of reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loading {
    Asked,
    Ready,
    Failed(String),
}

//! Whether program text in fences is highlighted.

/// By its language, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Highlighting {
    Syntax,
    /// For text that still streams in and is laid out anew many times a second.
    Plain,
}

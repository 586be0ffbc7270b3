//! What is to run inside.

use std::path::Path;

/// What is to run inside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub argv: &'a [String],
    pub cwd: &'a Path,
    /// On top of the confinement's own environment.
    pub env: &'a [(String, String)],
    /// Private to this call; HOME, TMPDIR and, where the rung can, `/tmp`.
    pub scratch: &'a Path,
}

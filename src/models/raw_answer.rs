//! An answer as it comes from the wire or from a cassette.

use futures::stream::BoxStream;
use http::{HeaderMap, StatusCode};

use super::failure::Failure;

/// Pieces of a body as they arrive.
pub(super) type Pieces = BoxStream<'static, Result<Vec<u8>, Failure>>;

/// An answer before anyone has judged it.
pub(super) struct RawAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub pieces: Pieces,
}

//! Why a token is not believed.

/// Why a token is not believed. For the log; the sender is told only that it is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    #[error("not a signed token: {0}")]
    Malformed(&'static str),
    #[error("signed with a key that is not known here")]
    UnknownKey,
    #[error("its alg is not that of the key it names")]
    WrongAlgorithm,
    #[error("its signature does not hold")]
    BadSignature,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    NotYet,
    #[error("it is for somebody else: {0} does not match")]
    ForOthers(&'static str),
    #[error("no role here is mapped to what it claims")]
    NoRole,
}

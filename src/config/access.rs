//! `[access]`: limits and sessions for those who come from elsewhere, and whose signed tokens are believed.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::Deserialize;

use super::limits::seconds;
use crate::domain::Role;

/// Limits and sessions; what is not written has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessSection {
    /// Requests of one person or token in any minute.
    pub requests_per_minute: Option<NonZeroU32>,
    /// The same in any hour.
    pub requests_per_hour: Option<NonZeroU32>,
    /// A session not used for so many seconds is over. Written as `"30m"`.
    #[serde(deserialize_with = "seconds")]
    pub session_idle: Option<u64>,
    /// Whether people may approve what runs ask for that they started themselves: `refuse` or `allow`.
    pub own_requests: OwnRequests,
    /// Without it, no signed token is believed.
    pub jwt: Option<JwtSection>,
}

/// Whether who started a run may also approve what it asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnRequests {
    /// Somebody else has to.
    #[default]
    Refuse,
    Allow,
}

/// An issuer whose signed tokens are believed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtSection {
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must be, or contain.
    pub audience: String,
    /// A file with the issuer's JSON Web Key Set: public keys.
    pub jwks: PathBuf,
    /// The claim that holds somebody's groups there.
    #[serde(default = "usual_claim")]
    pub role_claim: String,
    /// What each group is here.
    pub roles: BTreeMap<String, Role>,
}

fn usual_claim() -> String {
    "groups".to_owned()
}

//! What a token claims, once its signature holds: for whom, from whom, until when, and in what role.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::JwtError;
use super::object::Object;
use crate::domain::{AccountName, Role, Timestamp};

/// Seconds that two clocks may differ.
pub const TOLERANCE: i64 = 60;

/// What tokens are believed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Who must have issued them.
    pub issuer: String,
    /// For whom they must be.
    pub audience: String,
    /// The claim that says what somebody is there: a text or a list of texts.
    pub role_claim: String,
    /// What that is here. Of several, the highest holds; of none, the token is refused.
    pub roles: BTreeMap<String, Role>,
}

/// A believed token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    pub subject: AccountName,
    pub role: Role,
    pub expires_at: Timestamp,
}

impl Claims {
    pub(super) fn read(claims: &Object, expected: &Expected, now: Timestamp) -> Result<Self, JwtError> {
        let seconds = now.timestamp();
        let expires = time(claims, "exp")?.ok_or(JwtError::Malformed("it never expires"))?;
        if seconds >= expires.saturating_add(TOLERANCE) {
            return Err(JwtError::Expired);
        }
        for begins in ["nbf", "iat"] {
            if time(claims, begins)?.is_some_and(|at| at.saturating_sub(TOLERANCE) > seconds) {
                return Err(JwtError::NotYet);
            }
        }
        if claims.get("iss").and_then(Value::as_str) != Some(&expected.issuer) {
            return Err(JwtError::ForOthers("iss"));
        }
        if !texts(claims.get("aud")).any(|audience| audience == expected.audience) {
            return Err(JwtError::ForOthers("aud"));
        }
        let subject = claims.get("sub").and_then(Value::as_str).and_then(|text| AccountName::parse(text).ok());
        let roles = texts(claims.get(&expected.role_claim)).filter_map(|text| expected.roles.get(text));
        Ok(Self {
            subject: subject.ok_or(JwtError::Malformed("its sub is not a name"))?,
            role: *roles.max().ok_or(JwtError::NoRole)?,
            expires_at: Timestamp::from_timestamp(expires, 0).ok_or(JwtError::Malformed("its exp is not a time"))?,
        })
    }
}

/// A NumericDate of RFC 7519 in whole seconds; one that is present and no number spoils the token.
fn time(claims: &Object, name: &str) -> Result<Option<i64>, JwtError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let whole = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds.floor() as i64));
    whole.map(Some).ok_or(JwtError::Malformed("a time in it is not a number"))
}

/// A text, or a list of them.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let (one, many) = match value {
        Some(Value::Array(many)) => (None, many.as_slice()),
        other => (other, [].as_slice()),
    };
    one.into_iter().chain(many).filter_map(Value::as_str)
}

//! Signed tokens (RFC 7519) of other systems, and our own: which are believed, and as what role.
//!
//! The key decides how it is used, never the token: `kid` names one of the configured keys, and the token's `alg` must
//! be that key's. There is no `none`, no shared-secret algorithm, and no key taken from a token. Several keys may hold
//! at once, so that one can be replaced while tokens of the other are still about.

mod claims;
mod error;
mod key;
mod object;
mod sign;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

pub use claims::{Claims, Expected, TOLERANCE};
pub use error::JwtError;
pub use key::{Algorithm, Key, KeyError, Keyring};
pub use sign::Signer;

use crate::domain::Timestamp;
use object::Object;

/// Bytes of the longest token looked at; a header of a request is not longer.
pub const LONGEST: usize = 8 * 1024;

/// Reads, checks and maps a token. The signature is checked before any claim is looked at.
pub fn verify(token: &str, keys: &Keyring, expected: &Expected, now: Timestamp) -> Result<Claims, JwtError> {
    if token.len() > LONGEST {
        return Err(JwtError::Malformed("too long"));
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(JwtError::Malformed("not three parts"));
    };
    let signed = &token[..header.len() + 1 + payload.len()];
    let key = key_for(&decoded_object(header)?, keys, now)?;
    if !key.verifies(signed.as_bytes(), &decoded(signature)?) {
        return Err(JwtError::BadSignature);
    }
    Claims::read(&decoded_object(payload)?, expected, now)
}

fn key_for<'a>(header: &Object, keys: &'a Keyring, now: Timestamp) -> Result<&'a Key, JwtError> {
    // RFC 7515, section 4.1.11: what must be understood and is not makes the token invalid. We know no extension.
    if header.get("crit").is_some() {
        return Err(JwtError::Malformed("it has critical extensions"));
    }
    let is_jwt = |value: &Value| value.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("jwt"));
    if header.get("typ").is_some_and(|typ| !is_jwt(typ)) {
        return Err(JwtError::Malformed("its typ is not JWT"));
    }
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    let kid = text("kid").ok_or(JwtError::UnknownKey)?;
    let key = keys.find(kid, now).ok_or(JwtError::UnknownKey)?;
    if text("alg") != Some(key.algorithm().name()) {
        return Err(JwtError::WrongAlgorithm);
    }
    Ok(key)
}

fn decoded(part: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Malformed("not base64url"))
}

fn decoded_object(part: &str) -> Result<Object, JwtError> {
    serde_json::from_slice(&decoded(part)?).map_err(|_| JwtError::Malformed("not an object with each name once"))
}

#[cfg(test)]
mod tests;

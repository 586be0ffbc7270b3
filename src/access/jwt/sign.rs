//! Issuing signed tokens of our own, with Ed25519: the smallest keys and no randomness needed to sign.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::json;

use super::{Algorithm, Claims, Expected, KeyError};

/// A private key under its name.
pub struct Signer {
    kid: String,
    pair: Ed25519KeyPair,
}

impl Signer {
    /// Of a seed of 32 random bytes: RFC 8032's private key.
    pub fn from_seed(kid: impl Into<String>, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        let pair = pair.map_err(|error| KeyError(format!("the seed makes no key: {error}")))?;
        Ok(Self { kid: kid.into(), pair })
    }

    /// The key set that others check our tokens with.
    pub fn jwks(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.pair.public_key());
        let alg = Algorithm::EdDsa.name();
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": alg, "kid": self.kid, "x": x}]}).to_string()
    }

    /// A token that says this, for the server that expects it. The role is written under each name that is mapped to it.
    pub fn issue(&self, claims: &Claims, expected: &Expected, issued_at: crate::domain::Timestamp) -> String {
        let names = expected.roles.iter().filter(|(_, role)| **role == claims.role);
        let names: Vec<_> = names.map(|(name, _)| name.as_str()).collect();
        let header = json!({"alg": Algorithm::EdDsa.name(), "kid": self.kid, "typ": "JWT"});
        let payload = json!({
            "iss": expected.issuer,
            "aud": expected.audience,
            "sub": claims.subject.as_str(),
            expected.role_claim.as_str(): names,
            "iat": issued_at.timestamp(),
            "exp": claims.expires_at.timestamp(),
        });
        self.signed(&header.to_string(), &payload.to_string())
    }

    /// A compact JWS (RFC 7515, section 7.1) of these texts, whatever they say.
    pub(super) fn signed(&self, header: &str, payload: &str) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", encode(header), encode(payload));
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

//! The keys that signed tokens are checked with, read from a JSON Web Key Set (RFC 7517). Public keys only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature;
use ring::signature::{RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;

use crate::domain::Timestamp;

/// How a key signs. Asymmetric all: being able to check a token is not being able to make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    EdDsa,
    Es256,
    Rs256,
}

impl Algorithm {
    /// As `alg` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

/// A public key under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    kid: String,
    material: Material,
    /// Tokens are no longer believed from then on; `None`: until it is taken out.
    until: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    EdDsa(Vec<u8>),
    /// The uncompressed point.
    Es256(Vec<u8>),
    Rs256 {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

/// All keys that are believed. Their names are distinct.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyring(Vec<Key>);

/// What is wrong with a key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(pub(super) String);

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

/// RFC 7517, and RFC 8037 for `OKP`.
#[derive(Deserialize)]
struct Jwk {
    kid: Option<String>,
    kty: String,
    crv: Option<String>,
    alg: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<serde::de::IgnoredAny>,
    k: Option<serde::de::IgnoredAny>,
    /// Ours: seconds since 1970, the end of an overlap during rotation.
    exp: Option<i64>,
}

impl Key {
    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::EdDsa(_) => Algorithm::EdDsa,
            Material::Es256(_) => Algorithm::Es256,
            Material::Rs256 { .. } => Algorithm::Rs256,
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let checked = match &self.material {
            Material::EdDsa(x) => UnparsedPublicKey::new(&signature::ED25519, x).verify(message, signature),
            Material::Es256(point) => {
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Material::Rs256 { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        };
        checked.is_ok()
    }
}

impl Keyring {
    /// Reads a key set as issuers publish it. A set with one bad key is refused whole: half a set is a riddle later.
    pub fn from_jwks(text: &str) -> Result<Self, KeyError> {
        let set: Jwks = serde_json::from_str(text).map_err(|error| KeyError(format!("not a key set: {error}")))?;
        let mut keys: Vec<Key> = Vec::new();
        for (index, jwk) in set.keys.into_iter().enumerate() {
            let key = key_of(jwk).map_err(|why| KeyError(format!("key {}: {why}", index + 1)))?;
            if keys.iter().any(|known| known.kid == key.kid) {
                return Err(KeyError(format!("two keys have the kid {:?}", key.kid)));
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(KeyError("the key set is empty".to_owned())) } else { Ok(Self(keys)) }
    }

    pub(super) fn find(&self, kid: &str, now: Timestamp) -> Option<&Key> {
        self.0.iter().find(|key| key.kid == kid && key.until.is_none_or(|until| now < until))
    }
}

fn key_of(jwk: Jwk) -> Result<Key, String> {
    if jwk.d.is_some() || jwk.k.is_some() {
        return Err("it is a private or shared key; only public ones belong here".to_owned());
    }
    let kid = jwk.kid.filter(|kid| !kid.is_empty()).ok_or("it has no kid")?;
    let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("OKP", Some("Ed25519")) => Material::EdDsa(bytes(jwk.x, "x", 32..=32)?),
        ("EC", Some("P-256")) => {
            let mut point = vec![4];
            point.extend(bytes(jwk.x, "x", 32..=32)?);
            point.extend(bytes(jwk.y, "y", 32..=32)?);
            Material::Es256(point)
        }
        // 2048 to 8192 bits: what ring checks with, and less is too little.
        ("RSA", None) => Material::Rs256 { n: bytes(jwk.n, "n", 256..=1024)?, e: bytes(jwk.e, "e", 1..=5)? },
        (kty, crv) => return Err(format!("keys of kind {kty} {} are not used", crv.unwrap_or_default())),
    };
    let until = jwk.exp.map(|seconds| Timestamp::from_timestamp(seconds, 0).ok_or("its exp is not a time"));
    let key = Key { kid, material, until: until.transpose()? };
    match jwk.alg {
        Some(alg) if alg != key.algorithm().name() => Err(format!("its alg {alg:?} does not go with its kind")),
        _ => Ok(key),
    }
}

fn bytes(text: Option<String>, name: &str, lengths: std::ops::RangeInclusive<usize>) -> Result<Vec<u8>, String> {
    let text = text.ok_or_else(|| format!("it has no {name}"))?;
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| format!("its {name} is not base64url"))?;
    if lengths.contains(&bytes.len()) { Ok(bytes) } else { Err(format!("its {name} has a wrong length")) }
}

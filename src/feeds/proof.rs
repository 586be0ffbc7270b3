//! How a delivery shows that it comes from its source: a token, or a signature over the body as it was sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Signatures looked at in one header.
const MOST_SIGNATURES: usize = 4;

/// What a source shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// `Authorization: Bearer TOKEN`, or `Basic` with the token as its password.
    Token,
    /// HMAC-SHA256 of the body in hex, in this header, after this prefix; several are separated by commas.
    Signature { header: &'static str, prefix: &'static str },
}

impl Proof {
    /// What it asks for, in the words of an error and of the documentation.
    pub fn about(self) -> String {
        match self {
            Self::Token => "the receiver's own token".to_owned(),
            Self::Signature { header, .. } => format!("the source's signature in `{header}`"),
        }
    }

    pub fn hint(self) -> String {
        match self {
            Self::Token => {
                "send `Authorization: Bearer TOKEN` with the token that `morningai serve` names for it".to_owned()
            }
            Self::Signature { header, .. } => {
                format!("have the source sign with the receiver's secret, and pass on its body and {header} unchanged")
            }
        }
    }
}

/// What opens one receiver: two while one takes over from the other. Without any it is closed.
#[derive(Clone, Default)]
pub struct Keys(Vec<SecretString>);

/// What a delivery shows before its body is read.
pub struct Claim(Vec<Vec<u8>>);

/// It shows nothing, or not what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unproven;

impl Keys {
    pub fn new(keys: impl IntoIterator<Item = SecretString>) -> Self {
        Self(keys.into_iter().collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Looks at the headers; a token is checked here, so that nobody without one has a body read.
    pub fn claim(&self, proof: Proof, headers: &HeaderMap) -> Result<Claim, Unproven> {
        match proof {
            Proof::Token => {
                let token = presented(headers).ok_or(Unproven)?;
                let given = Sha256::digest(&token);
                // Hashes are compared: that tells nothing of the tokens, not even how long they are.
                let fits = |key: &&SecretString| bool::from(Sha256::digest(key.expose_secret()).ct_eq(&given));
                // All of them are looked at, whichever fits.
                if self.0.iter().filter(fits).count() > 0 { Ok(Claim(Vec::new())) } else { Err(Unproven) }
            }
            Proof::Signature { header, prefix } => {
                let value = headers.get(header).and_then(|value| value.to_str().ok()).unwrap_or_default();
                let signatures =
                    value.split(',').filter_map(|part| hex::decode(part.trim().strip_prefix(prefix)?).ok());
                let signatures: Vec<_> = signatures.filter(|bytes| bytes.len() == 32).take(MOST_SIGNATURES).collect();
                if signatures.is_empty() { Err(Unproven) } else { Ok(Claim(signatures)) }
            }
        }
    }

    /// Whether the body is what the claim says.
    pub fn verify(&self, proof: Proof, claim: &Claim, body: &[u8]) -> Result<(), Unproven> {
        if proof == Proof::Token {
            return Ok(());
        }
        let sign =
            |key: &SecretString| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes()), body);
        let signed: Vec<_> = self.0.iter().map(sign).collect();
        let fits = |given: &&Vec<u8>| signed.iter().filter(|tag| bool::from(tag.as_ref().ct_eq(given))).count() > 0;
        if claim.0.iter().filter(fits).count() > 0 { Ok(()) } else { Err(Unproven) }
    }
}

/// The token that a request shows.
fn presented(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, credentials) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => credentials.trim().as_bytes().to_vec(),
        "basic" => {
            let pair = STANDARD.decode(credentials.trim()).ok()?;
            let colon = pair.iter().position(|byte| *byte == b':')?;
            pair.get(colon + 1..)?.to_vec()
        }
        _ => return None,
    };
    (!token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn keys(keys: &[&str]) -> Keys {
        Keys::new(keys.iter().map(|key| SecretString::from((*key).to_owned())))
    }

    fn with(name: &str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn two_tokens_open_a_receiver_while_one_takes_over_and_nothing_else_does() {
        let opens = |keys: &Keys, value: &str| keys.claim(Proof::Token, &with("authorization", value)).is_ok();
        let both = keys(&["old", "new"]);
        assert!(["Bearer old", "bearer new", "Basic YW5hOm5ldw=="].iter().all(|value| opens(&both, value)));
        for wrong in ["Bearer ol", "Bearer oldnew", "Bearer ", "old", "Basic bmV3", "Basic YW5hOg==", "Digest old"] {
            assert!(!opens(&both, wrong), "{wrong}");
        }
        assert!(both.claim(Proof::Token, &HeaderMap::new()).is_err());
        assert!(!opens(&Keys::default(), "Bearer "), "without a token it is closed");
    }

    const SIGNED: Proof = Proof::Signature { header: "x-signature", prefix: "v1=" };

    fn is_signed(keys: &Keys, value: &str, body: &[u8]) -> bool {
        let claim = keys.claim(SIGNED, &with("x-signature", value));
        claim.is_ok_and(|claim| keys.verify(SIGNED, &claim, body).is_ok())
    }

    #[test]
    fn a_signature_is_over_the_whole_body_by_one_of_the_keys() {
        let sign =
            |key: &str, body: &[u8]| hex::encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), body));
        let (both, body) = (keys(&["old", "new"]), b"{\"a\":1}".as_slice());
        let good = sign("new", body);
        assert!(is_signed(&both, &format!("v1={good}"), body));
        assert!(is_signed(&both, &format!("v1=00,v1={}, v1={good}", sign("other", body)), body));
        for (value, body) in [
            (format!("v1={good}"), b"{\"a\":1} ".as_slice()),
            (format!("v2={good}"), body),
            (good.clone(), body),
            (format!("v1={}", &good[..40]), body),
            (format!("v1={}", sign("", body)), body),
            (String::new(), body),
        ] {
            assert!(!is_signed(&both, &value, body), "{value}");
        }
        assert!(!is_signed(&Keys::default(), &format!("v1={}", sign("", body)), body), "without a key it is closed");
    }

    #[test]
    fn the_vendors_own_vectors_are_accepted() {
        let Ok(vectors) = std::fs::read("../shared/contracts/signing-vectors.json") else {
            eprintln!("not tested: the vendors' contracts are not here");
            return;
        };
        let vectors: Value = serde_json::from_slice(&vectors).unwrap();
        for (vendor, source, field) in [
            ("github", "github", "header_X-Hub-Signature-256"),
            ("sentry", "sentry", "header_Sentry-Hook-Signature"),
            ("pagerduty_v3", "pagerduty", "header_X-PagerDuty-Signature"),
        ] {
            let vector = &vectors[vendor];
            let text = |name: &str| vector[name].as_str().unwrap();
            let proof = crate::feeds::Source::named(source).unwrap().proof;
            let Proof::Signature { header, .. } = proof else { panic!("{source}") };
            let (keys, headers) = (keys(&["another", text("secret")]), with(header, text(field)));
            let claim = keys.claim(proof, &headers).unwrap();
            assert_eq!(keys.verify(proof, &claim, text("body").as_bytes()), Ok(()), "{vendor}");
            assert_eq!(keys.verify(proof, &claim, b"{}"), Err(Unproven), "{vendor}");
        }
    }
}

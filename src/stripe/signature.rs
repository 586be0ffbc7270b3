//! Whether something was posted by Stripe: its signature over the time and the body as it was sent.

use chrono::TimeDelta;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

use crate::domain::Timestamp;

/// The header that it is in.
pub const SIGNATURE: &str = "stripe-signature";
/// How far the time of a delivery may be from now: one that is older may be a replay.
const TOLERANCE: TimeDelta = TimeDelta::seconds(300);
/// Signatures looked at in one header.
const MOST_SIGNATURES: usize = 8;

/// Why a delivery is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotStripe {
    #[error("no webhook secret of Stripe is configured here")]
    Closed,
    #[error("this is not signed as Stripe signs")]
    Unsigned,
    #[error("the signature is more than five minutes old, or the clock here is wrong")]
    Late,
}

/// Checks `t=…,v1=…` against the secrets: two, while one takes over from the other.
pub fn verify(secrets: &[SecretString], header: &str, body: &[u8], now: Timestamp) -> Result<(), NotStripe> {
    if secrets.is_empty() {
        return Err(NotStripe::Closed);
    }
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let time = parts().find_map(|(name, value)| (name == "t").then_some(value)).ok_or(NotStripe::Unsigned)?;
    let sent =
        time.parse().ok().and_then(|seconds| Timestamp::from_timestamp(seconds, 0)).ok_or(NotStripe::Unsigned)?;
    let signed = [time.as_bytes(), b".", body].concat();
    let given = parts().filter(|(name, _)| *name == "v1").take(MOST_SIGNATURES);
    let given: Vec<_> = given.filter_map(|(_, value)| hex::decode(value).ok()).collect();
    let fits = |secret: &SecretString| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        given.iter().filter(|signature| hmac::verify(&key, &signed, signature).is_ok()).count()
    };
    // All of them are tried, whichever fits.
    if secrets.iter().map(fits).sum::<usize>() == 0 {
        return Err(NotStripe::Unsigned);
    }
    if (now - sent).abs() > TOLERANCE { Err(NotStripe::Late) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn secrets(texts: &[&str]) -> Vec<SecretString> {
        texts.iter().map(|text| SecretString::from((*text).to_owned())).collect()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(seconds, 0).unwrap()
    }

    fn sign(secret: &str, time: &str, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hex::encode(hmac::sign(&key, &[time.as_bytes(), b".", body].concat()))
    }

    #[test]
    fn a_delivery_is_signed_over_its_time_and_body_by_one_of_two_secrets() {
        let (both, body) = (secrets(&["whsec_old", "whsec_new"]), b"{}".as_slice());
        let good = sign("whsec_new", "1796022000", body);
        let header = format!("t=1796022000,v0={good},v1=00,v1={good}");
        assert_eq!(verify(&both, &header, body, at(1_796_022_300)), Ok(()));
        assert_eq!(verify(&both, &header, body, at(1_796_022_301)), Err(NotStripe::Late));
        assert_eq!(verify(&both, &header, body, at(1_796_021_699)), Err(NotStripe::Late));
        let unsigned = [
            (header.clone(), b"{ }".as_slice()),
            (format!("t=1796022001,v1={good}"), body),
            (format!("t=1796022000,v0={good}"), body),
            (format!("v1={good}"), body),
            (format!("t=x,v1={good}"), body),
            (format!("t=1796022000,v1={}", sign("", "1796022000", body)), body),
            (String::new(), body),
        ];
        for (header, body) in unsigned {
            assert_eq!(verify(&both, &header, body, at(1_796_022_000)), Err(NotStripe::Unsigned), "{header}");
        }
        assert_eq!(verify(&[], &header, body, at(1_796_022_000)), Err(NotStripe::Closed));
    }

    #[test]
    fn the_vector_of_stripes_own_library_is_accepted() {
        let Ok(vectors) = std::fs::read("../shared/contracts/signing-vectors.json") else {
            eprintln!("not tested: the vendors' contracts are not here");
            return;
        };
        let vectors: Value = serde_json::from_slice(&vectors).unwrap();
        let vector = &vectors["stripe"];
        let text = |name: &str| vector[name].as_str().unwrap();
        let (header, body, now) =
            (text("header_Stripe-Signature"), text("payload").as_bytes(), at(vector["t"].as_i64().unwrap()));
        assert_eq!(verify(&secrets(&["whsec_other", text("secret")]), header, body, now), Ok(()));
        assert_eq!(verify(&secrets(&["whsec_other"]), header, body, now), Err(NotStripe::Unsigned));
    }
}

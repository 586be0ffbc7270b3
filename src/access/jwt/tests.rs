//! The RFCs' own examples, and tokens that somebody made to get in.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::{AccountName, Role};

/// RFC 7515, A.2: an RS256 key, and what it signed.
const RFC7515_KEY: &str = r#"{"kty":"RSA","kid":"a2","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;
const RFC7515_SIGNED: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const RFC7515_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/// RFC 8037, A.1 to A.4: an Ed25519 key, and what it signed.
const RFC8037_KEY: &str =
    r#"{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const RFC8037_SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const RFC8037_SIGNED: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
const RFC8037_SIGNATURE: &str =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

/// RFC 7515, A.3: an ES256 key, and what it signed.
const RFC7515_EC_KEY: &str = r#"{"kty":"EC","crv":"P-256","kid":"a3","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const RFC7515_EC_SIGNED: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const RFC7515_EC_SIGNATURE: &str =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

fn ring_of(keys: &[&str]) -> Keyring {
    Keyring::from_jwks(&format!(r#"{{"keys":[{}]}}"#, keys.join(","))).unwrap()
}

fn kid_of(key: &str) -> &str {
    ["a2", "a3", "ed"].into_iter().find(|kid| key.contains(&format!(r#""kid":"{kid}""#))).unwrap()
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 0).unwrap()
}

const NOW: i64 = 1_790_000_000;

fn signer() -> Signer {
    Signer::from_seed("ed", &decode(RFC8037_SEED).try_into().unwrap()).unwrap()
}

fn expected() -> Expected {
    Expected {
        issuer: "https://id.example.org".to_owned(),
        audience: "morningai".to_owned(),
        role_claim: "groups".to_owned(),
        roles: BTreeMap::from([("oncall".to_owned(), Role::Operator), ("sre-leads".to_owned(), Role::Admin)]),
    }
}

fn good() -> serde_json::Value {
    json!({
        "iss": "https://id.example.org", "aud": ["other", "morningai"], "sub": "Ana", "groups": ["oncall", "staff"],
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 600,
    })
}

const HEADER: &str = r#"{"alg":"EdDSA","kid":"ed","typ":"JWT"}"#;

fn judged(header: &str, payload: &str) -> Result<Claims, JwtError> {
    verify(&signer().signed(header, payload), &ring_of(&[RFC8037_KEY, RFC7515_KEY]), &expected(), at(NOW))
}

fn with(change: impl FnOnce(&mut serde_json::Value)) -> Result<Claims, JwtError> {
    let mut claims = good();
    change(&mut claims);
    judged(HEADER, &claims.to_string())
}

#[test]
fn the_vectors_of_the_rfcs() {
    for (key, signed, signature, algorithm) in [
        (RFC7515_KEY, RFC7515_SIGNED, RFC7515_SIGNATURE, Algorithm::Rs256),
        (RFC8037_KEY, RFC8037_SIGNED, RFC8037_SIGNATURE, Algorithm::EdDsa),
        (RFC7515_EC_KEY, RFC7515_EC_SIGNED, RFC7515_EC_SIGNATURE, Algorithm::Es256),
    ] {
        let ring = ring_of(&[key]);
        let key = ring.find(kid_of(key), at(NOW)).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert!(key.verifies(signed.as_bytes(), &decode(signature)), "{algorithm:?}");
        let mut wrong = decode(signature);
        wrong[20] ^= 1;
        assert!(!key.verifies(signed.as_bytes(), &wrong), "{algorithm:?}");
        assert!(!key.verifies(&signed.as_bytes()[1..], &decode(signature)), "{algorithm:?}");
        assert!(!key.verifies(signed.as_bytes(), &[]), "{algorithm:?}");
    }
    assert_eq!(
        signer().signed(r#"{"alg":"EdDSA"}"#, "Example of Ed25519 signing"),
        [RFC8037_SIGNED, RFC8037_SIGNATURE].join(".")
    );
}

#[test]
fn a_good_token_is_believed_as_the_highest_role_it_maps_to() {
    let claims = with(|_| ()).unwrap();
    assert_eq!((claims.subject, claims.role), (AccountName::parse("ana").unwrap(), Role::Operator));
    assert_eq!(with(|claims| claims["groups"] = json!(["sre-leads", "oncall"])).unwrap().role, Role::Admin);
    assert_eq!(with(|claims| claims["groups"] = json!("oncall")).unwrap().role, Role::Operator);
    assert_eq!(with(|claims| claims["aud"] = json!("morningai")).unwrap().role, Role::Operator);
}

#[test]
fn what_we_issue_we_believe() {
    let claims = Claims { subject: AccountName::parse("bo").unwrap(), role: Role::Admin, expires_at: at(NOW + 300) };
    let token = signer().issue(&claims, &expected(), at(NOW));
    let ring = Keyring::from_jwks(&signer().jwks()).unwrap();
    assert_eq!(verify(&token, &ring, &expected(), at(NOW + 1)), Ok(claims));
}

#[test]
fn time_is_checked_with_a_minute_to_spare() {
    assert!(with(|claims| claims["exp"] = json!(NOW - 59)).is_ok());
    assert_eq!(with(|claims| claims["exp"] = json!(NOW - 60)), Err(JwtError::Expired));
    for begins in ["nbf", "iat"] {
        assert!(with(|claims| claims[begins] = json!(NOW + 60)).is_ok());
        assert_eq!(with(|claims| claims[begins] = json!(NOW + 61)), Err(JwtError::NotYet));
    }
    assert!(with(|claims| claims["exp"] = json!(NOW as f64 + 0.5)).is_ok());
    for never in [json!(null), json!("soon"), json!([NOW])] {
        assert!(matches!(with(|claims| claims["exp"] = never), Err(JwtError::Malformed(_))));
    }
    assert!(matches!(with(|claims| drop(claims.as_object_mut().unwrap().remove("exp"))), Err(JwtError::Malformed(_))));
    assert!(matches!(with(|claims| claims["exp"] = json!(1e300)), Err(JwtError::Malformed(_))));
    assert_eq!(with(|claims| claims["exp"] = json!(-1e300)), Err(JwtError::Expired));
}

#[test]
fn a_token_for_others_is_not_ours() {
    assert_eq!(with(|claims| claims["iss"] = json!("https://id.example.org/")), Err(JwtError::ForOthers("iss")));
    assert_eq!(with(|claims| claims["aud"] = json!(["other"])), Err(JwtError::ForOthers("aud")));
    assert_eq!(with(|claims| claims["aud"] = json!({"morningai": true})), Err(JwtError::ForOthers("aud")));
    assert_eq!(with(|claims| claims["groups"] = json!(["staff"])), Err(JwtError::NoRole));
    assert_eq!(with(|claims| claims["groups"] = json!("owner")), Err(JwtError::NoRole));
    assert!(with(|claims| claims["sub"] = json!("ana\u{202e}")).is_err());
}

#[test]
fn the_key_decides_how_it_is_used() {
    let payload = good().to_string();
    for header in [
        r#"{"alg":"none","kid":"ed"}"#,
        r#"{"alg":"None","kid":"ed"}"#,
        r#"{"alg":"HS256","kid":"ed"}"#,
        r#"{"alg":"RS256","kid":"ed"}"#,
        r#"{"alg":"eddsa","kid":"ed"}"#,
        r#"{"alg":"EdDSA","kid":"a2"}"#,
        r#"{"kid":"ed"}"#,
        r#"{"alg":["EdDSA"],"kid":"ed"}"#,
    ] {
        assert_eq!(judged(header, &payload), Err(JwtError::WrongAlgorithm), "{header}");
    }
    for header in [r#"{"alg":"EdDSA"}"#, r#"{"alg":"EdDSA","kid":"../ed"}"#, r#"{"alg":"EdDSA","kid":""}"#] {
        assert_eq!(judged(header, &payload), Err(JwtError::UnknownKey), "{header}");
    }
    // A key inside the token is nobody's.
    let header = format!(r#"{{"alg":"EdDSA","kid":"mine","jwk":{RFC8037_KEY}}}"#);
    assert_eq!(judged(&header, &payload), Err(JwtError::UnknownKey));
    let other = Signer::from_seed("ed", &[9; 32]).unwrap().signed(HEADER, &payload);
    assert_eq!(verify(&other, &ring_of(&[RFC8037_KEY]), &expected(), at(NOW)), Err(JwtError::BadSignature));
    // An HMAC made with the public key as its secret: the classic confusion.
    let signed =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"ed"}"#), URL_SAFE_NO_PAD.encode(&payload));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
    let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, signed.as_bytes())));
    assert_eq!(verify(&forged, &ring_of(&[RFC8037_KEY]), &expected(), at(NOW)), Err(JwtError::WrongAlgorithm));
}

#[test]
fn a_header_or_claim_that_stands_twice_spoils_the_token() {
    let payload = good().to_string();
    let twice = r#"{"alg":"EdDSA","kid":"ed","kid":"a2"}"#;
    assert!(matches!(judged(twice, &payload), Err(JwtError::Malformed(_))));
    let escaped = r#"{"alg":"EdDSA","kid":"ed","\u006bid":"a2"}"#;
    assert!(matches!(judged(escaped, &payload), Err(JwtError::Malformed(_))));
    let groups = payload.replacen('{', r#"{"groups":["sre-leads"],"#, 1);
    assert!(matches!(judged(HEADER, &groups), Err(JwtError::Malformed(_))));
    for header in [
        r#"{"alg":"EdDSA","kid":"ed","crit":["b64"],"b64":false}"#,
        r#"{"alg":"EdDSA","kid":"ed","crit":null}"#,
        r#"{"alg":"EdDSA","kid":"ed","typ":"dpop+jwt"}"#,
        "[]",
        "",
    ] {
        assert!(matches!(judged(header, &payload), Err(JwtError::Malformed(_))), "{header}");
    }
}

#[test]
fn a_token_in_another_shape_is_none() {
    let ring = ring_of(&[RFC8037_KEY]);
    let token = signer().signed(HEADER, &good().to_string());
    let judge = |token: &str| verify(token, &ring, &expected(), at(NOW));
    assert!(judge(&token).is_ok());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    for wrong in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "é.é.é".to_owned(),
        signed.to_owned(),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!("{token}="),
        format!(" {token}"),
        format!("{signed}.{}", signature.replace(['-', '_'], "+")) + "/",
        format!("{token}{}", "A".repeat(LONGEST)),
    ] {
        assert!(matches!(judge(&wrong), Err(JwtError::Malformed(_))), "{:.40}", wrong);
    }
    for cut in 1..signature.len() {
        assert!(judge(&token[..token.len() - cut]).is_err(), "{cut} characters short");
    }
    assert_eq!(judge(&format!("{signed}.")), Err(JwtError::BadSignature));
}

#[test]
fn two_keys_hold_while_one_is_replaced() {
    let next = Signer::from_seed("next", &[9; 32]).unwrap();
    let next_key = next.jwks().trim_start_matches(r#"{"keys":["#).trim_end_matches("]}").to_owned();
    let old_key = RFC8037_KEY.replacen('{', &format!(r#"{{"exp":{},"#, NOW + 10), 1);
    let ring = ring_of(&[&old_key, &next_key]);
    let header = r#"{"alg":"EdDSA","kid":"next"}"#;
    let (old, new) = (signer().signed(HEADER, &good().to_string()), next.signed(header, &good().to_string()));
    for token in [&old, &new] {
        assert!(verify(token, &ring, &expected(), at(NOW + 9)).is_ok());
    }
    assert_eq!(verify(&old, &ring, &expected(), at(NOW + 10)), Err(JwtError::UnknownKey));
    assert!(verify(&new, &ring, &expected(), at(NOW + 10)).is_ok());
}

#[test]
fn a_key_set_that_is_not_plainly_right_is_refused() {
    for (set, why) in [
        (r#"{"keys":[]}"#.to_owned(), "empty"),
        ("[]".to_owned(), "not a key set"),
        (format!(r#"{{"keys":[{RFC8037_KEY},{RFC8037_KEY}]}}"#), "two keys"),
        (r#"{"keys":[{"kty":"oct","kid":"s","k":"c2VjcmV0"}]}"#.to_owned(), "shared"),
        (format!(r#"{{"keys":[{}]}}"#, RFC8037_KEY.replacen('{', r#"{"d":"x","#, 1)), "private"),
        (format!(r#"{{"keys":[{}]}}"#, RFC8037_KEY.replace(r#""kid":"ed","#, "")), "no kid"),
        (format!(r#"{{"keys":[{}]}}"#, RFC8037_KEY.replacen('{', r#"{"alg":"RS256","#, 1)), "does not go with"),
        (r#"{"keys":[{"kty":"RSA","kid":"r","n":"AQAB","e":"AQAB"}]}"#.to_owned(), "wrong length"),
    ] {
        let error = Keyring::from_jwks(&set).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

proptest! {
    /// Whatever is sent: no panic, and nothing is believed that was not signed.
    #[test]
    fn noise_is_refused(token in "[A-Za-z0-9._=-]{0,300}", bytes: Vec<u8>) {
        let ring = ring_of(&[RFC8037_KEY]);
        prop_assert!(verify(&token, &ring, &expected(), at(NOW)).is_err());
        prop_assert!(verify(&String::from_utf8_lossy(&bytes), &ring, &expected(), at(NOW)).is_err());
    }

    #[test]
    fn one_changed_character_is_noticed(place in 0usize..10_000, to in "[A-Za-z0-9_-]") {
        let ring = ring_of(&[RFC8037_KEY]);
        let token = signer().signed(HEADER, &good().to_string());
        let place = place % token.len();
        let mut changed = token.clone();
        changed.replace_range(place..=place, &to);
        prop_assume!(changed != token);
        prop_assert!(verify(&changed, &ring, &expected(), at(NOW)).is_err());
    }
}

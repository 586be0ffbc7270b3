//! AES-256-GCM, and the keys that follow from the store's own. Draws random numbers, and does nothing else that is not
//! computing.
//!
//! Every message has a random nonce of 96 bits in front of it and its tag of 128 bits behind. A key must not seal more
//! than 2^32 messages that way (NIST SP 800-38D, 8.3), which is more events than a person can cause.

use std::fmt;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hkdf, hmac};

use crate::domain::Tenant;
use crate::ports::{LogError, LogErrorKind};

/// Bytes of every key.
pub(super) const KEY: usize = 32;

/// Part of everything derived, so that the same key used elsewhere gives other results.
const PURPOSE: &[u8] = b"morningai store 1";

/// The key that a store is encrypted under: 32 random bytes. Its debug form shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreKey([u8; KEY]);

/// A text that is no key. It is not repeated: it may be one with a mistake in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key of the store is not 32 bytes in base64 or hex")]
pub struct NotAKey;

impl NotAKey {
    /// What to do next.
    pub const HINT: &'static str = "make one with `openssl rand -base64 32` and keep it where you keep secrets";
}

impl StoreKey {
    /// Takes 64 digits of hex, or base64 in either alphabet, padded or not.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let text = text.trim();
        let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let base64 = |alphabet| GeneralPurpose::new(alphabet, lenient).decode(text).ok();
        let bytes = match text.len() {
            64 => hex::decode(text).ok(),
            _ => base64(&alphabet::STANDARD).or_else(|| base64(&alphabet::URL_SAFE)),
        };
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(NotAKey)
    }

    /// What one tenant's log is sealed and found with.
    pub(super) fn for_tenant(&self, tenant: &Tenant) -> Result<(Cipher, hmac::Key), LogError> {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, PURPOSE).extract(&self.0);
        let derive = |what: &[u8]| {
            let mut key = [0; KEY];
            let info = [what, b"\0", tenant.0.as_bytes()];
            let filled = secret.expand(&info, hkdf::HKDF_SHA256).and_then(|output| output.fill(&mut key));
            filled.map(|()| key).map_err(|_| broken())
        };
        Ok((Cipher::new(&derive(b"wrap")?)?, hmac::Key::new(hmac::HMAC_SHA256, &derive(b"find")?)))
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(…)")
    }
}

/// One key, ready to seal with and to open with.
pub(super) struct Cipher(LessSafeKey);

impl Cipher {
    pub fn new(key: &[u8; KEY]) -> Result<Self, LogError> {
        UnboundKey::new(&AES_256_GCM, key).map(|key| Self(LessSafeKey::new(key))).map_err(|_| broken())
    }

    /// The message with its nonce before and its tag behind it. `place` must be given again to open it.
    pub fn seal(&self, place: &[u8], message: &[u8]) -> Result<Vec<u8>, LogError> {
        let mut nonce = [0; NONCE_LEN];
        draw(&mut nonce)?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + message.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(message);
        let (_, body) = sealed.split_at_mut(NONCE_LEN);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(place), body).map_err(|_| broken())?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// `None` for what was not sealed with this key for this place, or was changed since.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let length = self.0.open_in_place(nonce, Aad::from(place), &mut body).ok()?.len();
        body.truncate(length);
        Some(body)
    }
}

/// Fills with random bytes of the system.
pub(super) fn draw(bytes: &mut [u8]) -> Result<(), LogError> {
    SystemRandom::new().fill(bytes).map_err(|_| broken())
}

fn broken() -> LogError {
    LogError::new(
        LogErrorKind::NotSaved,
        "nothing could be encrypted: the system gives no random numbers, or a message is too long",
        "nothing was saved; look at the system's own log",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_each_of_its_forms_and_never_shown() {
        let hex = "00ff".repeat(16);
        let key = StoreKey::parse(&hex).unwrap();
        for text in [
            "AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/AP8=",
            " AP8A_wD_AP8A_wD_AP8A_wD_AP8A_wD_AP8A_wD_AP8\n",
            &hex.to_uppercase(),
        ] {
            assert_eq!(StoreKey::parse(text), Ok(key.clone()), "{text}");
        }
        for text in ["", "hunter2", &hex[2..], &format!("{hex}00"), &"g".repeat(64)] {
            assert_eq!(StoreKey::parse(text), Err(NotAKey), "{text}");
        }
        assert_eq!(format!("{key:?}"), "StoreKey(…)");
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_and_unchanged_only() {
        let cipher = Cipher::new(&[7; KEY]).unwrap();
        let sealed = cipher.seal(b"here", b"a word").unwrap();
        assert_eq!(sealed.len(), 12 + 6 + 16);
        assert_ne!(sealed, cipher.seal(b"here", b"a word").unwrap());
        assert_eq!(cipher.open(b"here", &sealed).as_deref(), Some(b"a word".as_slice()));
        assert_eq!(cipher.open(b"there", &sealed), None);
        assert_eq!(Cipher::new(&[8; KEY]).unwrap().open(b"here", &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(cipher.open(b"here", &changed), None, "byte {at}");
            assert_eq!(cipher.open(b"here", &sealed[..at]), None, "{at} bytes");
        }
    }

    #[test]
    fn each_tenant_has_keys_of_its_own() {
        let key = StoreKey::parse(&"ab".repeat(32)).unwrap();
        let (ours, find) = key.for_tenant(&Tenant("ours".into())).unwrap();
        let (theirs, _) = key.for_tenant(&Tenant("theirs".into())).unwrap();
        let sealed = ours.seal(b"", b"x").unwrap();
        assert_eq!(theirs.open(b"", &sealed), None);
        assert_ne!(hmac::sign(&find, b"x").as_ref(), hmac::sign(&find, b"y").as_ref());
    }
}

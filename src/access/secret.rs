//! Secrets that programs show: how they are written, recognised and found. The secret itself is kept nowhere.
//!
//! `mai_` and 58 characters of `a-z2-7`: 256 random bits, and 32 bits of their SHA-256, so that a mistyped one is told
//! from a revoked one without asking the store, and a scanner of repositories finds ours and hardly anything else:
//! `\bmai_[a-z2-7]{58}\b`. Sessions look the same and begin with `mas_`.

use sha2::{Digest, Sha256};

use super::base32;
use crate::ports::SecretHash;

/// Random bytes in a secret.
pub const BYTES: usize = 32;
/// Bytes of the checksum.
const CHECK: usize = 4;

/// What a secret is for; told apart by how it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    Token,
    Session,
}

impl SecretKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Token => "mai_",
            Self::Session => "mas_",
        }
    }
}

/// Writes a secret of these random bytes. Shown once, to the person who asked for it.
pub fn write(kind: SecretKind, random: [u8; BYTES]) -> String {
    let mut bytes = [0; BYTES + CHECK];
    bytes[..BYTES].copy_from_slice(&random);
    bytes[BYTES..].copy_from_slice(&checksum(kind, &random));
    format!("{}{}", kind.prefix(), base32::encode(&bytes).to_ascii_lowercase())
}

/// What a text is, by its beginning and its checksum; `None` when it is no secret of ours, or mistyped.
pub fn read(text: &str) -> Option<(SecretKind, SecretHash)> {
    let kinds = [SecretKind::Token, SecretKind::Session];
    let (kind, rest) = kinds.into_iter().find_map(|kind| Some((kind, text.strip_prefix(kind.prefix())?)))?;
    if rest.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let bytes = base32::decode(rest)?;
    let (random, check) = bytes.split_at_checked(BYTES)?;
    (check == checksum(kind, random)).then(|| (kind, hash(text)))
}

/// What the store finds it by.
pub fn hash(text: &str) -> SecretHash {
    SecretHash(Sha256::digest(text.as_bytes()).into())
}

fn checksum(kind: SecretKind, random: &[u8]) -> [u8; CHECK] {
    let digest = Sha256::new().chain_update(kind.prefix()).chain_update(random).finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_scanner_finds_it_by_its_form() {
        let text = write(SecretKind::Token, [0xa5; 32]);
        assert!(regex::Regex::new(r"^\bmai_[a-z2-7]{58}\b$").unwrap().is_match(&text), "{text}");
        assert_eq!(read(&text), Some((SecretKind::Token, hash(&text))));
        assert!(write(SecretKind::Session, [0xa5; 32]).starts_with("mas_"));
    }

    #[test]
    fn what_is_none_of_ours_is_not_looked_up() {
        let text = write(SecretKind::Token, [7; 32]);
        for wrong in [
            "",
            "mai_",
            "ghp_0123456789",
            &text[..text.len() - 1],
            &format!("{text}a"),
            &text.to_uppercase(),
            &text.replacen("mai_", "mas_", 1),
            &format!(" {text}"),
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_noticed(random: [u8; 32], at in 4usize..62, to in "[a-z2-7]") {
            let text = write(SecretKind::Token, random);
            let mut wrong = text.clone();
            wrong.replace_range(at..=at, &to);
            prop_assume!(wrong != text);
            prop_assert_eq!(read(&wrong), None);
        }
    }
}

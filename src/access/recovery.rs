//! Codes for a lost second factor: eight of them, each good once, kept as hashes like every other secret.

use subtle::ConstantTimeEq;

use super::{base32, secret};
use crate::ports::SecretHash;

/// How many a person gets.
pub const COUNT: usize = 8;
/// Random bytes of each: 80 bits, so that the plain hash cannot be searched through.
pub const BYTES: usize = 10;

/// The codes to show once, and what is kept of them.
pub fn codes(random: [[u8; BYTES]; COUNT]) -> (Vec<String>, Vec<SecretHash>) {
    let codes: Vec<_> = random.iter().map(|bytes| grouped(&base32::encode(bytes).to_ascii_lowercase())).collect();
    let hashes = codes.iter().map(|code| hash(code)).collect();
    (codes, hashes)
}

/// The codes left after this one is used; `None` when it is none of them. Looks at all, whichever matches.
pub fn take(kept: &[SecretHash], code: &str) -> Option<Vec<SecretHash>> {
    let given = hash(code);
    let is_it: Vec<bool> = kept.iter().map(|hash| hash.0.ct_eq(&given.0).into()).collect();
    let left: Vec<_> = kept.iter().zip(&is_it).filter(|(_, is_it)| !**is_it).map(|(hash, _)| *hash).collect();
    (left.len() < kept.len()).then_some(left)
}

/// `abcd-efgh-ijkl-mnop`: people copy these by hand.
fn grouped(code: &str) -> String {
    let characters: Vec<_> = code.chars().collect();
    let groups: Vec<String> = characters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

/// Of the letters and digits alone, in either case.
fn hash(code: &str) -> SecretHash {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    secret::hash(&plain.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_good_once_however_it_is_typed() {
        let random = std::array::from_fn(|index| [index as u8; BYTES]);
        let (codes, kept) = codes(random);
        assert_eq!((codes.len(), codes[1].as_str()), (8, "aeaq-caib-aeaq-caib"));
        let left = take(&kept, " AEAQ CAIB aeaqcaib ").unwrap();
        assert_eq!(left.len(), 7);
        assert_eq!(take(&left, &codes[1]), None);
        assert!(take(&left, &codes[2]).is_some());
        assert_eq!(take(&kept, ""), None);
        assert_eq!(take(&kept, "aeaq-caib-aeaq-caia"), None);
    }
}

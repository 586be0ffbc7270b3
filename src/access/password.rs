//! Passwords: which are taken, and how they are kept. Slow on purpose; call it where blocking is no harm.
//!
//! Rules after NIST SP 800-63B-4, section 3.1.1.2: length counts, composition does not; compared against what is known
//! to be guessed first; no hints, no expiry. They are normalised (NFKC) before anything else, so that the same keys
//! on another system give the same password.

use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};
use unicode_normalization::UnicodeNormalization;

use crate::domain::AccountName;

/// Characters at least. The standard asks for 15 where a password is the only factor and 8 beside another; a second
/// factor is possible here and not forced, so this lies between.
pub const SHORTEST: usize = 12;
/// Characters at most: far more than the 64 that the standard wants allowed, and little enough to hash.
pub const LONGEST: usize = 256;
/// Bytes of salt: what RFC 9106, section 3.1, recommends.
pub const SALT: usize = 16;

/// OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB of memory, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Beginnings that guessers try first and that are long enough to pass otherwise; compared without case, and with
/// whatever digits and signs stand behind them.
const GUESSED_FIRST: &[&str] = &[
    "password",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "passwordpassword",
    "qwertyuiop",
    "qwerty",
    "qwertyuiopasdfgh",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "zaq12wsxcde3",
    "q1w2e3r4t5y6",
    "iloveyou",
    "administrator",
    "letmein",
    "letmeinplease",
    "welcome",
    "changeme",
    "changemenow",
    "correcthorsebatterystaple",
    "trustnoone",
    "monkeymonkey",
    "dragondragon",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "morningai",
    "morningaimorningai",
    "mynameis",
    "secretsecret",
    "topsecret",
    "defaultpassword",
    "temporarypassword",
    "abcabcabcabc",
    "asdfghjkl",
];

/// Rows that fingers run along.
const ROWS: &[&str] = &["01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm"];

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    #[error("the password is too short: {SHORTEST} characters at least")]
    Short,
    #[error("the password is too long: {LONGEST} characters at most")]
    Long,
    #[error("the password is little more than the name of the account")]
    HasTheName,
    #[error("the password is one of those that are guessed first")]
    GuessedFirst,
    #[error("the password cannot be hashed: there is not enough memory")]
    NotHashed,
}

impl WeakPassword {
    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::NotHashed => "free some memory and repeat",
            _ => "take four or five words that have nothing to do with each other, or let a password manager make one",
        }
    }
}

/// Whether the rules take it for this account.
pub fn judge(password: &str, name: &AccountName) -> Result<(), WeakPassword> {
    let plain = normalised(password);
    match plain.chars().count() {
        0..SHORTEST => return Err(WeakPassword::Short),
        count if count > LONGEST => return Err(WeakPassword::Long),
        _ => {}
    }
    let lower = plain.to_lowercase();
    let without_name = lower.replace(name.as_str(), "");
    if without_name.len() < lower.len() && without_name.chars().count() < SHORTEST / 2 {
        return Err(WeakPassword::HasTheName);
    }
    if is_guessed_first(&lower) { Err(WeakPassword::GuessedFirst) } else { Ok(()) }
}

fn is_guessed_first(lower: &str) -> bool {
    let words = lower.trim_end_matches(|character: char| !character.is_alphabetic());
    let is_listed = GUESSED_FIRST.iter().any(|listed| *listed == words || *listed == lower);
    is_listed || repeats(lower) || runs_along_a_row(lower)
}

/// The same one to four characters over and over.
fn repeats(text: &str) -> bool {
    let characters: Vec<_> = text.chars().collect();
    (1..=4).any(|period| characters.iter().zip(characters.iter().skip(period)).all(|(one, next)| one == next))
}

fn runs_along_a_row(text: &str) -> bool {
    let backward: String = text.chars().rev().collect();
    ROWS.iter().any(|row| row.contains(text) || row.contains(&backward))
}

/// The form it is kept in: a PHC string with the parameters in it. Takes some tens of milliseconds and 19 MiB.
pub fn keep(password: &str, salt: [u8; SALT]) -> Result<String, WeakPassword> {
    let hashed = hasher()?.hash_password_with_salt(normalised(password).as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|_| WeakPassword::NotHashed)
}

/// Whether it is the one that is kept. `None`, for a name that does not exist, costs as much as a wrong password.
pub fn is_right(password: &str, kept: Option<&str>) -> bool {
    let cut: String = normalised(password).chars().take(LONGEST + 1).collect();
    match kept {
        // The hash holds its own parameters, so one made under earlier ones is still checked.
        Some(kept) => Argon2::default().verify_password(cut.as_bytes(), kept).is_ok(),
        None => {
            let spent = hasher().map(|hasher| hasher.hash_password_with_salt(cut.as_bytes(), &[0; SALT]));
            std::hint::black_box(spent.is_ok());
            false
        }
    }
}

fn hasher() -> Result<Argon2<'static>, WeakPassword> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| WeakPassword::NotHashed)?;
    Ok(Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params))
}

fn normalised(password: &str) -> String {
    password.nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(password: &str) -> Result<(), WeakPassword> {
        judge(password, &AccountName::parse("ana.kovac").unwrap())
    }

    #[test]
    fn length_counts_and_composition_does_not() {
        assert_eq!(judged("eleven char"), Err(WeakPassword::Short));
        assert_eq!(judged("twelve chars"), Ok(()));
        assert_eq!(judged("нужно двенадцать"), Ok(()));
        assert_eq!(judged(&"ab cd é ".repeat(32)), Ok(()));
        assert_eq!(judged(&"x y".repeat(100)), Err(WeakPassword::Long));
        // Twelve code points, which are six characters once normalised.
        assert_eq!(judged(&"e\u{301}".repeat(6)), Err(WeakPassword::Short));
    }

    #[test]
    fn what_is_guessed_first_is_not_taken() {
        for bad in [
            "Password1234",
            "password!!!!2026",
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "123456789012",
            "210987654321",
            "qwertyuiopas",
            "CorrectHorseBatteryStaple",
            "morningai123",
        ] {
            assert_eq!(judged(bad), Err(WeakPassword::GuessedFirst), "{bad}");
        }
        assert_eq!(judged("Ana.Kovac2026"), Err(WeakPassword::HasTheName));
        assert_eq!(judged("ana.kovacana.kovac"), Err(WeakPassword::HasTheName));
        assert_eq!(judged("ana.kovac likes rain"), Ok(()));
    }

    #[test]
    fn it_is_kept_as_owasp_says_and_checked() {
        let kept = keep("caf\u{e9} rain at night", [7; SALT]).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(is_right("caf\u{e9} rain at night", Some(&kept)));
        assert!(is_right("cafe\u{301} rain at night", Some(&kept)), "typed on another system");
        assert!(!is_right("cafe rain at night", Some(&kept)));
        assert!(!is_right("", Some(&kept)));
        assert!(!is_right("caf\u{e9} rain at night", None));
        assert!(!is_right("x", Some("not a hash")));
        // A name that does not exist must not answer sooner; the least of three, since the machine may be busy.
        let least = |kept: Option<&str>| {
            let one = |_| {
                let began = std::time::Instant::now();
                is_right("wrong", kept);
                began.elapsed()
            };
            (0..3).map(one).min().unwrap()
        };
        let (known, unknown) = (least(Some(&kept)), least(None));
        assert!(unknown * 3 > known && known * 3 > unknown, "{known:?} for a name that exists, {unknown:?} for none");
        assert_ne!(kept, keep("caf\u{e9} rain at night", [8; SALT]).unwrap());
    }
}

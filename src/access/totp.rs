//! The second factor: time-based one-time passwords of RFC 6238, as every authenticator makes them (SHA-1, six digits,
//! thirty seconds).

use ring::hmac;
use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::base32;
use crate::domain::{AccountName, Timestamp};
use crate::ports::TotpSecret;

/// Bytes of a secret: as many as the hash has, which RFC 4226 recommends in section 4.
pub const BYTES: usize = 20;
/// Seconds a code lasts.
const STEP: u64 = 30;
const DIGITS: u32 = 6;
/// Steps that a clock may be off, either way: RFC 6238, section 5.2, advises one at most.
const SKEW: u64 = 1;

/// What a code turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Right, and of this step: to be kept as `last_step`, so that it is never taken again.
    Right {
        step: u64,
    },
    /// Right for a step for which one was taken, or for one before it.
    UsedBefore,
    Wrong,
}

/// Judges a code at a time. Blanks in it are what authenticators show, and mean nothing.
pub fn check(secret: &TotpSecret, code: &str, now: Timestamp) -> Code {
    let digits: String = code.chars().filter(|character| !character.is_whitespace()).collect();
    let is_code = digits.len() == DIGITS as usize && digits.bytes().all(|byte| byte.is_ascii_digit());
    let Some(given) = digits.parse::<u32>().ok().filter(|_| is_code) else { return Code::Wrong };
    let current = step_at(now);
    // All steps are looked at, whichever matches: how long it takes tells nothing.
    let mut matching = 0u64;
    for step in current.saturating_sub(SKEW)..=current + SKEW {
        let expected = truncated(&secret.secret, step) % 10u32.pow(DIGITS);
        matching.conditional_assign(&step, expected.ct_eq(&given));
    }
    match matching {
        0 => Code::Wrong,
        step if step <= secret.last_step => Code::UsedBefore,
        step => Code::Right { step },
    }
}

/// The step that a time lies in; times before 1970 are in none.
fn step_at(now: Timestamp) -> u64 {
    u64::try_from(now.timestamp()).unwrap_or(0) / STEP
}

/// RFC 4226, section 5.3: 31 bits of the HMAC, at the place its last four bits name.
fn truncated(secret: &[u8], step: u64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let place = usize::from(bytes[bytes.len() - 1] & 0xf);
    let four = [bytes[place], bytes[place + 1], bytes[place + 2], bytes[place + 3]];
    u32::from_be_bytes(four) & 0x7fff_ffff
}

/// What an authenticator takes in, as text or as a picture of it.
pub fn uri(name: &AccountName, secret: &[u8]) -> String {
    let label = name.as_str().replace('@', "%40").replace('+', "%2B");
    format!(
        "otpauth://totp/morningai:{label}?secret={}&issuer=morningai&algorithm=SHA1&digits={DIGITS}&period={STEP}",
        base32::encode(secret)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(seconds, 0).unwrap()
    }

    fn secret(last_step: u64) -> TotpSecret {
        TotpSecret { secret: b"12345678901234567890".to_vec(), last_step }
    }

    /// RFC 6238, appendix B, the rows of SHA-1.
    #[test]
    fn the_vectors_of_the_rfc() {
        for (time, expected) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            let code = truncated(b"12345678901234567890", step_at(at(time))) % 100_000_000;
            assert_eq!(code, expected, "{time}");
            let six = format!("{:06}", expected % 1_000_000);
            assert_eq!(check(&secret(0), &six, at(time)), Code::Right { step: time as u64 / 30 });
        }
    }

    #[test]
    fn a_clock_may_be_one_step_off_and_no_more() {
        // 081804 is the code of the step that begins at 1111111080.
        let judged = |time| check(&secret(0), "081 804", at(time));
        assert_eq!(judged(1_111_111_049), Code::Wrong);
        assert!(matches!(judged(1_111_111_050), Code::Right { .. }));
        assert!(matches!(judged(1_111_111_139), Code::Right { .. }));
        assert_eq!(judged(1_111_111_140), Code::Wrong);
    }

    #[test]
    fn a_code_is_taken_once_and_an_earlier_one_not_after_it() {
        let step = 1_111_111_109 / 30;
        assert_eq!(check(&secret(step), "081804", at(1_111_111_109)), Code::UsedBefore);
        assert_eq!(check(&secret(step + 1), "081804", at(1_111_111_109)), Code::UsedBefore);
        assert_eq!(check(&secret(step - 1), "081804", at(1_111_111_109)), Code::Right { step });
    }

    #[test]
    fn what_is_no_code_is_wrong() {
        for code in ["", "81804", "+81804", "0818040", "08180a", "٠٨١٨٠٤", "-81804"] {
            assert_eq!(check(&secret(0), code, at(1_111_111_109)), Code::Wrong, "{code:?}");
        }
    }

    #[test]
    fn an_authenticator_can_read_it() {
        let uri = uri(&AccountName::parse("ana+x@example.org").unwrap(), b"12345678901234567890");
        assert_eq!(
            uri,
            "otpauth://totp/morningai:ana%2Bx%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=morningai&algorithm=SHA1&digits=6&period=30"
        );
    }
}

//! What people write instead of a whole id: its beginning, or its last eight digits.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Digits of a whole id, without dashes.
const WHOLE: usize = 32;
/// Digits of the short form, see `RunId::short`.
const TAIL: usize = 8;

/// The ids that somebody may mean: those from `first` to `last`, and those that end in `tail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShortId {
    pub first: Uuid,
    pub last: Uuid,
    pub tail: Option<[u8; 4]>,
}

impl ShortId {
    /// The end of an id as people quote it: UUIDv7 begins with time, so the random tail tells ids apart.
    pub fn of(id: Uuid) -> String {
        let digits = id.simple().to_string();
        digits[digits.len() - TAIL..].to_owned()
    }

    /// Dashes, case and blanks around it do not matter. `None` for what cannot be part of an id.
    pub fn parse(given: &str) -> Option<Self> {
        let digits = given.trim().replace('-', "").to_ascii_lowercase();
        if digits.is_empty() || digits.len() > WHOLE || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let filled = |with: &str| {
            let text = digits.clone() + &with.repeat(WHOLE - digits.len());
            Uuid::try_parse(&text).ok()
        };
        let tail =
            (digits.len() == TAIL).then(|| u32::from_str_radix(&digits, 16).ok().map(u32::to_be_bytes)).flatten();
        Some(Self { first: filled("0")?, last: filled("f")?, tail })
    }

    pub fn fits(&self, id: Uuid) -> bool {
        (self.first..=self.last).contains(&id) || self.tail.is_some_and(|tail| id.as_bytes().ends_with(&tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_named_by_its_beginning_or_its_short_form() {
        let id: Uuid = "0193a5c2-7b10-7def-8123-4567abcdef01".parse().unwrap();
        let names = |given: &str| ShortId::parse(given).is_some_and(|short| short.fits(id));
        for given in ["0193", "0193A5C2-7b10", "abcdef01", " 0193a5c2-7b10-7def-8123-4567abcdef01"] {
            assert!(names(given), "{given}");
        }
        for given in ["", "a5c2", "cdef01", "0193a5c3", "0193a5c27b107def81234567abcdef012", "0193%", "é"] {
            assert!(!names(given), "{given}");
        }
    }
}

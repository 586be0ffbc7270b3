//! By what a request that arrives twice is known. Of what was sent only hashes are kept, each over the sender's own id
//! too, so that neither tells anything to somebody who does not know that.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::actor::Actor;

/// Tells a request from all others, and what was asked from anything else that is asked under the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Of the sender and the id that they chose.
    pub key: [u8; 32],
    /// Of the id and what was asked under it.
    pub asked: [u8; 32],
}

impl IdempotencyKey {
    pub fn new(sender: &Actor, id: &str, asked: &impl Serialize) -> Self {
        let hash = |parts: [&[u8]; 2]| {
            let mut hash = Sha256::new();
            for part in parts {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
            hash.finalize().into()
        };
        // Commands always have a JSON form; one without would only be known by its id.
        let asked = serde_json::to_vec(asked).unwrap_or_default();
        Self { key: hash([sender.to_string().as_bytes(), id.as_bytes()]), asked: hash([id.as_bytes(), &asked]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_known_by_its_sender_and_its_id() {
        let person = |name: &str| Actor::Person(name.to_owned());
        let first = IdempotencyKey::new(&person("ana"), "1", &"pause");
        assert_eq!(first, IdempotencyKey::new(&person("ana"), "1", &"pause"));
        let other = IdempotencyKey::new(&person("ana"), "1", &"resume");
        assert!(other.key == first.key && other.asked != first.asked);
        for (sender, id) in [("ana", "2"), ("an", "a1"), ("bo", "1")] {
            assert_ne!(IdempotencyKey::new(&person(sender), id, &"pause").key, first.key, "{sender} {id}");
        }
    }
}

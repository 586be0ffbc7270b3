//! What opens the receivers of webhooks: tokens that open nothing else, and that nothing else opens.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::problem::Problem;
use super::slack::SlackDoor;
use crate::feeds::Grouping;

/// What receivers go by.
#[derive(Clone, Debug, Default)]
pub struct Hooks {
    /// Hashes of the tokens: comparing these tells nothing of the tokens, not even how long they are.
    tokens: Vec<[u8; 32]>,
    pub(super) grouping: Grouping,
    pub(super) slack: SlackDoor,
}

impl Hooks {
    pub fn new<'a>(tokens: impl IntoIterator<Item = &'a SecretString>, grouping: Grouping) -> Self {
        let hash = |token: &SecretString| Sha256::digest(token.expose_secret()).into();
        Self { tokens: tokens.into_iter().map(hash).collect(), grouping, slack: SlackDoor::default() }
    }

    /// The same with what opens it to Slack.
    pub fn with_slack(self, slack: SlackDoor) -> Self {
        Self { slack, ..self }
    }

    pub(super) fn admit(&self, token: Option<&str>) -> Result<(), Problem> {
        let given: [u8; 32] = Sha256::digest(token.unwrap_or_default()).into();
        let fits = |known: &[u8; 32]| bool::from(known.ct_eq(&given));
        // All of them are looked at, whichever fits.
        let fitting = self.tokens.iter().filter(|known| fits(known)).count();
        if fitting > 0 && token.is_some() { Ok(()) } else { Err(Problem::not_the_receivers_token()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tokens_open_it_while_one_takes_over_and_nothing_else_does() {
        let tokens = ["old", "new"].map(|token| SecretString::from(token.to_owned()));
        let hooks = Hooks::new(&tokens, Grouping::default());
        assert!(["old", "new"].into_iter().all(|token| hooks.admit(Some(token)).is_ok()));
        assert!([Some("ol"), Some("oldnew"), Some(""), None].into_iter().all(|token| hooks.admit(token).is_err()));
        assert!(Hooks::default().admit(Some("")).is_err(), "without a token it is closed");
    }
}

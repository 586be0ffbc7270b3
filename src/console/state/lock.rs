//! The lock over a console at which nobody was for a while: when it falls, and what is typed to open it.
//!
//! Pure. Whether what was typed is right is found out elsewhere; nothing here compares passwords.

use std::fmt;
use std::time::Duration;

use super::review::Uptime;

/// Whether the console locks itself, and whether it has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    /// `None`: it never does.
    pub after: Option<Duration>,
    pub screen: Option<LockScreen>,
}

/// What a locked console shows and takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LockScreen {
    pub password: Hidden,
    pub code: Hidden,
    pub field: LockField,
    pub asking: Asking,
    /// Ctrl-C was pressed once; another one leaves.
    pub leaving: Leaving,
}

/// Where keys go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LockField {
    #[default]
    Password,
    Code,
}

/// What is known of what was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Asking {
    #[default]
    Nothing,
    /// The answer is on its way.
    Asked,
    /// Why it did not open.
    Refused(String),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leaving {
    #[default]
    No,
    Asked,
}

/// Text that is not shown, not even in a debug print.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// Characters taken; more is no password.
    const LONGEST: usize = 256;

    pub fn push(&mut self, text: &str) {
        let room = Self::LONGEST.saturating_sub(self.count());
        self.0.extend(text.chars().filter(|character| !character.is_control()).take(room));
    }

    pub fn pop(&mut self) {
        self.0.pop();
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn count(&self) -> usize {
        self.0.chars().count()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For the check whether it is right.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl Lock {
    pub fn is_locked(&self) -> bool {
        self.screen.is_some()
    }

    /// When it falls if no key is pressed; `None` when it has, or never does.
    pub fn falls_at(&self, last_key: Option<Uptime>) -> Option<Uptime> {
        let after = self.after.filter(|_| !self.is_locked())?;
        Some(last_key.unwrap_or_default() + after)
    }
}

impl LockScreen {
    /// What keys change.
    pub fn typed(&mut self) -> &mut Hidden {
        match self.field {
            LockField::Password => &mut self.password,
            LockField::Code => &mut self.code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_so_long_after_the_last_key_or_the_start() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let lock = Lock { after: Some(minutes(30)), screen: None };
        assert_eq!(lock.falls_at(None), Some(minutes(30)));
        assert_eq!(lock.falls_at(Some(minutes(7))), Some(minutes(37)));
        assert_eq!(Lock::default().falls_at(Some(minutes(7))), None);
        assert_eq!(Lock { screen: Some(LockScreen::default()), ..lock }.falls_at(None), None);
    }

    #[test]
    fn a_password_is_in_no_debug_print_and_bounded() {
        let mut screen = LockScreen::default();
        screen.typed().push("hunter\n2");
        assert_eq!((screen.password.reveal(), format!("{screen:?}").contains("hunter")), ("hunter2", false));
        screen.typed().push(&"é".repeat(1_000));
        assert_eq!(screen.password.count(), 256);
    }
}

//! A locked console: it falls, takes a password, and opens. No other key and no paste reaches anything below it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Request, World};
use crate::console::state::{Asking, Leaving, LockField, LockScreen, State};
use crate::domain::Untrusted;
use crate::ports::Unlocking;

/// Hides everything, if the console locks itself at all. A card that was open must be read again: the person
/// who comes back need not be the one who read it.
pub fn lock(state: &mut State) {
    if state.lock.after.is_none() || state.lock.is_locked() {
        return;
    }
    state.lock.screen = Some(LockScreen::default());
    if let Some(review) = state.review_mut() {
        review.anew(review.approval);
    }
}

/// A key while it is locked.
pub fn lock_key(state: &mut State, world: &World<'_>, key: KeyEvent) -> Vec<Request> {
    let Some(screen) = &mut state.lock.screen else { return Vec::new() };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if control && key.code == KeyCode::Char('c') {
        return interrupted(state, world);
    }
    screen.leaving = Leaving::No;
    // What is typed while the answer is on its way belongs to nothing.
    if screen.asking == Asking::Asked {
        return Vec::new();
    }
    match key.code {
        KeyCode::Char('l') if control => return vec![Request::Redraw],
        KeyCode::Char('u') if control => screen.typed().clear(),
        KeyCode::Char(letter) if !control && !key.modifiers.contains(KeyModifiers::ALT) => {
            screen.typed().push(letter.encode_utf8(&mut [0; 4]));
        }
        KeyCode::Backspace => screen.typed().pop(),
        KeyCode::Esc => *screen = LockScreen::default(),
        KeyCode::Enter if !screen.typed().is_empty() => {
            screen.asking = Asking::Asked;
            return vec![Request::Unlock { password: screen.password.clone(), code: screen.code.clone() }];
        }
        _ => {}
    }
    Vec::new()
}

/// Pasted text is a password like any other: managers paste them.
pub fn lock_pasted(state: &mut State, text: &str) {
    if let Some(screen) = state.lock.screen.as_mut().filter(|screen| screen.asking != Asking::Asked) {
        screen.typed().push(text);
    }
}

/// Leaves at the second time: what runs comes to rest in order, and nothing is shown.
pub fn interrupted(state: &mut State, _: &World<'_>) -> Vec<Request> {
    let Some(screen) = &mut state.lock.screen else { return Vec::new() };
    match screen.leaving {
        Leaving::Asked => vec![Request::Quit],
        Leaving::No => {
            screen.leaving = Leaving::Asked;
            Vec::new()
        }
    }
}

/// What came of a password.
pub(super) fn answered(state: &mut State, unlocking: Unlocking) {
    let Some(screen) = &mut state.lock.screen else { return };
    match unlocking {
        Unlocking::Opened => state.lock.screen = None,
        Unlocking::CodeWanted => {
            screen.field = LockField::Code;
            screen.asking = Asking::Nothing;
        }
        Unlocking::Refused(error) => {
            let said = Untrusted::from(error.message.as_str()).visible().into_owned();
            *screen = LockScreen { asking: Asking::Refused(said), ..LockScreen::default() };
        }
    }
}

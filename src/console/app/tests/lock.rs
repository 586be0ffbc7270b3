//! A console that locks itself: when, what it hides, what no key does meanwhile, and how it opens.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::harness::Harness;
use crate::console::app::IdleLock;
use crate::console::app::fake::Fake;
use crate::console::view::fixtures::night;
use crate::ports::{ClientError, Unlock, Unlocking};

const HALF_AN_HOUR: u64 = 30 * 60 * 1_000;

/// Opens for one password, and a code if it wants one.
struct Keyhole {
    code: &'static str,
    asked: Mutex<u32>,
}

#[async_trait]
impl Unlock for Keyhole {
    async fn unlock(&self, password: &str, code: &str) -> Unlocking {
        *self.asked.lock().unwrap() += 1;
        match (password, code) {
            ("rain on a roof", given) if given == self.code => Unlocking::Opened,
            ("rain on a roof", "") => Unlocking::CodeWanted,
            _ => Unlocking::Refused(ClientError { message: "wrong\u{1b}[2J".to_owned(), hint: String::new() }),
        }
    }
}

async fn locking(code: &'static str) -> (Harness, Arc<Keyhole>) {
    let keyhole = Arc::new(Keyhole { code, asked: Mutex::new(0) });
    let lock = IdleLock { after: Duration::from_secs(30 * 60), keyhole: keyhole.clone() };
    (Harness::locking(Fake::new(night()), 80, 24, Some(lock)).await, keyhole)
}

fn is_locked(harness: &mut Harness) -> bool {
    harness.sees("locked") && harness.sees("password")
}

#[tokio::test(start_paused = true)]
async fn it_locks_after_half_an_hour_without_a_key_and_hides_everything() {
    let (mut harness, _) = locking("").await;
    harness.pass(HALF_AN_HOUR - 1_000).await;
    assert!(!is_locked(&mut harness));
    harness.press("j").await;
    harness.pass(HALF_AN_HOUR - 1_000).await;
    assert!(!is_locked(&mut harness), "a key puts it off");
    harness.pass(2_000).await;
    insta::assert_snapshot!(harness.screen());
}

#[tokio::test(start_paused = true)]
async fn without_accounts_it_never_locks() {
    let mut harness = Harness::new(night(), 80, 24).await;
    let before = harness.screen();
    harness.pass(3 * HALF_AN_HOUR).await;
    assert!(!is_locked(&mut harness) && !before.is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_key_decides_while_it_is_locked_and_a_card_must_be_read_again() {
    let (mut harness, _) = locking("").await;
    harness.press("w").await;
    harness.wait(1_000).await;
    assert!(harness.state().review().unwrap().unread().is_some());
    harness.pass(HALF_AN_HOUR).await;
    assert!(is_locked(&mut harness));
    harness.press("y n q ctrl-z : ? 1").await;
    harness.paste("y").await;
    harness.wait(1_000).await;
    assert!(is_locked(&mut harness) && harness.ended.is_none());
    assert_eq!(harness.fake.submitted.lock().unwrap().len(), 0);
    assert_eq!(harness.state().review().unwrap().unread(), None, "it counts as unread");
    // Right after the password nothing is decided either: the card has only just come back.
    harness.press("esc").await;
    harness.write("rain on a roof").await;
    harness.press("enter").await;
    harness.write("y").await;
    harness.wait(200).await;
    assert!(!is_locked(&mut harness));
    assert_eq!(harness.fake.submitted.lock().unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_told_so_and_a_code_is_asked_for() {
    let (mut harness, keyhole) = locking("123456").await;
    harness.pass(HALF_AN_HOUR).await;
    harness.press("enter").await;
    assert_eq!(*keyhole.asked.lock().unwrap(), 0, "nothing was typed");
    harness.write("wrong").await;
    harness.press("enter").await;
    assert!(harness.sees("wrong␛[2J") && is_locked(&mut harness));
    harness.paste("rain on a roof").await;
    assert!(!harness.sees("rain"));
    harness.press("enter").await;
    assert!(harness.sees("code") && is_locked(&mut harness));
    harness.write("123456").await;
    assert!(!harness.sees("123456"));
    harness.press("enter").await;
    assert!(!is_locked(&mut harness));
    assert_eq!(*keyhole.asked.lock().unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn it_locks_below_the_least_size_too_and_can_be_left() {
    let (mut harness, _) = locking("").await;
    harness.resize(40, 10).await;
    harness.wait(HALF_AN_HOUR + 1_000).await;
    assert!(harness.sees("locked") && !harness.sees("waiting"));
    harness.press("ctrl-c x ctrl-c").await;
    assert!(harness.ended.is_none(), "another key between takes it back");
    harness.press("ctrl-c").await;
    assert!(harness.ended.is_some());
}

//! What streams in beside the events: the open turn's text and running tools' output. Bounded, and never stored.

use std::collections::BTreeMap;

use crate::domain::{CallNo, Timestamp, Untrusted};
use crate::ports::{Delta, DeltaKind};

/// Live text of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// The turn that `text` belongs to.
    pub turn: u32,
    /// The model's words so far, the last `MOST_BYTES` of them.
    pub text: Untrusted,
    /// Bytes of it that were heard, also of what is no longer kept, and when the first of them came.
    pub heard: u64,
    pub heard_since: Option<Timestamp>,
    /// What the model adapter is doing meanwhile; empty for nothing to say.
    pub notice: Untrusted,
    /// Last lines of what running calls print.
    pub outputs: BTreeMap<CallNo, Untrusted>,
}

impl Live {
    /// Most bytes kept of one turn's text, and of one call's output.
    pub const MOST_BYTES: usize = 64 * 1024;
    /// Bytes of text a token stands for, roughly, in English and in programs.
    const BYTES_OF_A_TOKEN: u64 = 4;
    /// Most calls whose output is kept.
    pub const MOST_CALLS: usize = 16;

    /// Takes in a piece that came at `at`. A piece of a newer turn starts that turn's text afresh.
    pub fn push(&mut self, delta: &Delta, at: Timestamp) {
        match delta.kind {
            DeltaKind::Token { turn } => {
                self.begin(turn);
                // An adapter says something between two attempts: what follows is another answer, from its beginning.
                if !std::mem::take(&mut self.notice).is_empty() {
                    self.forget();
                }
                self.heard += delta.text.raw().len() as u64;
                self.heard_since.get_or_insert(at);
                append_tail(&mut self.text, &delta.text);
            }
            DeltaKind::Notice { turn } => {
                self.begin(turn);
                self.notice = delta.text.clone();
            }
            DeltaKind::Output { call } => {
                append_tail(self.outputs.entry(call).or_default(), &delta.text);
                while self.outputs.len() > Self::MOST_CALLS {
                    self.outputs.pop_first();
                }
            }
        }
    }

    /// The turn is over: its text stands in the history now.
    pub fn end_turn(&mut self, turn: u32) {
        if self.turn == turn {
            self.forget();
            self.notice = Untrusted::default();
        }
    }

    /// The call is over: its output stands in the history now.
    pub fn end_call(&mut self, call: CallNo) {
        self.outputs.remove(&call);
    }

    fn begin(&mut self, turn: u32) {
        if turn != self.turn {
            self.turn = turn;
            self.forget();
            self.notice = Untrusted::default();
        }
    }

    fn forget(&mut self) {
        self.text = Untrusted::default();
        self.heard = 0;
        self.heard_since = None;
    }

    /// About how many tokens a second the model writes, once it has written for a second.
    pub fn tokens_per_second(&self, now: Timestamp) -> Option<u64> {
        let milliseconds = u64::try_from((now - self.heard_since?).num_milliseconds()).ok()?;
        (milliseconds >= 1_000).then(|| self.heard * 1_000 / Self::BYTES_OF_A_TOKEN / milliseconds)
    }
}

/// Appends, then drops whole characters from the front until it fits with room to spare, so that a long
/// stream is not copied at each piece.
fn append_tail(text: &mut Untrusted, piece: &Untrusted) {
    let mut joined = std::mem::take(text).into_raw();
    joined.push_str(piece.raw());
    if joined.len() > Live::MOST_BYTES {
        let mut cut = joined.len() - Live::MOST_BYTES * 3 / 4;
        while !joined.is_char_boundary(cut) {
            cut += 1;
        }
        joined.drain(..cut);
    }
    *text = Untrusted::from(joined);
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::RunId;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn token(turn: u32, text: &str) -> Delta {
        Delta { run: RunId(uuid::Uuid::nil()), kind: DeltaKind::Token { turn }, text: text.into() }
    }

    #[test]
    fn tokens_of_a_turn_add_up_and_a_new_turn_starts_afresh() {
        let mut live = Live::default();
        for (turn, text) in [(1, "a"), (1, "b"), (2, "c")] {
            live.push(&token(turn, text), AT);
        }
        assert_eq!((live.turn, live.text.raw()), (2, "c"));
    }

    #[test]
    fn an_answer_that_begins_again_does_not_follow_the_one_that_broke_off() {
        let mut live = Live::default();
        live.push(&token(1, "I will lo"), AT);
        live.push(&Delta { kind: DeltaKind::Notice { turn: 1 }, ..token(1, "broke off, next try in 1 s") }, AT);
        assert_eq!((live.text.raw(), live.notice.raw()), ("I will lo", "broke off, next try in 1 s"));
        live.push(&token(1, "I will"), AT);
        live.push(&token(1, " look"), AT);
        assert_eq!((live.text.raw(), live.notice.raw()), ("I will look", ""));
    }

    #[test]
    fn a_long_stream_keeps_its_end_within_bounds() {
        let mut live = Live::default();
        for _ in 0..5_000 {
            live.push(&token(1, "äöü line of words\n"), AT);
        }
        assert!(live.text.raw().len() <= Live::MOST_BYTES);
        assert!(live.text.raw().ends_with("line of words\n"));
    }

    #[test]
    fn the_rate_counts_from_the_first_words_of_an_answer() {
        let mut live = Live::default();
        live.push(&token(1, &"x".repeat(100)), AT);
        assert_eq!(live.tokens_per_second(AT + TimeDelta::milliseconds(999)), None);
        live.push(&token(1, &"x".repeat(300)), AT + TimeDelta::seconds(1));
        assert_eq!(live.tokens_per_second(AT + TimeDelta::seconds(2)), Some(50));
        live.push(&token(2, "x"), AT + TimeDelta::seconds(2));
        assert_eq!(live.tokens_per_second(AT + TimeDelta::seconds(2)), None);
    }
}

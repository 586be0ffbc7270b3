//! Tells which call each streamed piece belongs to. Servers number, name and cut their calls in many ways: some number
//! every call 0, some repeat name and id with each piece, some send all of the arguments so far each time.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::carried;
use super::chunk::CallPiece;
use crate::domain::{OVERLONG, RequestedCall};

/// Most calls taken from one answer.
pub(super) const MOST_CALLS: usize = 32;

/// Longest arguments of one call, in bytes.
pub(super) const LONGEST_ARGUMENTS: usize = 1024 * 1024;

/// How much of overlong arguments is kept for the model to recognise them by.
const KEPT_ARGUMENTS: usize = 512;

/// How often arguments may be wrapped in a JSON string.
const MOST_WRAPPINGS: usize = 3;

/// The calls of an answer in the making.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<CallInMaking>,
    /// Calls that began beyond [`MOST_CALLS`].
    dropped: usize,
}

#[derive(Debug, Default)]
struct CallInMaking {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: Arguments,
    carried: Map<String, Value>,
}

/// Arguments as they come: pieces to be joined, or each time all there is so far. Which it was shows at the end.
#[derive(Debug, Default)]
struct Arguments {
    joined: String,
    progress: Progress,
    /// The latest piece, as long as each began with the whole of the one before it.
    grown: Option<String>,
    overlong: bool,
}

/// How far a JSON text has come.
#[derive(Debug, Default)]
struct Progress {
    depth: usize,
    in_string: bool,
    escaped: bool,
    complete: bool,
}

impl Calls {
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub fn dropped(&self) -> usize {
        self.dropped
    }

    pub fn push(&mut self, piece: CallPiece) {
        let place = match self.place_of(&piece) {
            Some(place) => place,
            None if self.calls.len() < MOST_CALLS => {
                self.calls.push(CallInMaking { index: piece.index, ..CallInMaking::default() });
                self.calls.len() - 1
            }
            None => {
                let begins = !piece.function.name.is_empty() || !piece.id.is_empty();
                if begins {
                    self.dropped += 1;
                }
                return;
            }
        };
        if let Some(call) = self.calls.get_mut(place) {
            call.take(piece);
        }
    }

    /// The call a piece continues: the one with its index, or else the last; among several, the one with its id.
    fn place_of(&self, piece: &CallPiece) -> Option<usize> {
        let has_index = |call: &CallInMaking| piece.index.is_some() && call.index == piece.index;
        let is_known = self.calls.iter().any(has_index);
        let may_be_any = self.dropped == 0 && (piece.index.is_none() || piece.function.name.is_empty());
        let candidate = |call: &CallInMaking| if is_known { has_index(call) } else { may_be_any };
        let named = |call: &CallInMaking| candidate(call) && !piece.id.is_empty() && call.id == piece.id;
        let place = self.calls.iter().rposition(named).or_else(|| self.calls.iter().rposition(candidate))?;
        self.calls.get(place).filter(|call| call.is_continued_by(piece)).map(|_| place)
    }

    /// Ends the calls. `seed` is the request they answer: ids made for calls without one derive from it, so that
    /// they are unique in the conversation and the same when the exchange is replayed.
    pub fn finish(self, seed: &[u8]) -> (Vec<RequestedCall>, Vec<Map<String, Value>>) {
        let mut calls: Vec<RequestedCall> = Vec::with_capacity(self.calls.len());
        let mut carried = Vec::with_capacity(self.calls.len());
        for (place, call) in self.calls.into_iter().enumerate() {
            let taken = calls.iter().any(|earlier| earlier.provider_id == call.id);
            let provider_id = if call.id.is_empty() || taken { made_id(seed, place) } else { call.id };
            calls.push(RequestedCall { provider_id, tool: call.name, args: call.arguments.finish() });
            carried.push(call.carried);
        }
        (calls, carried)
    }
}

impl CallInMaking {
    fn is_continued_by(&self, piece: &CallPiece) -> bool {
        let (name, arguments) = (&piece.function.name, &piece.function.arguments);
        if name.is_empty() || self.name.is_empty() {
            return true;
        }
        if *name != self.name {
            return false;
        }
        let another_id = !piece.id.is_empty() && !self.id.is_empty() && piece.id != self.id;
        match self.arguments.state() {
            // Some servers make up a new id for every piece; only what opens an object can be the next call.
            State::Begun => !another_id || !arguments.trim_start().starts_with('{'),
            State::Nothing => !another_id,
            State::Complete if another_id => false,
            // The name once more and nothing else: told with each piece, or a call of its own without arguments.
            State::Complete if arguments.trim().is_empty() => piece.index.is_some() || !piece.id.is_empty(),
            State::Complete => !piece.id.is_empty() && self.arguments.is_repeated_by(arguments),
        }
    }

    fn take(&mut self, piece: CallPiece) {
        if self.id.is_empty() {
            self.id = piece.id;
        }
        if self.name.is_empty() {
            self.name = piece.function.name;
        }
        self.arguments.push(&piece.function.arguments);
        carried::add(&mut self.carried, piece.carried);
        if !piece.function.carried.is_empty() {
            let function = Value::Object(piece.function.carried);
            carried::add(&mut self.carried, Map::from_iter([("function".to_owned(), function)]));
        }
    }
}

enum State {
    Nothing,
    Begun,
    Complete,
}

impl Arguments {
    fn push(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        let grows = self.joined.is_empty() || self.grown.as_deref().is_some_and(|before| piece.starts_with(before));
        self.grown = grows.then(|| piece.to_owned()).filter(|piece| piece.len() <= LONGEST_ARGUMENTS);
        if self.joined.len() + piece.len() > LONGEST_ARGUMENTS {
            self.overlong = true;
        } else if !self.overlong {
            self.joined.push_str(piece);
            self.progress.feed(piece);
        }
        if self.joined.is_empty() {
            self.joined.push_str(&piece[..piece.floor_char_boundary(KEPT_ARGUMENTS)]);
        }
    }

    fn state(&self) -> State {
        let has_grown = || self.grown.as_ref().is_some_and(|grown| Progress::of(grown).complete);
        match self.progress.complete || has_grown() {
            true => State::Complete,
            false if self.joined.trim().is_empty() => State::Nothing,
            false => State::Begun,
        }
    }

    fn is_repeated_by(&self, piece: &str) -> bool {
        self.joined == piece || self.grown.as_deref() == Some(piece)
    }

    fn finish(self) -> Value {
        let grown = self.grown.as_deref().map(parse_arguments).filter(Value::is_object);
        if self.overlong {
            return grown.unwrap_or_else(|| overlong(&self.joined));
        }
        match parse_arguments(&self.joined) {
            arguments @ Value::Object(_) => arguments,
            text => grown.unwrap_or(text),
        }
    }
}

impl Progress {
    fn of(text: &str) -> Self {
        let mut progress = Self::default();
        progress.feed(text);
        progress
    }

    fn feed(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => {
                    self.in_string = !self.in_string;
                    self.complete = !self.in_string && self.depth == 0;
                }
                _ if self.in_string => {}
                b'{' | b'[' => {
                    self.depth += 1;
                    self.complete = false;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.complete = self.depth == 0;
                }
                _ => {}
            }
        }
    }
}

/// A JSON object, also one wrapped in JSON strings, or the raw text for the engine to complain about. No arguments at
/// all mean an empty object.
pub(super) fn parse_arguments(text: &str) -> Value {
    let mut inner = text.to_owned();
    for _ in 0..=MOST_WRAPPINGS {
        if inner.trim().is_empty() {
            return Value::Object(Map::new());
        }
        match serde_json::from_str(&inner) {
            Ok(Value::Object(arguments)) => return Value::Object(arguments),
            Ok(Value::Null) => return Value::Object(Map::new()),
            Ok(Value::String(unwrapped)) => inner = unwrapped,
            Ok(_) | Err(_) => break,
        }
    }
    Value::String(text.to_owned())
}

fn overlong(arguments: &str) -> Value {
    let kept = &arguments[..arguments.floor_char_boundary(KEPT_ARGUMENTS)];
    Value::String(format!("{kept}{OVERLONG}"))
}

/// An id for a call that came without one.
pub(super) fn made_id(seed: &[u8], place: usize) -> String {
    let digest = Sha256::new().chain_update(seed).chain_update(place.to_le_bytes()).finalize();
    format!("call_{}", hex::encode(&digest[..12]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Reply {
        calls: Vec<RequestedCall>,
        dropped: usize,
    }

    fn calls(pieces: &[Value]) -> Reply {
        let mut calls = Calls::default();
        pieces.iter().for_each(|piece| calls.push(serde_json::from_value(piece.clone()).unwrap()));
        let dropped = calls.dropped();
        Reply { calls: calls.finish(b"request").0, dropped }
    }

    /// Names and arguments of the calls that these pieces, each with its index, id, name and arguments, come to.
    fn made(pieces: &[(Value, Value, &str, &str)]) -> Vec<(String, Value)> {
        let piece = |(index, id, name, arguments): &(Value, Value, &str, &str)| json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}});
        let pieces: Vec<_> = pieces.iter().map(piece).collect();
        calls(&pieces).calls.into_iter().map(|call| (call.tool, call.args)).collect()
    }

    #[test]
    fn calls_interleaved_over_many_pieces_come_apart() {
        let reply = calls(&[
            json!({"index": 0, "id": "a", "type": "function", "function": {"name": "read_file", "arguments": ""}}),
            json!({"index": 1, "id": "b", "function": {"name": "search", "arguments": "{\"pat"}}),
            json!({"index": 0, "function": {"arguments": "{\"path\":"}}),
            json!({"index": 1, "id": null, "function": {"name": null, "arguments": "tern\":\"x\"}"}}),
            json!({"index": 0, "id": "", "function": {"arguments": "\"a\"}"}}),
        ]);
        assert_eq!(reply.calls[0], call("a", "read_file", json!({"path": "a"})));
        assert_eq!(reply.calls[1], call("b", "search", json!({"pattern": "x"})));
    }

    #[test]
    fn whole_calls_that_are_all_numbered_zero_stay_apart() {
        let reply = calls(&[
            json!({"index": 0, "id": "a", "function": {"name": "git_log", "arguments": "{}"}}),
            json!({"index": 0, "id": "b", "function": {"name": "git_diff", "arguments": {}}}),
        ]);
        assert_eq!(reply.calls, [call("a", "git_log", json!({})), call("b", "git_diff", json!({}))]);
    }

    #[test]
    fn calls_without_index_and_id_are_told_apart_by_name_and_get_ids() {
        let reply = calls(&[
            json!({"function": {"name": "git_log", "arguments": "{\"n\""}}),
            json!({"function": {"arguments": ":1}"}}),
            json!({"function": {"name": "git_log"}}),
        ]);
        assert_eq!(reply.calls.len(), 2);
        assert_eq!(reply.calls[0].args, json!({"n": 1}));
        assert_ne!(reply.calls[0].provider_id, reply.calls[1].provider_id);
        assert!(reply.calls.iter().all(|call| call.provider_id.starts_with("call_")));
    }

    #[test]
    fn arguments_that_are_no_object_stay_text() {
        let reply = calls(&[json!({"index": 0, "id": "a", "function": {"name": "x", "arguments": "[1, 2"}})]);
        assert_eq!(reply.calls[0].args, json!("[1, 2"));
        assert_eq!(parse_arguments("[1]"), json!("[1]"));
    }

    #[test]
    fn calls_and_arguments_beyond_the_limits_are_cut_and_counted() {
        let pieces: Vec<_> = (0..40)
            .map(|index| json!({"index": index, "id": format!("c{index}"), "function": {"name": "x"}}))
            .collect();
        let reply = calls(&pieces);
        assert_eq!((reply.calls.len(), reply.dropped), (MOST_CALLS, 8));

        let long = "x".repeat(LONGEST_ARGUMENTS / 2 + 1);
        let piece = json!({"index": 0, "id": "a", "function": {"name": "write_file", "arguments": long}});
        let reply = calls(&[piece.clone(), piece]);
        let Value::String(kept) = &reply.calls[0].args else { panic!("not text") };
        assert!(kept.len() < 1_000 && kept.ends_with(OVERLONG));
    }

    fn call(id: &str, tool: &str, args: Value) -> RequestedCall {
        RequestedCall { provider_id: id.to_owned(), tool: tool.to_owned(), args }
    }

    #[test]
    fn whole_calls_with_one_index_come_apart_whatever_their_ids() {
        let two = [("read_file".to_owned(), json!({"path": "a"})), ("read_file".to_owned(), json!({"path": "b"}))];
        let (a, b) = (r#"{"path":"a"}"#, r#"{"path":"b"}"#);
        for id in [json!(null), json!(""), json!("same")] {
            for index in [json!(0), json!("0"), json!(null)] {
                let pieces = [(index.clone(), id.clone(), "read_file", a), (index.clone(), id.clone(), "read_file", b)];
                assert_eq!(made(&pieces), two, "{index} {id}");
            }
        }
        let streamed = [
            (json!(0), json!("same"), "read_file", ""),
            (json!(0), json!("same"), "", a),
            (json!(0), json!("same"), "read_file", ""),
            (json!(0), json!("same"), "read_file", "{\"path\""),
            (json!(0), json!("same"), "", ":\"b\"}"),
        ];
        assert_eq!(made(&streamed), two);
        let other = [(json!(0), json!(null), "git_log", ""), (json!(0), json!(null), "git_diff", "")];
        assert_eq!(made(&other), [("git_log".to_owned(), json!({})), ("git_diff".to_owned(), json!({}))]);
    }

    #[test]
    fn names_and_ids_repeated_with_every_piece_are_one_call() {
        let one = [("read_file".to_owned(), json!({"path": "a"}))];
        for index in [json!(0), json!("0"), json!(null)] {
            for ids in [["a", "a", "a"], ["", "", ""], ["a", "b", "c"]] {
                let piece = |at: usize, part| (index.clone(), json!(ids[at]), "read_file", part);
                assert_eq!(made(&[piece(0, "{\"pa"), piece(1, "th\":\"a"), piece(2, "\"}")]), one, "{index} {ids:?}");
            }
        }
        let piece = |id: &str, name, part| (json!(0), json!(id), name, part);
        assert_eq!(made(&[piece("a", "read_file", r#"{"path":"a"}"#), piece("a", "read_file", "")]), one);
        let again = piece("a", "read_file", r#"{"path":"a"}"#);
        assert_eq!(made(&[again.clone(), again]), one);
        assert_eq!(made(&[piece("a", "read_file", "{\"path\""), piece("x", "", ":\"a\"}")]), one);
    }

    #[test]
    fn arguments_told_from_the_beginning_each_time_are_told_once() {
        let piece = |name, part| (json!(0), json!("a"), name, part);
        let parts = ["{", "{\"path\"", "{\"path\":\"a", "{\"path\":\"a\"}", "{\"path\":\"a\"}"];
        let pieces: Vec<_> = parts.into_iter().map(|part| piece("read_file", part)).collect();
        assert_eq!(made(&pieces), [("read_file".to_owned(), json!({"path": "a"}))]);
    }

    #[test]
    fn pieces_without_an_index_follow_their_id() {
        let none = json!(null);
        let pieces = [
            (none.clone(), json!("a"), "git_log", "{\"n\""),
            (none.clone(), json!("b"), "git_diff", "{\"m\""),
            (none.clone(), json!("a"), "", ":1}"),
            (none, json!("b"), "", ":2}"),
        ];
        assert_eq!(made(&pieces), [("git_log".to_owned(), json!({"n": 1})), ("git_diff".to_owned(), json!({"m": 2}))]);
    }

    #[test]
    fn arguments_wrapped_in_strings_are_unwrapped() {
        let mut wrapped = r#"{"path":"a \"b\""}"#.to_owned();
        for _ in 0..MOST_WRAPPINGS {
            wrapped = json!(wrapped).to_string();
            assert_eq!(parse_arguments(&wrapped), json!({"path": "a \"b\""}), "{wrapped}");
        }
        assert_eq!(parse_arguments("null"), json!({}));
        assert_eq!(parse_arguments(r#""""#), json!({}));
        assert_eq!(parse_arguments(r#""words""#), json!(r#""words""#));
    }
}

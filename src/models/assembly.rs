//! Adds up the pieces of a streamed answer. Pure: no clock, no network, and bounded whatever the server sends.

use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;

use super::chunk::CallPiece;
use super::chunk::Chunk;
use super::chunk::WireUsage;
use crate::domain::FinishReason;
use crate::domain::RequestedCall;
use crate::domain::Usage;

/// Most calls taken from one answer.
pub(super) const MOST_CALLS: usize = 32;

/// Longest arguments of one call, in bytes.
pub(super) const LONGEST_ARGUMENTS: usize = 1024 * 1024;

/// How much of overlong arguments is kept for the model to recognise them by.
const KEPT_ARGUMENTS: usize = 512;

/// An answer in the making.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    text: String,
    refusal: String,
    calls: Vec<CallInMaking>,
    /// Calls that began beyond [`MOST_CALLS`].
    dropped: usize,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
}

#[derive(Debug, Default)]
struct CallInMaking {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    overlong: bool,
}

/// What an answer adds up to.
#[derive(Debug, PartialEq)]
pub(super) struct Assembled {
    pub text: String,
    pub refusal: Option<String>,
    pub calls: Vec<RequestedCall>,
    pub finish: FinishReason,
    pub usage: Option<Usage>,
    /// How many calls were left out because there were too many.
    pub dropped: usize,
}

impl Assembly {
    /// Takes one piece; gives back the text it adds, which may be empty.
    pub fn push(&mut self, chunk: Chunk) -> String {
        if let Some(WireUsage { prompt_tokens, completion_tokens, prompt_tokens_details }) = chunk.usage {
            let cached = prompt_tokens_details.cached_tokens.min(prompt_tokens);
            self.usage = Some(Usage { input: prompt_tokens, cached, output: completion_tokens });
        }
        let mut added = String::new();
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            added.push_str(&choice.delta.content);
            self.refusal.push_str(&choice.delta.refusal);
            for piece in choice.delta.tool_calls {
                self.push_call(piece);
            }
            if let Some(reason) = choice.finish_reason {
                self.finish = Some(finish_reason(&reason));
            }
        }
        self.text.push_str(&added);
        added
    }

    /// Whether the server said that the answer is complete.
    pub fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Whether there is anything at all in it.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.refusal.is_empty() && self.calls.is_empty()
    }

    /// Ends the answer. `seed` is the request it answers: ids made for calls without one derive from it, so
    /// that they are unique in the conversation and the same when the exchange is replayed.
    pub fn finish(self, seed: &[u8]) -> Assembled {
        let mut calls: Vec<RequestedCall> = Vec::with_capacity(self.calls.len());
        for (place, call) in self.calls.into_iter().enumerate() {
            let taken = calls.iter().any(|earlier| earlier.provider_id == call.id);
            let provider_id = if call.id.is_empty() || taken { made_id(seed, place) } else { call.id };
            let args = if call.overlong { overlong(&call.arguments) } else { parse_arguments(&call.arguments) };
            calls.push(RequestedCall { provider_id, tool: call.name, args });
        }
        // Several servers say `stop` after tool calls, and a few say nothing.
        let finish = match self.finish {
            Some(FinishReason::Stop) | None if !calls.is_empty() => FinishReason::ToolCalls,
            Some(reason) => reason,
            None => FinishReason::Stop,
        };
        Assembled {
            text: self.text,
            refusal: Some(self.refusal).filter(|refusal| !refusal.is_empty()),
            calls,
            finish,
            usage: self.usage,
            dropped: self.dropped,
        }
    }

    fn push_call(&mut self, piece: CallPiece) {
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
        let Some(call) = self.calls.get_mut(place) else { return };
        if call.id.is_empty() {
            call.id = piece.id;
        }
        if call.name.is_empty() {
            call.name = piece.function.name;
        }
        if call.arguments.len() + piece.function.arguments.len() > LONGEST_ARGUMENTS {
            call.overlong = true;
        } else if !call.overlong {
            call.arguments.push_str(&piece.function.arguments);
        }
    }

    /// The call a piece continues. Same index means same call, unless it comes with another id: some servers
    /// number every call 0. Without an index, a piece without a new id or name continues the last call.
    fn place_of(&self, piece: &CallPiece) -> Option<usize> {
        let newest = match piece.index {
            Some(index) => self.calls.iter().rposition(|call| call.index == Some(index)),
            None if self.dropped > 0 => None,
            None => self.calls.len().checked_sub(1),
        }?;
        let call = self.calls.get(newest)?;
        let another_id = !piece.id.is_empty() && !call.id.is_empty() && piece.id != call.id;
        let another_name = piece.index.is_none() && piece.id.is_empty() && !piece.function.name.is_empty();
        (!another_id && !another_name).then_some(newest)
    }
}

/// The reason in the protocol's words, and in those of servers that have their own.
fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "tool_calls" | "function_call" | "tool_use" => FinishReason::ToolCalls,
        "length" | "max_tokens" => FinishReason::Length,
        "content_filter" | "safety" => FinishReason::Filtered,
        _ => FinishReason::Stop,
    }
}

/// A JSON object, or the raw text for the engine to complain about. No arguments at all mean an empty object.
pub(super) fn parse_arguments(text: &str) -> Value {
    if text.trim().is_empty() {
        return Value::Object(serde_json::Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(arguments)) => Value::Object(arguments),
        Ok(_) | Err(_) => Value::String(text.to_owned()),
    }
}

fn overlong(arguments: &str) -> Value {
    let kept = &arguments[..arguments.floor_char_boundary(KEPT_ARGUMENTS)];
    Value::String(format!("{kept}… (cut: arguments of one call are at most {LONGEST_ARGUMENTS} bytes)"))
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

    fn assemble(chunks: &[Value]) -> Assembled {
        let mut assembly = Assembly::default();
        for chunk in chunks {
            assembly.push(serde_json::from_value(chunk.clone()).unwrap());
        }
        assembly.finish(b"request")
    }

    fn calls(pieces: &[Value]) -> Assembled {
        let chunks: Vec<_> =
            pieces.iter().map(|piece| json!({"choices": [{"delta": {"tool_calls": [piece]}}]})).collect();
        assemble(&chunks)
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
        assert_eq!(reply.finish, FinishReason::ToolCalls);
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
        assert!(kept.len() < 1_000 && kept.contains("at most 1048576 bytes"));
    }

    #[test]
    fn nulls_extras_and_part_lists_are_tolerated() {
        let reply = assemble(&[
            json!({"id": null, "choices": null, "usage": null, "x_extra": {"deep": [1]}}),
            json!({"choices": [{"index": null, "delta": {"role": "assistant", "content": null, "refusal": null}}]}),
            json!({"choices": [{"delta": {"content": [{"type": "text", "text": "hel"}], "tool_calls": null}}]}),
            json!({"choices": [{"delta": {"content": "lo"}, "finish_reason": "length"}]}),
            json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": null}}),
        ]);
        assert_eq!((reply.text.as_str(), reply.finish), ("hello", FinishReason::Length));
        assert_eq!(reply.usage, Some(Usage { input: 5, cached: 0, output: 2 }));
    }

    #[test]
    fn a_whole_message_from_a_server_that_does_not_stream_is_one_piece() {
        let reply = assemble(&[json!({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]})]);
        assert_eq!((reply.text.as_str(), reply.finish), ("hi", FinishReason::Stop));
    }

    fn call(id: &str, tool: &str, args: Value) -> RequestedCall {
        RequestedCall { provider_id: id.to_owned(), tool: tool.to_owned(), args }
    }
}

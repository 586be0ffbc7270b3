//! Adds up the pieces of a streamed answer. Pure: no clock, no network, and bounded whatever the server sends.

use serde_json::{Map, Value};

use super::calls::Calls;
use super::carried;
use super::chunk::{Chunk, WireUsage};
use crate::domain::{FinishReason, RequestedCall, Usage};

/// An answer in the making.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    text: String,
    refusal: String,
    calls: Calls,
    /// Fields of the message that are not the protocol's.
    carried: Map<String, Value>,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
}

/// What an answer adds up to.
#[derive(Debug, PartialEq)]
pub(super) struct Assembled {
    pub text: String,
    pub refusal: Option<String>,
    pub calls: Vec<RequestedCall>,
    /// Fields of the message and of each call that are not the protocol's.
    pub carried: Map<String, Value>,
    pub carried_by_calls: Vec<Map<String, Value>>,
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
        for choice in chunk.choices.into_iter().filter(|choice| choice.index.unwrap_or(0) == 0) {
            if let Some(reason) = choice.finish_reason.as_deref().filter(|reason| !reason.is_empty()) {
                self.finish = Some(finish_reason(reason));
            }
            let piece = choice.piece();
            added.push_str(&piece.content);
            self.refusal.push_str(&piece.refusal);
            piece.tool_calls.into_iter().for_each(|piece| self.calls.push(piece));
            carried::add(&mut self.carried, piece.carried);
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
        let dropped = self.calls.dropped();
        let (calls, carried_by_calls) = self.calls.finish(seed);
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
            carried: self.carried,
            carried_by_calls,
            finish,
            usage: self.usage,
            dropped,
        }
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
}

//! Fields of an answer that are not the protocol's: adds them up as they stream, and says which are kept.
//!
//! What they mean is the server's business. All that is known here is how pieces of such fields come: words in parts,
//! everything else whole.

use serde_json::{Map, Value};

use crate::domain::Carried;

/// Fields of a message that are the protocol's own, or that a server tells and never wants back.
const NOT_CARRIED: [&str; 7] = ["role", "name", "index", "type", "function_call", "audio", "annotations"];

/// Members whose words come in parts, so that even a part that repeats another is more of them.
const WORDS: [&str; 7] = ["reasoning_content", "reasoning", "thinking", "thought", "text", "summary", "content"];

/// Members that say what something is; they come with every part and are no part themselves.
const NAMES: [&str; 8] = ["type", "id", "format", "role", "model", "object", "status", "name"];

/// Most bytes of such fields that one answer may bring.
const MOST_BYTES: usize = 1024 * 1024;

/// What is kept of an answer's fields for the one that sent them; how many bytes they are, if that is too many.
pub(super) fn kept(
    sender: &str,
    message: Map<String, Value>,
    calls: Vec<Map<String, Value>>,
) -> Result<Option<Carried>, usize> {
    if message.is_empty() && calls.iter().all(Map::is_empty) {
        return Ok(None);
    }
    let calls = calls.into_iter().map(Value::Object).collect();
    let carried = Carried { sender: sender.to_owned(), message: Value::Object(message), calls };
    let bytes = serde_json::to_vec(&carried).map_or(usize::MAX, |json| json.len());
    if bytes > MOST_BYTES { Err(bytes) } else { Ok(Some(carried)) }
}

/// Adds a piece's fields to what came before.
pub(super) fn add(all: &mut Map<String, Value>, piece: Map<String, Value>) {
    for (name, value) in piece {
        if !value.is_null() && !NOT_CARRIED.contains(&name.as_str()) {
            add_member(all, name, value);
        }
    }
}

fn add_member(all: &mut Map<String, Value>, name: String, value: Value) {
    match all.get_mut(&name) {
        None => {
            all.insert(name, value);
        }
        Some(before) => combine(&name, before, value),
    }
}

fn combine(name: &str, before: &mut Value, value: Value) {
    match (before, value) {
        (_, Value::Null) => {}
        (Value::String(before), Value::String(more)) => {
            let is_repeated = *before == more || NAMES.contains(&name);
            if before.is_empty() || WORDS.contains(&name) || !is_repeated {
                before.push_str(&more);
            }
        }
        (Value::Object(before), Value::Object(more)) => {
            more.into_iter().for_each(|(name, value)| add_member(before, name, value));
        }
        (Value::Array(before), Value::Array(more)) => more.into_iter().for_each(|item| add_item(before, item)),
        (before, value) => *before = value,
    }
}

/// An item of a list continues the one with its index; without one, the last, as long as that is open.
fn add_item(items: &mut Vec<Value>, item: Value) {
    let kind = item.get("type");
    let continued = match item.get("index").filter(|index| !index.is_null()) {
        Some(index) => items.iter_mut().rev().find(|one| one.get("index") == Some(index) && one.get("type") == kind),
        None => items.last_mut().filter(|one| one.get("type") == kind && is_open(one) && goes_on(&item)),
    };
    match continued {
        Some(before) => combine("", before, item),
        None => items.push(item),
    }
}

/// A signature closes what it signs.
fn is_open(item: &Value) -> bool {
    has_words(item) && item.get("signature").and_then(Value::as_str).is_none_or(str::is_empty)
}

fn goes_on(item: &Value) -> bool {
    has_words(item) || item.get("signature").is_some_and(Value::is_string)
}

fn has_words(item: &Value) -> bool {
    WORDS.iter().any(|name| item.get(name).is_some_and(Value::is_string))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn added(pieces: &[Value]) -> Value {
        let mut all = Map::new();
        for piece in pieces {
            add(&mut all, piece.as_object().unwrap().clone());
        }
        Value::Object(all)
    }

    #[test]
    fn words_add_up_and_names_stay() {
        let pieces = [
            json!({"role": "assistant", "reasoning_content": null, "channel": "analysis"}),
            json!({"reasoning_content": "ha", "reasoning": "", "channel": "analysis"}),
            json!({"reasoning_content": "ha", "annotations": []}),
        ];
        let expected = json!({"channel": "analysis", "reasoning": "", "reasoning_content": "haha"});
        assert_eq!(added(&pieces), expected);
    }

    #[test]
    fn details_with_an_index_come_together_and_keep_their_signatures() {
        let detail = |index: u32, text: &str, signature: Value| json!({"reasoning_details": [{"type": "reasoning.text", "id": "r", "index": index, "text": text, "signature": signature}]});
        let pieces = [detail(0, "a", json!(null)), detail(0, "b", json!("s")), detail(1, "c", json!(null))];
        let expected = json!([
            {"type": "reasoning.text", "id": "r", "index": 0, "text": "ab", "signature": "s"},
            {"type": "reasoning.text", "id": "r", "index": 1, "text": "c", "signature": null},
        ]);
        assert_eq!(added(&pieces)["reasoning_details"], expected);
    }

    #[test]
    fn blocks_without_an_index_end_with_their_signature() {
        let block = |block: Value| json!({"thinking_blocks": [block]});
        let pieces = [
            block(json!({"type": "thinking", "thinking": "a"})),
            block(json!({"type": "thinking", "thinking": "b"})),
            block(json!({"type": "thinking", "thinking": "", "signature": "s"})),
            block(json!({"type": "thinking", "thinking": "c"})),
            block(json!({"type": "redacted_thinking", "data": "x"})),
            block(json!({"type": "redacted_thinking", "data": "y"})),
        ];
        let expected = json!([
            {"type": "thinking", "thinking": "ab", "signature": "s"},
            {"type": "thinking", "thinking": "c"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "redacted_thinking", "data": "y"},
        ]);
        assert_eq!(added(&pieces)["thinking_blocks"], expected);
    }

    #[test]
    fn what_is_nested_is_kept_whole() {
        let piece = json!({"extra_content": {"google": {"thought_signature": "abc=="}}});
        assert_eq!(added(&[piece.clone(), piece.clone()]), piece);
    }
}

//! What was said before, in a form every server takes. Models invent names and ids that a strict server refuses, and
//! then it refuses the conversation for ever; the log keeps them as they came.

use std::collections::BTreeSet;

use super::calls::made_id;
use crate::domain::{Carried, Message, RequestedCall};

/// Longest name of a tool or a schema, by the protocol.
const LONGEST_NAME: usize = 64;
/// Longest id of a call that the strictest server takes.
const LONGEST_ID: usize = 40;

/// Whether some of it belongs to `sender` alone.
pub(super) fn carries(messages: &[Message], sender: &str) -> bool {
    messages
        .iter()
        .any(|message| matches!(message, Message::Assistant { carried: Some(carried), .. } if carried.sender == sender))
}

/// The conversation for a server: names and ids are valid, each call has exactly one result right behind it, and
/// nothing is empty. What was carried stays with `sender` and is left out for anybody else.
pub(super) fn fitted(messages: &[Message], sender: Option<&str>) -> Vec<Message> {
    let mut fitting = Fitting::default();
    for message in messages {
        match message {
            Message::System(text) if !text.trim().is_empty() => fitting.push(Message::System(text.clone())),
            Message::User(text) if !text.trim().is_empty() => fitting.push(Message::User(text.clone())),
            Message::System(_) | Message::User(_) => {}
            Message::Assistant { text, calls, carried } => {
                let carried = carried.as_ref().filter(|carried| Some(carried.sender.as_str()) == sender);
                fitting.say(text, calls, carried.cloned());
            }
            Message::Tool { provider_id, tool, text } => fitting.answer(provider_id, tool, text),
        }
    }
    fitting.close();
    fitting.messages
}

/// Letters, digits, `_` and `-`, at most 64: what the protocol takes for a name.
pub(super) fn protocol_name(name: &str, otherwise: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let name: String = name.chars().map(allowed).take(LONGEST_NAME).collect();
    if name.is_empty() { otherwise.to_owned() } else { name }
}

#[derive(Default)]
struct Fitting {
    messages: Vec<Message>,
    ids: BTreeSet<String>,
    /// Calls without a result so far: the id that was given, the one that is sent, and the tool.
    open: Vec<(String, String, String)>,
}

impl Fitting {
    fn push(&mut self, message: Message) {
        self.close();
        self.messages.push(message);
    }

    fn say(&mut self, text: &str, calls: &[RequestedCall], carried: Option<Carried>) {
        self.close();
        let text = if text.trim().is_empty() { String::new() } else { text.to_owned() };
        if text.is_empty() && calls.is_empty() {
            return;
        }
        let calls = calls.iter().map(|call| self.call(call)).collect();
        self.messages.push(Message::Assistant { text, calls, carried });
    }

    fn call(&mut self, call: &RequestedCall) -> RequestedCall {
        let (provider_id, tool) = (self.id(&call.provider_id), tool_name(&call.tool));
        self.open.push((call.provider_id.clone(), provider_id.clone(), tool.clone()));
        RequestedCall { provider_id, tool, args: call.args.clone() }
    }

    /// The id itself where it is valid and new; else one that comes out the same each time.
    fn id(&mut self, given: &str) -> String {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        let is_valid = !given.is_empty() && given.len() <= LONGEST_ID && given.chars().all(allowed);
        let made = (self.ids.len()..).map(|place| made_id(given.as_bytes(), place));
        let mut ids = is_valid.then(|| given.to_owned()).into_iter().chain(made).filter(|id| !self.ids.contains(id));
        let id = ids.next().unwrap_or_default();
        drop(ids);
        self.ids.insert(id.clone());
        id
    }

    fn answer(&mut self, given: &str, tool: &str, text: &str) {
        let place = self.open.iter().position(|(id, ..)| id == given);
        let text = if text.trim().is_empty() { "(nothing)".to_owned() } else { text.to_owned() };
        match place.map(|place| self.open.remove(place)) {
            Some((_, provider_id, tool)) => self.messages.push(Message::Tool { provider_id, tool, text }),
            None => self.push(Message::User(format!("Result of {tool}:\n{text}"))),
        }
    }

    /// A call that nothing is known of any more has a result all the same.
    fn close(&mut self) {
        let unanswered = |(_, provider_id, tool)| {
            let text = "not done: the run went on without it".to_owned();
            Message::Tool { provider_id, tool, text }
        };
        self.messages.extend(self.open.drain(..).map(unanswered));
    }
}

fn tool_name(name: &str) -> String {
    protocol_name(name.trim(), "unnamed")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(id: &str, tool: &str) -> RequestedCall {
        RequestedCall { provider_id: id.to_owned(), tool: tool.to_owned(), args: json!({}) }
    }

    fn says(text: &str, calls: &[RequestedCall]) -> Message {
        Message::Assistant { text: text.to_owned(), calls: calls.to_vec(), carried: None }
    }

    fn result(id: &str, text: &str) -> Message {
        Message::Tool { provider_id: id.to_owned(), tool: "t".to_owned(), text: text.to_owned() }
    }

    type Pairs = Vec<(String, String)>;

    /// Names and ids of the calls, and ids and texts of the results, in order.
    fn calls_and_results(messages: &[Message]) -> (Pairs, Pairs) {
        let (mut calls, mut results) = (Vec::new(), Vec::new());
        for message in messages {
            match message {
                Message::Assistant { calls: made, .. } => {
                    calls.extend(made.iter().map(|call| (call.tool.clone(), call.provider_id.clone())));
                }
                Message::Tool { provider_id, text, .. } => results.push((provider_id.clone(), text.clone())),
                Message::System(_) | Message::User(_) => {}
            }
        }
        (calls, results)
    }

    #[test]
    fn whatever_a_model_made_up_goes_back_valid_and_answered_once() {
        let (long, odd) = ("x".repeat(90), "ünï cödé \u{1b}\n");
        let ids = ["", "", "same", "same", long.as_str(), long.as_str(), odd, "functions.a:0"];
        let names = ["functions.read_file", "", " read file ", "ж", long.as_str(), "a/b", "ok-1_x", "\0"];
        let made: Vec<_> = ids.iter().zip(names).map(|(id, name)| call(id, name)).collect();
        let mut messages = vec![Message::User("Go.".to_owned()), says("", &made)];
        messages.extend(ids.iter().enumerate().map(|(at, id)| result(id, &format!("{at}"))));
        messages.extend([says("", &made[2..3]), result("same", "again"), says(" \n", &[])]);
        let fitted = fitted(&messages, None);
        let (calls, results) = calls_and_results(&fitted);
        assert_eq!(calls.len(), 9);
        for (name, id) in &calls {
            assert!(name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)), "{name}");
            assert!(!name.is_empty() && !id.is_empty() && id.len() <= LONGEST_ID && id.is_ascii(), "{id}");
        }
        let unique: BTreeSet<_> = calls.iter().map(|(_, id)| id).collect();
        assert_eq!(unique.len(), calls.len());
        assert_eq!(
            calls.iter().map(|(_, id)| id).collect::<Vec<_>>(),
            results.iter().map(|(id, _)| id).collect::<Vec<_>>()
        );
        let texts: Vec<_> = results.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["0", "1", "2", "3", "4", "5", "6", "7", "again"]);
        assert_eq!((calls[2].1.as_str(), calls[7].1.as_str()), ("same", "functions.a:0"));
        assert_eq!(super::fitted(&messages, None), fitted);
    }

    #[test]
    fn missing_and_surplus_results_are_mended() {
        let messages = [says("", &[call("a", "t"), call("b", "t")]), result("b", " "), result("b", "twice")];
        let fitted = fitted(&messages, None);
        let expected = [
            result("b", "(nothing)"),
            result("a", "not done: the run went on without it"),
            Message::User("Result of t:\ntwice".to_owned()),
        ];
        assert_eq!(fitted[1..], expected);
    }

    #[test]
    fn what_was_carried_stays_with_its_sender() {
        let carried = Carried { sender: "me".to_owned(), message: json!({"reasoning": "x"}), calls: Vec::new() };
        let message = Message::Assistant { text: "t".to_owned(), calls: Vec::new(), carried: Some(carried) };
        let sent = |sender| fitted(std::slice::from_ref(&message), sender);
        assert_eq!(sent(Some("me")), std::slice::from_ref(&message));
        assert_eq!(sent(Some("you")), [says("t", &[])]);
        assert_eq!(sent(None), [says("t", &[])]);
        assert!(carries(std::slice::from_ref(&message), "me") && !carries(&[message], "you"));
    }
}

//! One answer of a scripted model, from what it says to the bytes that say it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Answer, Ending};

/// One answer.
#[derive(Clone)]
pub struct Turn(Form);

#[derive(Clone)]
enum Form {
    Reply(Reply),
    Raw(Answer),
    Computed(Arc<dyn Fn(&Value) -> Turn + Send + Sync>),
}

#[derive(Clone, Debug)]
struct Reply {
    text: String,
    refusal: String,
    /// Name and the text of the arguments.
    calls: Vec<(String, String)>,
    finish: Option<String>,
    usage: Option<Value>,
    ids: Ids,
    closing: Closing,
    bytes_per_write: Option<usize>,
    keep_bytes: Option<usize>,
    ending: Ending,
    form: ReplyForm,
    wait: Duration,
}

/// How tool calls are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Index in each piece, id in the first, as published.
    First,
    /// Each call whole in one piece.
    Whole,
    /// Neither index nor id.
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    Done,
    NoDone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReplyForm {
    Stream,
    /// One JSON document, from a server that ignores `stream`.
    Document,
}

impl Turn {
    /// An answer in words.
    pub fn text(text: &str) -> Self {
        Self(Form::Reply(Reply {
            text: text.to_owned(),
            refusal: String::new(),
            calls: Vec::new(),
            finish: None,
            usage: Some(json!({ "prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30 })),
            ids: Ids::First,
            closing: Closing::Done,
            bytes_per_write: None,
            keep_bytes: None,
            ending: Ending::Complete,
            form: ReplyForm::Stream,
            wait: Duration::ZERO,
        }))
    }

    /// An answer that calls a tool.
    pub fn calling(tool: &str, args: Value) -> Self {
        Self::text("").call(tool, args)
    }

    /// An answer made from the request.
    pub fn computed(compute: impl Fn(&Value) -> Self + Send + Sync + 'static) -> Self {
        Self(Form::Computed(Arc::new(compute)))
    }

    /// An error in the protocol's form.
    pub fn error(status: u16, message: &str) -> Self {
        let body = json!({ "error": { "message": message, "type": "scripted_error", "param": null, "code": null } });
        Self(Form::Raw(Answer::document(status, body.to_string().into_bytes())))
    }

    /// An answer with a body of any sort.
    pub fn raw(status: u16, content_type: &str, body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let pieces = vec![body.as_bytes().to_vec()];
        Self(Form::Raw(Answer { status, headers, pieces, ending: Ending::Complete, wait: Duration::ZERO }))
    }

    /// The request is taken and never answered.
    pub fn silence() -> Self {
        Self::text("").silent_after(0)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Form::Raw(answer) = &mut self.0 {
            answer.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// One more call in the same answer.
    pub fn call(self, tool: &str, args: Value) -> Self {
        self.call_with(tool, &args.to_string())
    }

    /// A call whose arguments are any text.
    pub fn call_with(self, tool: &str, args: &str) -> Self {
        self.with(|reply| reply.calls.push((tool.to_owned(), args.to_owned())))
    }

    pub fn refusing(self, refusal: &str) -> Self {
        self.with(|reply| reply.refusal = refusal.to_owned())
    }

    pub fn finish(self, reason: &str) -> Self {
        self.with(|reply| reply.finish = Some(reason.to_owned()))
    }

    pub fn usage(self, input: u64, cached: u64, output: u64) -> Self {
        let details = json!({ "cached_tokens": cached });
        let usage = json!({ "prompt_tokens": input, "completion_tokens": output, "prompt_tokens_details": details });
        self.with(|reply| reply.usage = Some(usage))
    }

    pub fn without_usage(self) -> Self {
        self.with(|reply| reply.usage = None)
    }

    pub fn without_done(self) -> Self {
        self.with(|reply| reply.closing = Closing::NoDone)
    }

    pub fn ids(self, ids: Ids) -> Self {
        self.with(|reply| reply.ids = ids)
    }

    /// Written so many bytes at a time, wherever that cuts.
    pub fn in_pieces_of(self, bytes: usize) -> Self {
        self.with(|reply| reply.bytes_per_write = Some(bytes))
    }

    /// The connection breaks after so many bytes.
    pub fn cut_after(self, bytes: usize) -> Self {
        self.with(|reply| (reply.keep_bytes, reply.ending) = (Some(bytes), Ending::Cut))
    }

    /// The connection ends after so many bytes, as if that were all.
    pub fn ended_after(self, bytes: usize) -> Self {
        self.with(|reply| (reply.keep_bytes, reply.ending) = (Some(bytes), Ending::QuietClose))
    }

    /// Nothing comes after so many bytes, and the connection stays open.
    pub fn silent_after(self, bytes: usize) -> Self {
        self.with(|reply| (reply.keep_bytes, reply.ending) = (Some(bytes), Ending::Silence))
    }

    /// Begins so much later.
    pub fn after(self, wait: Duration) -> Self {
        self.with(|reply| reply.wait = wait)
    }

    /// All in one JSON document instead of a stream.
    pub fn in_one_document(self) -> Self {
        self.with(|reply| reply.form = ReplyForm::Document)
    }

    /// What the reply would be as bytes of an event stream.
    pub fn stream_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Form::Reply(reply) => reply.events().concat(),
            Form::Raw(_) | Form::Computed(_) => panic!("only a reply is a stream"),
        }
    }

    pub(super) fn resolved(self, request: &Value) -> Self {
        match &self.0 {
            Form::Computed(compute) => compute(request).resolved(request),
            Form::Reply(_) | Form::Raw(_) => self,
        }
    }

    /// The response; usage is left out when the request does not ask for it.
    pub(super) fn wire(&self, request: &Value) -> Answer {
        match &self.0 {
            Form::Reply(reply) => {
                let mut reply = reply.clone();
                if reply.form == ReplyForm::Stream && request["stream_options"]["include_usage"] != json!(true) {
                    reply.usage = None;
                }
                reply.wire()
            }
            Form::Raw(answer) => answer.clone(),
            Form::Computed(_) => panic!("a computed turn is resolved first"),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Reply)) -> Self {
        if let Form::Reply(reply) = &mut self.0 {
            change(reply);
        }
        self
    }
}

impl Reply {
    fn wire(&self) -> Answer {
        if self.form == ReplyForm::Document {
            return Answer::document(200, self.document().to_string().into_bytes());
        }
        let mut pieces = self.events();
        if let Some(keep) = self.keep_bytes {
            pieces = vec![pieces.concat().into_iter().take(keep).collect()];
        }
        if let Some(size) = self.bytes_per_write {
            pieces = pieces.concat().chunks(size).map(<[u8]>::to_vec).collect();
        }
        let headers = vec![("content-type".to_owned(), "text/event-stream; charset=utf-8".to_owned())];
        Answer { status: 200, headers, pieces, ending: self.ending, wait: self.wait }
    }

    fn finish_reason(&self) -> String {
        let usual = if self.calls.is_empty() { "stop" } else { "tool_calls" };
        self.finish.clone().unwrap_or_else(|| usual.to_owned())
    }

    /// The events of the stream, one write each.
    fn events(&self) -> Vec<Vec<u8>> {
        let mut deltas = vec![json!({ "role": "assistant", "content": "" })];
        deltas.extend(words(&self.text).into_iter().map(|word| json!({ "content": word })));
        deltas.extend(words(&self.refusal).into_iter().map(|word| json!({ "refusal": word })));
        deltas.extend(self.call_deltas());
        let mut chunks: Vec<_> = deltas.into_iter().map(|delta| chunk(json!([choice(delta, Value::Null)]))).collect();
        chunks.push(chunk(json!([choice(json!({}), json!(self.finish_reason()))])));
        if let Some(usage) = &self.usage {
            let mut last = chunk(json!([]));
            last["usage"] = usage.clone();
            chunks.push(last);
        }
        let mut events: Vec<_> = chunks.iter().map(|chunk| format!("data: {chunk}\n\n").into_bytes()).collect();
        if self.closing == Closing::Done {
            events.push(b"data: [DONE]\n\n".to_vec());
        }
        events
    }

    fn call_deltas(&self) -> Vec<Value> {
        let mut deltas = Vec::new();
        for (index, (name, args)) in self.calls.iter().enumerate() {
            let id = format!("call_{index}_{name}");
            if self.ids == Ids::Whole {
                let function = json!({ "name": name, "arguments": args });
                let call = json!({ "index": index, "id": id, "type": "function", "function": function });
                deltas.push(json!({ "tool_calls": [call] }));
                continue;
            }
            let function = json!({ "name": name, "arguments": "" });
            let mut first = json!({ "index": index, "id": id, "type": "function", "function": function });
            let mut following: Vec<_> = fragments(args, 7)
                .into_iter()
                .map(|fragment| json!({ "index": index, "function": { "arguments": fragment } }))
                .collect();
            if self.ids == Ids::Absent {
                for call in following.iter_mut().chain([&mut first]) {
                    let members = call.as_object_mut().expect("an object");
                    members.remove("index");
                    members.remove("id");
                }
            }
            deltas.push(json!({ "tool_calls": [first] }));
            deltas.extend(following.into_iter().map(|call| json!({ "tool_calls": [call] })));
        }
        deltas
    }

    fn document(&self) -> Value {
        let call = |(index, (name, args)): (usize, &(String, String))| {
            let function = json!({ "name": name, "arguments": args });
            json!({ "id": format!("call_{index}_{name}"), "type": "function", "function": function })
        };
        let calls: Vec<_> = self.calls.iter().enumerate().map(call).collect();
        let message = json!({ "role": "assistant", "content": self.text, "tool_calls": calls });
        let choice = json!({ "index": 0, "message": message, "finish_reason": self.finish_reason() });
        json!({ "id": "chatcmpl-scripted", "object": "chat.completion", "choices": [choice], "usage": self.usage })
    }
}

fn chunk(choices: Value) -> Value {
    json!({
        "id": "chatcmpl-scripted", "object": "chat.completion.chunk", "created": 1_700_000_000,
        "model": "scripted", "system_fingerprint": null, "choices": choices, "usage": null,
    })
}

fn choice(delta: Value, finish: Value) -> Value {
    json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish })
}

/// Words with the blanks after them.
fn words(text: &str) -> Vec<&str> {
    text.split_inclusive([' ', '\n']).collect()
}

fn fragments(text: &str, size: usize) -> Vec<String> {
    let characters: Vec<_> = text.chars().collect();
    characters.chunks(size).map(|fragment| fragment.iter().collect()).collect()
}

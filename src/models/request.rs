//! The body of a chat-completions request. Pure, and the same for the same input: cassettes find it by digest.

use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::{Value, json};

use super::error_body::Objection;
use super::schema::{StrictSchema, Strictness};
use super::settings::CallStyle;
use super::{forced, history, schema};
use crate::domain::{Message, OutputShape, RequestedCall, ToolSpec};
use crate::ports::ModelRequest;

/// Optional parts of a request that a server has been found not to take. Learned from its 400s, so that the
/// second request is right at once.
#[derive(Debug, Default)]
pub(super) struct Learned(AtomicU8);

/// A snapshot of [`Learned`], extended while one request is being fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Objections(u8);

impl Learned {
    pub fn get(&self) -> Objections {
        Objections(self.0.load(Ordering::Relaxed))
    }

    pub fn keep(&self, objections: Objections) {
        self.0.fetch_or(objections.0, Ordering::Relaxed);
    }
}

impl Objections {
    pub fn has(self, objection: Objection) -> bool {
        self.0 & bit(objection) != 0
    }

    pub fn with(self, objection: Objection) -> Self {
        Self(self.0 | bit(objection))
    }
}

fn bit(objection: Objection) -> u8 {
    match objection {
        Objection::ResponseFormat => 1,
        Objection::StreamOptions => 2,
        Objection::MaxTokens => 4,
        Objection::Temperature => 8,
        Objection::Carried => 16,
    }
}

/// Everything a body is made from.
pub(super) struct Form<'a> {
    pub request: &'a ModelRequest,
    pub model: &'a str,
    /// Who this is in [`Carried::sender`](crate::domain::Carried): gets back what it sent.
    pub sender: &'a str,
    pub calls: CallStyle,
    pub limit: Option<OutputLimit>,
    pub temperature: Option<f64>,
    pub objections: Objections,
}

/// Most tokens to generate, and the name this server is first tried with.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutputLimit {
    pub tokens: u32,
    pub field: LimitField,
}

/// The protocol renamed the field; older servers know one, newer models of its author only the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitField {
    MaxTokens,
    MaxCompletionTokens,
}

/// A schema the answer must follow, by name.
struct Demand {
    name: String,
    schema: StrictSchema,
    /// What the model is told when the server cannot enforce the schema, or cannot be seen to tell it.
    instruction: Option<String>,
}

impl Form<'_> {
    /// Whether the answer is to be read as a forced one.
    pub fn is_forced(&self) -> bool {
        self.calls == CallStyle::Schema && self.request.shape == OutputShape::Free && !self.request.tools.is_empty()
    }

    /// Whether the part that may be objected to is in the body, in the form that was objected to.
    pub fn sends(&self, objection: Objection) -> bool {
        let wanted = match objection {
            Objection::ResponseFormat => self.is_forced() || self.request.shape != OutputShape::Free,
            Objection::StreamOptions => true,
            Objection::MaxTokens => self.limit.is_some(),
            Objection::Temperature => self.temperature.is_some(),
            Objection::Carried => history::carries(&self.request.messages, self.sender),
        };
        wanted && !self.objections.has(objection)
    }

    pub fn body(&self) -> Value {
        let demand = self.demand();
        let instruction = demand.as_ref().and_then(|demand| demand.instruction.as_deref());
        let mut body = json!({ "model": self.model, "stream": true, "messages": self.messages(instruction) });
        let mut set = |name: &str, value: Value| body[name] = value;
        if !self.objections.has(Objection::StreamOptions) {
            set("stream_options", json!({ "include_usage": true }));
        }
        if let Some(demand) = demand.filter(|_| !self.objections.has(Objection::ResponseFormat)) {
            let strict = demand.schema.strictness == Strictness::Strict;
            let format = json!({ "name": demand.name, "strict": strict, "schema": demand.schema.schema });
            set("response_format", json!({ "type": "json_schema", "json_schema": format }));
        }
        if self.request.shape == OutputShape::Free && !self.is_forced() && !self.request.tools.is_empty() {
            set("tools", self.request.tools.iter().map(native_tool).collect());
        }
        if let Some(limit) = self.limit {
            set(self.limit_field(limit.field), json!(limit.tokens));
        }
        if let Some(temperature) = self.temperature.filter(|_| !self.objections.has(Objection::Temperature)) {
            set("temperature", json!(temperature));
        }
        body
    }

    fn demand(&self) -> Option<Demand> {
        if self.is_forced() {
            let schema = forced::answer_schema(&self.request.tools);
            let instruction = Some(forced::instruction(&self.request.tools));
            return Some(Demand { name: "next_action".to_owned(), schema, instruction });
        }
        let OutputShape::Json { name, schema } = &self.request.shape else { return None };
        // A grammar alone restricts small models without informing them, so those are always told.
        let told = self.calls == CallStyle::Schema || self.objections.has(Objection::ResponseFormat);
        let instruction = told.then(|| {
            let schema = schema::inline(schema);
            format!("Answer with one JSON object and nothing else. It must follow this JSON Schema:\n{schema}")
        });
        Some(Demand { name: history::protocol_name(name, "answer"), schema: schema::strict(schema), instruction })
    }

    fn messages(&self, instruction: Option<&str>) -> Vec<Value> {
        let sender = (!self.objections.has(Objection::Carried)).then_some(self.sender);
        let fitted = history::fitted(&self.request.messages, sender);
        let mut messages = merged(if self.is_forced() { forced::plain_messages(&fitted) } else { fitted });
        if let Some(instruction) = instruction {
            match messages.first_mut() {
                Some(Message::System(text)) => text.push_str(&format!("\n\n{instruction}")),
                _ => messages.insert(0, Message::System(instruction.to_owned())),
            }
        }
        messages.iter().map(wire_message).collect()
    }

    fn limit_field(&self, first: LimitField) -> &'static str {
        match (first, self.objections.has(Objection::MaxTokens)) {
            (LimitField::MaxTokens, false) | (LimitField::MaxCompletionTokens, true) => "max_tokens",
            (LimitField::MaxTokens, true) | (LimitField::MaxCompletionTokens, false) => "max_completion_tokens",
        }
    }
}

fn wire_message(message: &Message) -> Value {
    match message {
        Message::System(text) => json!({ "role": "system", "content": text }),
        Message::User(text) => json!({ "role": "user", "content": text }),
        Message::Assistant { text, calls, carried } => {
            let (message, of_calls) = carried.as_ref().map(|carried| (&carried.message, &carried.calls)).unzip();
            let content = if text.is_empty() && !calls.is_empty() { Value::Null } else { json!(text) };
            let mut message = beside(message, json!({ "role": "assistant", "content": content }));
            if !calls.is_empty() {
                let of_call = |at: usize| of_calls.and_then(|fields| fields.get(at));
                message["tool_calls"] =
                    calls.iter().enumerate().map(|(at, call)| wire_call(call, of_call(at))).collect();
            }
            message
        }
        Message::Tool { provider_id, text, .. } => {
            json!({ "role": "tool", "tool_call_id": provider_id, "content": text })
        }
    }
}

fn wire_call(call: &RequestedCall, carried: Option<&Value>) -> Value {
    // Servers parse the arguments of earlier calls for their prompt templates and fail on what is not an
    // object, so text that was none goes back wrapped; the tool's result says what was wrong with it.
    let arguments = match &call.args {
        Value::Object(_) => call.args.to_string(),
        other => json!({ "invalid_arguments": other }).to_string(),
    };
    let function = json!({ "name": call.tool, "arguments": arguments });
    let function = beside(carried.and_then(|fields| fields.get("function")), function);
    beside(carried, json!({ "id": call.provider_id, "type": "function", "function": function }))
}

/// The protocol's fields among those that were carried; a field that is in both is the protocol's.
fn beside(carried: Option<&Value>, own: Value) -> Value {
    match (carried, own) {
        (Some(Value::Object(carried)), Value::Object(own)) => {
            Value::Object(carried.clone().into_iter().chain(own).collect())
        }
        (_, own) => own,
    }
}

fn native_tool(tool: &ToolSpec) -> Value {
    let mut parameters = schema::inline(&tool.parameters);
    if let Some(members) = parameters.as_object_mut() {
        members.remove("$schema");
        members.remove("$defs");
        members.entry("properties").or_insert_with(|| json!({}));
    }
    let function = json!({ "name": tool.name.0, "description": tool.description, "parameters": parameters });
    json!({ "type": "function", "function": function })
}

/// Neighbours of the same role as one message: the prompt templates of many local models insist on turns. What has
/// calls, or is the result of one, stays by itself, for the protocol ties each result to its call.
fn merged(messages: Vec<Message>) -> Vec<Message> {
    let mut merged: Vec<Message> = Vec::with_capacity(messages.len());
    for message in messages {
        match (merged.last_mut(), &message) {
            (Some(Message::User(before)), Message::User(text)) => before.push_str(&format!("\n\n{text}")),
            (
                Some(Message::Assistant { text: before, calls: earlier, carried: None }),
                Message::Assistant { text, calls, carried: None },
            ) if earlier.is_empty() && calls.is_empty() => {
                before.push_str(&format!("\n{text}"));
            }
            _ => merged.push(message),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EffectClass, Repeat, TaskClass, ToolName};

    fn request(shape: OutputShape) -> ModelRequest {
        let tool = ToolSpec {
            name: ToolName("git_status".to_owned()),
            description: "Shows the state.".to_owned(),
            parameters: json!({ "$schema": "x", "type": "object" }),
            class: EffectClass::Observe,
            repeat: Repeat::Repeatable,
        };
        let call = |id: &str, args| RequestedCall { provider_id: id.to_owned(), tool: "git_status".to_owned(), args };
        let messages = vec![
            Message::System("You help.".to_owned()),
            Message::User("Go.".to_owned()),
            Message::Assistant {
                text: String::new(),
                calls: vec![call("c1", json!({})), call("c2", json!("{oops"))],
                carried: None,
            },
            Message::Tool { provider_id: "c1".to_owned(), tool: "git_status".to_owned(), text: "clean".to_owned() },
            Message::User("And now?".to_owned()),
        ];
        ModelRequest { class: TaskClass::Code, messages, tools: vec![tool], shape, max_output_tokens: None }
    }

    fn body(request: &ModelRequest, calls: CallStyle, objections: Objections) -> Value {
        let limit = Some(OutputLimit { tokens: 9, field: LimitField::MaxTokens });
        Form { request, model: "m", sender: "me", calls, limit, temperature: Some(0.5), objections }.body()
    }

    #[test]
    fn a_native_request_is_the_published_form() {
        let body = body(&request(OutputShape::Free), CallStyle::Native, Objections::default());
        assert_eq!(body["stream_options"], json!({ "include_usage": true }));
        assert_eq!((&body["max_tokens"], &body["temperature"]), (&json!(9), &json!(0.5)));
        assert_eq!(body["tools"][0]["function"]["parameters"], json!({ "type": "object", "properties": {} }));
        let assistant = &body["messages"][2];
        assert_eq!(assistant["content"], Value::Null);
        assert_eq!(assistant["tool_calls"][0]["function"]["arguments"], json!("{}"));
        assert_eq!(assistant["tool_calls"][1]["function"]["arguments"], json!(r#"{"invalid_arguments":"{oops"}"#));
        assert_eq!(body["messages"][3], json!({ "role": "tool", "tool_call_id": "c1", "content": "clean" }));
        assert!(body.get("response_format").is_none());
    }

    #[test]
    fn neighbours_of_a_role_are_one_message_but_what_belongs_to_a_call_stays_apart() {
        let mut request = request(OutputShape::Free);
        let said = |text: &str| Message::Assistant { text: text.to_owned(), calls: Vec::new(), carried: None };
        let result =
            Message::Tool { provider_id: "c2".to_owned(), tool: "git_status".to_owned(), text: "bad call".to_owned() };
        request.messages.insert(2, Message::User("Now.".to_owned()));
        request.messages.insert(5, result);
        request.messages.extend([said("I think."), said("I know."), Message::User("Well?".to_owned())]);
        let body = body(&request, CallStyle::Native, Objections::default());
        let messages = body["messages"].as_array().unwrap();
        let roles: Vec<_> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["system", "user", "assistant", "tool", "tool", "user", "assistant", "user"]);
        assert_eq!(
            (&messages[1]["content"], &messages[6]["content"]),
            (&json!("Go.\n\nNow."), &json!("I think.\nI know."))
        );
    }

    #[test]
    fn a_forced_request_has_a_schema_and_plain_turns_instead_of_tools() {
        let body = body(&request(OutputShape::Free), CallStyle::Schema, Objections::default());
        assert!(body.get("tools").is_none());
        assert_eq!(body["response_format"]["json_schema"]["strict"], json!(true));
        let roles: Vec<_> = body["messages"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
        assert_eq!(roles, ["system", "user", "assistant", "user"]);
        assert!(body["messages"][0]["content"].as_str().unwrap().contains("- git_status: Shows the state."));
        let results = "Result of git_status:\nclean\n\nResult of git_status:\nnot done: the run went on without it";
        assert_eq!(body["messages"][3]["content"], json!(format!("{results}\n\nAnd now?")));
    }

    #[test]
    fn a_json_answer_is_demanded_by_schema_or_else_in_words() {
        let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] });
        let request = request(OutputShape::Json { name: "the plan".to_owned(), schema });
        let enforced = body(&request, CallStyle::Native, Objections::default());
        assert_eq!(enforced["response_format"]["json_schema"]["name"], json!("the_plan"));
        assert_eq!(enforced["messages"][0]["content"], json!("You help."));
        assert!(enforced.get("tools").is_none());

        let asked = body(&request, CallStyle::Native, Objections::default().with(Objection::ResponseFormat));
        assert!(asked.get("response_format").is_none());
        assert!(asked["messages"][0]["content"].as_str().unwrap().contains("\"required\":[\"a\"]"));
    }

    #[test]
    fn what_a_server_objects_to_is_left_out() {
        let objections = Objections::default()
            .with(Objection::StreamOptions)
            .with(Objection::MaxTokens)
            .with(Objection::Temperature);
        let body = body(&request(OutputShape::Free), CallStyle::Native, objections);
        assert!(body.get("stream_options").is_none() && body.get("temperature").is_none());
        assert!(body.get("max_tokens").is_none());
        assert_eq!(body["max_completion_tokens"], json!(9));
    }
}

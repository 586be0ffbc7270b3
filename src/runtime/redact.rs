//! Keeps secrets out of the log, the feed and the prompts: the one point that everything from outside passes.
//!
//! Every field of what is said is named here, without a rest, so that a new one is a compile error until somebody says
//! whether it is searched. [`Redactor::commands`] alone makes what the writer takes, so nothing gets around it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::{
    Actor, Carried, EffectCard, Held, Message, ModelFailure, ModelReply, Output, Part, Payload, Rejection,
    RequestedCall, Reversibility, Secrets, ToolResult, Untrusted,
};
use crate::kinds::{CallPreparation, Command, PreparedCall, Report, Words};
use crate::ports::ModelRequest;

/// The secrets this process knows, and the words that are never one.
#[derive(Default)]
pub struct Redactor {
    secrets: Secrets,
    /// Names of tools: where a model gives one of them, it is ours.
    tools: BTreeSet<String>,
}

/// Commands with nothing secret in them, which is what the writer takes. Only a [`Redactor`] makes them.
#[derive(Clone)]
pub(super) struct Redacted(Arc<[(Command, Actor)]>);

impl Redacted {
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Command, Actor)> {
        self.0.iter()
    }
}

impl Redactor {
    /// `secrets` are names and values. Values that are too short to be told from ordinary words are left out.
    pub fn new(secrets: impl IntoIterator<Item = (String, String)>) -> Self {
        let labelled = secrets.into_iter().map(|(name, value)| (format!("[secret {name}]"), value));
        Self { secrets: Secrets::new(labelled), tools: BTreeSet::new() }
    }

    /// The same, with the names of the tools that models may call.
    pub(super) fn knowing(self, tools: impl IntoIterator<Item = String>) -> Self {
        Self { tools: tools.into_iter().collect(), ..self }
    }

    pub(super) fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        self.secrets.bytes(bytes)
    }

    /// The next bytes of a stream, as far as they are certainly clean.
    pub(super) fn push(&self, held: &mut Held, bytes: &[u8]) -> Vec<u8> {
        held.push(&self.secrets, bytes)
    }

    /// What is left of a stream that has ended.
    pub(super) fn finish(&self, held: &mut Held) -> Vec<u8> {
        held.finish(&self.secrets)
    }

    /// What the writer may take.
    pub(super) fn commands(&self, mut commands: Vec<(Command, Actor)>) -> Redacted {
        for (command, _) in &mut commands {
            self.command(command);
        }
        Redacted(commands.into())
    }

    /// What people type may hold a secret too: a goal goes to a model, a reason to an agent.
    pub(super) fn command(&self, command: &mut Command) {
        if self.secrets.is_empty() {
            return;
        }
        command.words(&mut |words| match words {
            Words::Text(text) => self.untrusted(text),
            Words::Plain(text) => self.string(text),
            Words::Json(value) => self.value(value),
        });
        let Command::Report(report) = command else { return };
        match report {
            Report::Proceed { run: _, prepared } => prepared.iter_mut().for_each(|call| self.prepared(call)),
            Report::TurnFinished { run: _, turn: _, attempt: _, outcome } => match outcome.as_mut() {
                Ok(reply) => self.reply(reply),
                Err(failure) => self.failure(failure),
            },
            Report::EffectFinished { run: _, call: _, attempt: _, result } => self.result(result),
            Report::Drifted { run: _, call: _, attempt: _, prepared } => self.prepared(prepared),
            Report::Recover { run: _, left } => self.untrusted(left),
            Report::Doubt { run: _, call: _, attempt: _, approval: _, why } => self.untrusted(why),
            Report::SetAside { run: _ } => {}
        }
    }

    /// What a model is sent. It was searched when it went into the log, but secrets may be known since that were not
    /// then.
    pub(super) fn request(&self, request: &mut ModelRequest) {
        let ModelRequest { class: _, messages, tools: _, shape: _, max_output_tokens: _ } = request;
        for message in messages {
            match message {
                Message::System(text) | Message::User(text) => self.string(text),
                Message::Assistant { text, calls, carried } => {
                    self.string(text);
                    calls.iter_mut().for_each(|call| self.call(call));
                    carried.iter_mut().for_each(|carried| self.carried(carried));
                }
                Message::Tool { provider_id, tool, text } => {
                    self.string(provider_id);
                    self.tool(tool);
                    self.string(text);
                }
            }
        }
    }

    pub(super) fn preparation(&self, preparation: &mut CallPreparation) {
        match preparation {
            CallPreparation::Judged { card, verdict: _ } => self.card(card),
            CallPreparation::Question { text, choices } => {
                self.untrusted(text);
                choices.iter_mut().for_each(|choice| self.untrusted(choice));
            }
            CallPreparation::Delegate { agent: _, goal } => self.untrusted(goal),
            CallPreparation::Finish { summary, outcome: _ } => self.untrusted(summary),
            CallPreparation::Mark { step: _, state: _ } => {}
            CallPreparation::Invalid { result } => self.result(result),
        }
    }

    fn prepared(&self, prepared: &mut PreparedCall) {
        let PreparedCall { call: _, approval: _, preparation } = prepared;
        self.preparation(preparation);
    }

    /// The part of a card that is only read. All else is what will run, so a secret in it is the tool's to keep out.
    fn card(&self, card: &mut EffectCard) {
        let EffectCard {
            tool: _,
            class: _,
            repeat: _,
            verb: _,
            targets: _,
            environment: _,
            risk: _,
            reversible,
            payload,
            facts,
            confinement: _,
            change,
        } = card;
        change.iter_mut().for_each(|change| self.untrusted(change));
        match reversible {
            Reversibility::Undo(words) => self.untrusted(words),
            Reversibility::NothingToUndo | Reversibility::Irreversible | Reversibility::Unknown => {}
        }
        match payload {
            // The change is bound by the hashes of what the file holds before and after it.
            Payload::Patch { path: _, before: _, diff } => self.untrusted(diff),
            Payload::Exec { argv: _, cwd: _, env: _ }
            | Payload::Delete { paths: _ }
            | Payload::Arguments { args: _ } => {}
        }
        // A tool may act on a single fact; lists of them are for people.
        for fact in facts.values_mut().filter(|fact| fact.is_array() || fact.is_object()) {
            self.value(fact);
        }
    }

    fn result(&self, result: &mut ToolResult) {
        let ToolResult { failure: _, summary, output, diff, data } = result;
        self.untrusted(summary);
        self.output(output);
        diff.iter_mut().for_each(|diff| self.untrusted(diff));
        data.iter_mut().for_each(|data| self.value(data));
    }

    /// Where an output was shortened, a secret may have been cut in two.
    fn output(&self, output: &mut Output) {
        let (first, last) = match output.elided() {
            0 => (Part::Whole, Part::Whole),
            _ => (Part::Head, Part::Tail),
        };
        let Output { head, tail, bytes: _, blob: _ } = output;
        for (text, part) in [(head, first), (tail, last)] {
            if let Some(clean) = self.secrets.part(text.raw(), part) {
                *text = clean.into();
            }
        }
    }

    fn reply(&self, reply: &mut ModelReply) {
        let ModelReply { model, text, refusal, calls, carried, finish: _, usage: _, cost: _ } = reply;
        self.string(model);
        self.untrusted(text);
        refusal.iter_mut().for_each(|refusal| self.untrusted(refusal));
        calls.iter_mut().for_each(|call| self.call(call));
        carried.iter_mut().for_each(|carried| self.carried(carried));
    }

    fn carried(&self, carried: &mut Carried) {
        let Carried { sender: _, message, calls } = carried;
        self.value(message);
        calls.iter_mut().for_each(|call| self.value(call));
    }

    fn call(&self, call: &mut RequestedCall) {
        let RequestedCall { provider_id, tool, args } = call;
        self.string(provider_id);
        self.tool(tool);
        self.value(args);
    }

    fn tool(&self, name: &mut String) {
        if !self.tools.contains(name) {
            self.string(name);
        }
    }

    fn failure(&self, failure: &mut ModelFailure) {
        let ModelFailure { kind: _, message, hint } = failure;
        if let Some(clean) = self.secrets.sentence(message.raw()) {
            *message = clean.into();
        }
        self.sentence(hint);
    }

    /// What is answered where nothing was decided: it may quote a store, or what was asked.
    pub(super) fn rejection(&self, mut rejection: Rejection) -> Rejection {
        let Rejection { kind: _, message, hint } = &mut rejection;
        self.sentence(message);
        self.sentence(hint);
        rejection
    }

    /// A sentence of ours that may quote others.
    pub(super) fn sentence(&self, text: &mut String) {
        if let Some(clean) = self.secrets.sentence(text) {
            *text = clean;
        }
    }

    fn untrusted(&self, text: &mut Untrusted) {
        if let Some(clean) = self.secrets.text(text.raw()) {
            *text = clean.into();
        }
    }

    fn string(&self, text: &mut String) {
        if let Some(clean) = self.secrets.text(text) {
            *text = clean;
        }
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.string(text),
            Value::Number(number) => {
                if let Some(clean) = self.secrets.text(&number.to_string()) {
                    *value = Value::String(clean);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => self.fields(fields),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn fields(&self, fields: &mut Map<String, Value>) {
        fields.values_mut().for_each(|field| self.value(field));
        let renamed: Vec<_> = fields.keys().filter_map(|key| Some((key.clone(), self.secrets.text(key)?))).collect();
        for (key, clean) in renamed {
            let Some(field) = fields.remove(&key) else { continue };
            // Two keys that differ in a secret only are still two.
            let free = (1_u32..).map(|n| if n == 1 { clean.clone() } else { format!("{clean} {n}") });
            if let Some(name) = free.into_iter().find(|name| !fields.contains_key(name)) {
                fields.insert(name, field);
            }
        }
    }
}

#[cfg(test)]
mod tests;

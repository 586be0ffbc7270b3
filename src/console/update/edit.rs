//! Changing what an agent asks to do: its arguments in an editor, and what is sent when the person is done with them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::Value;

use super::{Edit, Pressed, Request, World, Written, decide, toast};
use crate::console::state::{Arguments, Drafting, Misfit, Page, Sheet, State, Tone};
use crate::domain::{ApprovalId, FailureKind, Untrusted};
use crate::kinds::{ApprovalEvent, ApprovalVerb, Envelope, Event, RunEvent, Stream};
use crate::ports::ClientError;

/// Opens the editor on the card's arguments, once they are read.
pub fn open(state: &mut State, world: &World<'_>, pressed: Pressed) -> Vec<Request> {
    if world.replay.is_some() {
        toast(state, world, Tone::Note, "nothing can be changed in a recording", "decide on the card as it stands");
        return Vec::new();
    }
    let Some(approval) = decide::decidable(state, world, decide::Care::Seen, pressed) else { return Vec::new() };
    let Some(digest) = state.review().and_then(|review| review.digest()).cloned() else { return Vec::new() };
    let draft = Arguments::new(approval.id, digest, approval.tool.clone());
    state.sheet = Some(Sheet::Arguments(Box::new(draft)));
    vec![Request::ReadArguments { approval: approval.id, run: approval.run, call: approval.call }]
}

/// The arguments that were asked for.
pub fn read(state: &mut State, world: &World<'_>, wanted: ApprovalId, result: Result<Value, ClientError>) {
    let Some(draft) = draft_of(state, wanted) else { return };
    match result {
        Ok(args) => draft.fill(args),
        Err(error) => {
            state.sheet = None;
            let shown = |text: &str| Untrusted::from(text).visible().into_owned();
            toast(state, world, Tone::Bad, shown(&error.message), shown(&error.hint));
        }
    }
}

/// A key while the editor is open.
pub fn typed(state: &mut State, world: &World<'_>, key: KeyEvent) -> Vec<Request> {
    let control = |letter| key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char(letter);
    if key.code == KeyCode::Esc || control('c') {
        state.sheet = None;
        return Vec::new();
    }
    let Some(Sheet::Arguments(draft)) = &mut state.sheet else { return Vec::new() };
    if matches!(draft.drafting, Drafting::Reading | Drafting::Sending) {
        return Vec::new();
    }
    if control('s') {
        return send(state, world);
    }
    if control('o') {
        return vec![Request::Edit(Edit { text: draft.editor.text(), written: Written::Json })];
    }
    match key.code {
        KeyCode::Enter => draft.editor.new_line(),
        KeyCode::Tab => draft.editor.insert("  "),
        _ => draft.editor.key(key),
    }
    let moves = matches!(key.code, KeyCode::Up | KeyCode::Down | KeyCode::Left | KeyCode::Right);
    if !moves {
        draft.drafting = Drafting::Editing;
    }
    Vec::new()
}

fn send(state: &mut State, world: &World<'_>) -> Vec<Request> {
    let Some(Sheet::Arguments(draft)) = &mut state.sheet else { return Vec::new() };
    let args = match draft.read() {
        Ok(args) => args,
        Err(Misfit { place, message, hint }) => {
            if let Some((line, column)) = place {
                draft.editor.go_to(line, column);
            }
            draft.drafting = Drafting::Refused { message, hint: hint.to_owned() };
            return Vec::new();
        }
    };
    let (id, digest) = (draft.approval, draft.digest.0.clone());
    let Some(approval) = decide::open_approval(state, world, id) else { return Vec::new() };
    let command = ApprovalVerb::Edit { digest, args }.on(id);
    let requests = decide::decide(state, world, approval, command, "changed; it now needs your approval".to_owned());
    if !requests.is_empty()
        && let Some(draft) = draft_of(state, id)
    {
        draft.drafting = Drafting::Sending;
    }
    requests
}

/// What came of it: the card as it is now, or that the policy refused it.
pub fn done(state: &mut State, world: &World<'_>, edited: ApprovalId, events: &[Envelope], said: String) {
    if draft_of(state, edited).is_some() {
        state.sheet = None;
    }
    for envelope in events {
        asked_anew(state, envelope);
    }
    let refused = events.iter().find_map(|envelope| {
        let Event::Run(RunEvent::CallSettled { result, .. }) = &envelope.event else { return None };
        (result.failure == Some(FailureKind::Refused)).then(|| result.summary.visible().into_owned())
    });
    match refused {
        Some(summary) => toast(state, world, Tone::Bad, format!("changed, and {summary}"), "the agent is told so"),
        None => toast(state, world, Tone::Good, said, ""),
    }
}

/// It will not do: the draft stays, with the reason below it. Whether there was a draft.
pub fn refused(state: &mut State, edited: ApprovalId, message: String, hint: String) -> bool {
    let draft = draft_of(state, edited);
    draft.map(|draft| draft.drafting = Drafting::Refused { message, hint }).is_some()
}

/// Whoever looks at a card that was changed, here or elsewhere, looks at the one that took its place: as a new card, of
/// which nothing counts as seen yet.
pub fn asked_anew(state: &mut State, envelope: &Envelope) {
    let (Event::Approval(ApprovalEvent::Requested { edit: Some(edit), .. }), Stream::Approval(id)) =
        (&envelope.event, envelope.stream)
    else {
        return;
    };
    if let Some(Page::Card(review)) = state.pages.last_mut()
        && review.approval == edit.request
    {
        review.anew(id);
    }
}

fn draft_of(state: &mut State, approval: ApprovalId) -> Option<&mut Arguments> {
    match &mut state.sheet {
        Some(Sheet::Arguments(draft)) if draft.approval == approval => Some(draft),
        _ => None,
    }
}

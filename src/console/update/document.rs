//! Documents about things: opening them, and editing them in the person's own editor.

use super::{Edit, Request, World, Written, submit, toast};
use crate::console::state::{DocumentPage, Page, State, Tone};
use crate::domain::Untrusted;
use crate::kinds::{Stream, Surface};
use crate::ports::ClientError;

/// Opens the document of this name about what is open or selected.
pub fn open(state: &mut State, name: &str) -> Vec<Request> {
    let Some(of) = state.thing() else { return Vec::new() };
    let documents = Surface::of_stream(of).map(|surface| surface.documents).unwrap_or_default();
    let Some(document) = documents.iter().find(|document| document.name == name) else { return Vec::new() };
    state.pages.push(Page::Document(DocumentPage::new(of, document)));
    vec![Request::WriteDocument { of, document }]
}

/// It was written, or could not be.
pub fn written(state: &mut State, of: Stream, name: &str, result: Result<String, ClientError>) {
    for page in &mut state.pages {
        if let Page::Document(open) = page
            && (open.of, open.document.name) == (of, name)
        {
            open.text = Some(match &result {
                Ok(text) => Ok(Untrusted::from(text.as_str())),
                Err(error) => Err(super::toasts::shown(&error.message)),
            });
        }
    }
}

/// What was not saved is edited on.
pub fn edit(state: &mut State) -> Vec<Request> {
    let Some(Page::Document(open)) = state.page() else { return Vec::new() };
    let shown = open.text.as_ref().and_then(|text| text.as_ref().ok()).map(|text| text.raw().to_owned());
    let text = open.draft.clone().or(shown);
    text.map(|text| Request::Edit(Edit { text, written: Written::Markdown })).into_iter().collect()
}

/// It comes back from the editor; what has not changed is not saved. It is kept until it is.
pub fn edited(state: &mut State, world: &World<'_>, text: &str) -> Vec<Request> {
    let Some(Page::Document(open)) = state.pages.last_mut() else { return Vec::new() };
    if matches!(&open.text, Some(Ok(before)) if before.raw().trim_end() == text.trim_end()) {
        open.draft = None;
        return Vec::new();
    }
    open.draft = Some(text.to_owned());
    let (of, amend) = (open.of, open.document.amend);
    let surface = Surface::of_stream(of);
    let asked = surface.zip(amend).and_then(|(surface, amend)| {
        let verb = surface.verb(amend)?;
        let field = surface.fields(verb).into_iter().next()?.name;
        Some(surface.command(of.parts().1, verb, [(field, text.into())].into_iter().collect()))
    });
    match asked {
        Some(Ok(command)) => submit(state, world, command, "saved".to_owned()),
        Some(Err(wrong)) => {
            toast(state, world, Tone::Bad, wrong, "e opens your text again");
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// Something of the thing was saved: the document about it is written anew, and no draft is left.
pub fn saved(state: &mut State, stream: Stream) -> Vec<Request> {
    match state.pages.last_mut() {
        Some(Page::Document(open)) if open.of == stream => {
            open.draft = None;
            vec![Request::WriteDocument { of: open.of, document: open.document }]
        }
        _ => Vec::new(),
    }
}

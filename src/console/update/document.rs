//! Documents about things: opening them, and editing them in the person's own editor.

use super::{Edit, Request, World, Written, things};
use crate::console::state::{DocumentPage, Page, State, ThingVerb};
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

pub fn edit(state: &mut State) -> Vec<Request> {
    match state.page() {
        Some(Page::Document(DocumentPage { text: Some(Ok(text)), .. })) => {
            vec![Request::Edit(Edit { text: text.raw().to_owned(), written: Written::Markdown })]
        }
        _ => Vec::new(),
    }
}

/// It comes back from the editor; what has not changed is not saved.
pub fn edited(state: &mut State, world: &World<'_>, text: &str) -> Vec<Request> {
    let Some(Page::Document(open)) = state.page() else { return Vec::new() };
    let is_same = matches!(&open.text, Some(Ok(before)) if before.raw().trim_end() == text.trim_end());
    let amend = open.document.amend.filter(|_| !is_same);
    let verb = amend.zip(Surface::of_stream(open.of)).and_then(|(verb, surface)| Some((surface.verb(verb)?, surface)));
    let Some((verb, surface)) = verb else { return Vec::new() };
    let wanted = ThingVerb { kind: surface.kind, of: Some(open.of), verb };
    let (of, document) = (open.of, open.document);
    let mut requests = things::perform(state, world, wanted, text);
    requests.push(Request::WriteDocument { of, document });
    requests
}

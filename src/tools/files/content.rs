//! For tools that compose a file instead of being given one: the same checks, cards and atomic writes.

use std::path::PathBuf;

use super::change::Change;
use super::diff::Diff;
use super::root::{LastLink, Root, failed};
use super::{blocking, change};
use crate::domain::{EffectCard, FailureKind, ToolResult, ToolSpec};
use crate::ports::{Checked, ToolContext};

/// A path of the workspace, relative to it; fails where the workspace has no place for it.
pub fn check_path(context: &ToolContext, path: &str) -> Result<PathBuf, ToolResult> {
    Root::of(context)?.resolve(path, LastLink::Keep).map(|place| place.path().to_owned())
}

/// The content of a file of the workspace; `None` when there is none.
pub async fn get(context: &ToolContext, path: &str) -> Result<Option<Vec<u8>>, ToolResult> {
    let (context, path) = (context.clone(), path.to_owned());
    blocking(move || {
        let root = Root::of(&context)?;
        let place = root.resolve(&path, LastLink::Follow)?;
        let content = root.read(&place).map_err(|error| failed(&place, "read", &error))?;
        Ok(content.map(|content| content.bytes))
    })
    .await?
}

/// Sets a file's content, whatever it was.
pub async fn put(context: &ToolContext, path: &str, content: Vec<u8>) -> Result<(), ToolResult> {
    let (context, path) = (context.clone(), path.to_owned());
    blocking(move || {
        let root = Root::of(&context)?;
        let change = plan(&root, &path, content)?;
        change.put(&root).map_err(|error| failed(&change.place, "write", &error))
    })
    .await?
}

/// The card of setting a file's content.
pub async fn plan_content(
    spec: &ToolSpec,
    verb: &'static str,
    context: &ToolContext,
    path: &str,
    content: Vec<u8>,
) -> Result<EffectCard, ToolResult> {
    let (spec, context, path) = (spec.clone(), context.clone(), path.to_owned());
    blocking(move || Ok(plan(&Root::of(&context)?, &path, content)?.card(&spec, verb))).await?
}

/// Sets a file's content as its card says, or reports drift.
pub async fn make_content(context: &ToolContext, path: &str, content: Vec<u8>, card: &EffectCard) -> ToolResult {
    let (context, path, card) = (context.clone(), path.to_owned(), card.clone());
    let made = blocking(move || {
        let root = Root::of(&context)?;
        if let Checked::Happened(result) = change::check(&root, &card) {
            return Ok(*result);
        }
        Ok(plan(&root, &path, content)?.make(&root, &card))
    });
    made.await.and_then(|made: Result<ToolResult, ToolResult>| made).unwrap_or_else(|result| result)
}

/// Whether the file holds what its card says.
pub async fn check_content(context: &ToolContext, card: &EffectCard) -> Checked {
    let (context, card) = (context.clone(), card.clone());
    let checked = blocking(move || Root::of(&context).map_or(Checked::Unknown, |root| change::check(&root, &card)));
    checked.await.unwrap_or(Checked::Unknown)
}

/// What changes from one text to another.
pub fn unified(path: &str, before: &[u8], after: &[u8]) -> String {
    Diff::of(path, Some(before), after).text
}

fn plan(root: &Root, path: &str, after: Vec<u8>) -> Result<Change, ToolResult> {
    let place = root.resolve(path, LastLink::Follow)?;
    let before = root.read(&place).map_err(|error| failed(&place, "read", &error))?;
    if place.is_root() {
        return Err(ToolResult::failure(FailureKind::Refused, "the workspace itself is not a file"));
    }
    Ok(Change { place, before, after, note: None })
}

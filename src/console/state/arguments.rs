//! The arguments of a call in an editor, as JSON: what a person makes of what an agent asks to do. Decides nothing.

use serde_json::Value;

use super::editor::{Editor, Lines};
use crate::domain::{ApprovalId, CardDigest, ToolName};

/// What is going on with the draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drafting {
    /// The arguments are being read; keys wait.
    Reading,
    Editing,
    /// It is prepared and judged; keys wait.
    Sending,
    /// It will not do: what is wrong, and what to do.
    Refused {
        message: String,
        hint: String,
    },
}

/// A draft of other arguments for the call that a card is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Arguments {
    pub approval: ApprovalId,
    /// Of the card that was on the terminal when the draft was begun.
    pub digest: CardDigest,
    pub tool: ToolName,
    pub editor: Editor,
    pub drafting: Drafting,
    /// As they stand, once they are read.
    standing: Option<Value>,
}

/// Why a draft is no call: the place, as line and character from 0, where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    pub place: Option<(usize, usize)>,
    pub message: String,
    pub hint: &'static str,
}

impl Arguments {
    pub fn new(approval: ApprovalId, digest: CardDigest, tool: ToolName) -> Self {
        let editor = Editor::new(Lines::Many);
        Self { approval, digest, tool, editor, drafting: Drafting::Reading, standing: None }
    }

    /// Puts the arguments that stand into the editor, with the cursor before the first of them.
    pub fn fill(&mut self, args: Value) {
        let text = serde_json::to_string_pretty(&args).unwrap_or_else(|_| args.to_string());
        self.editor.set(&text);
        self.editor.go_to(1.min(self.editor.lines().len() - 1), 0);
        self.standing = Some(args);
        self.drafting = Drafting::Editing;
    }

    /// What is typed, as arguments that differ from those that stand.
    pub fn read(&self) -> Result<Value, Misfit> {
        let text = self.editor.text();
        let args: Value = serde_json::from_str(&text).map_err(|error| not_json(&error))?;
        let whole = |message: &str, hint| Misfit { place: None, message: message.to_owned(), hint };
        if !args.is_object() {
            return Err(whole("the arguments of a call are a JSON object", "write them as {\"name\": value}"));
        }
        if self.standing.as_ref() == Some(&args) {
            return Err(whole("nothing was changed yet", "esc leaves the card as it is"));
        }
        Ok(args)
    }
}

fn not_json(error: &serde_json::Error) -> Misfit {
    let (line, column) = (error.line(), error.column());
    let said = error.to_string();
    let what = said.split(" at line ").next().unwrap_or(&said);
    // What is missing at the end is written behind it; anything else stands where it is wrong.
    let character = if error.is_eof() { column } else { column.saturating_sub(1) };
    Misfit {
        place: Some((line.saturating_sub(1), character)),
        message: format!("line {line}, column {column}: {what}"),
        hint: "the arguments are JSON",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn draft(args: Value) -> Arguments {
        let digest = CardDigest("ab".repeat(32));
        let mut draft = Arguments::new(ApprovalId(uuid::Uuid::nil()), digest, ToolName("git_push".to_owned()));
        assert_eq!(draft.drafting, Drafting::Reading);
        draft.fill(args);
        draft
    }

    #[test]
    fn it_begins_with_what_stands_and_wants_a_change() {
        let mut draft = draft(json!({ "branch": "main", "force": true }));
        assert_eq!(draft.editor.text(), "{\n  \"branch\": \"main\",\n  \"force\": true\n}");
        assert_eq!(draft.editor.cursor(), (1, 0));
        assert_eq!(draft.read().unwrap_err().message, "nothing was changed yet");
        draft.editor.set("{ \"force\": false }");
        assert_eq!(draft.read(), Ok(json!({ "force": false })));
        draft.editor.set("[1]");
        assert_eq!(draft.read().unwrap_err().message, "the arguments of a call are a JSON object");
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        let mut draft = draft(json!({}));
        draft.editor.set("{\n  \"branch\": main\n}");
        let misfit = draft.read().unwrap_err();
        assert_eq!((misfit.place, misfit.message.as_str()), (Some((1, 12)), "line 2, column 13: expected value"));
    }
}

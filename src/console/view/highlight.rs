//! Program text cut into pieces by what they mean: keyword, string, comment. Says roles, never colours.
//!
//! The syntax definitions are large, so they are read when the first program text is shown and not before; and
//! a text is highlighted only as far as a frame can afford. What is beyond that is shown plain, never left out.

use std::path::Path;
use std::sync::LazyLock;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::console::role::Role;

/// Most bytes highlighted of one text.
const MOST_BYTES: usize = 12 * 1024;
/// Longest line highlighted: a longer one is data, and pathological for the patterns.
const LONGEST_LINE: usize = 400;

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(two_face::syntax::extra_newlines);

/// Which scope gives which role; the innermost scope that matches decides.
static ROLES: LazyLock<Vec<(Scope, Role)>> = LazyLock::new(|| {
    const TABLE: &[(&str, Role)] = &[
        ("comment", Role::CodeComment),
        ("string", Role::CodeString),
        ("constant.character", Role::CodeString),
        ("constant.numeric", Role::CodeNumber),
        ("constant.language", Role::CodeNumber),
        ("keyword.operator", Role::Code),
        ("keyword", Role::CodeKeyword),
        ("storage.type.function", Role::CodeKeyword),
        ("storage", Role::CodeKeyword),
        ("entity.name.function", Role::CodeFunction),
        ("support.function", Role::CodeFunction),
        ("variable.function", Role::CodeFunction),
        ("entity.name.tag", Role::CodeKeyword),
        ("entity.name", Role::CodeType),
        ("entity.other.inherited-class", Role::CodeType),
        ("support.type", Role::CodeType),
        ("support.class", Role::CodeType),
    ];
    TABLE.iter().filter_map(|(name, role)| Some((Scope::new(name).ok()?, *role))).collect()
});

/// Reads one text line by line.
pub struct Highlighter {
    parse: ParseState,
    scopes: ScopeStack,
    left: usize,
}

impl Highlighter {
    /// By the name that a code fence gives, e.g. `rust` or `sh`; `None` for one we do not know.
    pub fn for_language(name: &str) -> Option<Self> {
        let name = name.split([',', ' ', '{']).next().unwrap_or_default();
        if name.is_empty() {
            return None;
        }
        SYNTAXES.find_syntax_by_token(name).map(Self::new)
    }

    /// By a file's name or extension.
    pub fn for_path(path: &str) -> Option<Self> {
        let path = Path::new(path);
        let name = path.file_name()?.to_str()?;
        let by_extension = path.extension().and_then(|extension| extension.to_str());
        SYNTAXES
            .find_syntax_by_extension(name)
            .or_else(|| SYNTAXES.find_syntax_by_extension(by_extension?))
            .filter(|syntax| syntax.name != "Plain Text")
            .map(Self::new)
    }

    fn new(syntax: &SyntaxReference) -> Self {
        Self { parse: ParseState::new(syntax), scopes: ScopeStack::new(), left: MOST_BYTES }
    }

    /// The next line, without its end, in pieces that add up to it.
    pub fn line<'a>(&mut self, text: &'a str) -> Vec<(Role, &'a str)> {
        if self.left < text.len() || text.len() > LONGEST_LINE {
            self.left = 0;
            return vec![(Role::Code, text)];
        }
        self.left -= text.len();
        let Ok(changes) = self.parse.parse_line(&format!("{text}\n"), &SYNTAXES) else {
            self.left = 0;
            return vec![(Role::Code, text)];
        };
        let mut pieces = Vec::new();
        let mut from = 0;
        for (at, change) in changes {
            // The last changes may stand after the line's end, which was ours.
            let at = at.min(text.len());
            if let Some(piece) = text.get(from..at).filter(|piece| !piece.is_empty()) {
                pieces.push((role_of(&self.scopes), piece));
                from = at;
            }
            if self.scopes.apply(&change).is_err() {
                self.left = 0;
                break;
            }
        }
        if from < text.len() {
            pieces.push((role_of(&self.scopes), &text[from..]));
        }
        pieces
    }
}

fn role_of(scopes: &ScopeStack) -> Role {
    let matching = |scope: &Scope| ROLES.iter().find(|(prefix, _)| prefix.is_prefix_of(*scope)).map(|(_, role)| *role);
    scopes.as_slice().iter().rev().find_map(matching).unwrap_or(Role::Code)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rust_is_read_piece_by_piece() {
        let mut highlighter = Highlighter::for_path("src/parser.rs").unwrap();
        let pieces = highlighter.line("let n: u32 = parse(\"12\"); // twelve");
        let role = |text: &str| pieces.iter().find(|(_, piece)| piece.contains(text)).map(|(role, _)| *role);
        assert_eq!(role("let"), Some(Role::CodeKeyword));
        assert_eq!(role("12"), Some(Role::CodeString));
        assert_eq!(role("twelve"), Some(Role::CodeComment));
        assert_eq!(role("parse"), Some(Role::CodeFunction));
    }

    #[test]
    fn fences_and_files_without_a_syntax_have_none() {
        assert!(Highlighter::for_language("toml").is_some());
        assert!(Highlighter::for_language("ts").is_some());
        assert!(Highlighter::for_path("Dockerfile").is_some());
        assert!(Highlighter::for_language("no such language").is_none());
        assert!(Highlighter::for_path("notes.unheard-of").is_none());
    }

    #[test]
    fn a_long_text_ends_plain_and_whole() {
        let mut highlighter = Highlighter::for_language("rust").unwrap();
        let line = "let x = 1;";
        let last = (0..3_000).map(|_| highlighter.line(line)).last().unwrap();
        assert_eq!(last, [(Role::Code, line)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn pieces_add_up_to_the_line(lines in prop::collection::vec("\\PC{0,60}", 1..6)) {
            let mut highlighter = Highlighter::for_language("rust").unwrap();
            for line in &lines {
                let joined: String = highlighter.line(line).into_iter().map(|(_, piece)| piece).collect();
                prop_assert_eq!(&joined, line);
            }
        }
    }
}

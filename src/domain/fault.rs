//! What is wrong with a text that a person wrote (a policy, the configuration, an agent, a procedure, a theme),
//! and where. Nothing here reads a file: texts come with the name they are known by.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, NamedSource, SourceSpan};

use super::text::printable;

/// A text and the name people know it by, usually its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    pub name: Arc<str>,
    pub text: Arc<str>,
}

impl SourceText {
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Line and column of a byte offset, both from 1; columns count characters.
    pub fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

/// A place in a text, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One thing that is wrong: `NAME:LINE:COLUMN: message`, and what to do about it.
#[derive(Clone, PartialEq, Eq)]
pub struct Fault {
    source: SourceText,
    span: Range<usize>,
    message: String,
    help: Option<String>,
    named: NamedSource<Arc<str>>,
}

impl Fault {
    /// `span` is in bytes of the source's text; an empty one points between two characters.
    pub fn new(source: &SourceText, span: Range<usize>, message: impl Into<String>) -> Self {
        let last = source.text.len();
        let span = span.start.min(last)..span.end.clamp(span.start.min(last), last);
        let named = NamedSource::new(&source.name, source.text.clone());
        Self { source: source.clone(), span, message: message.into(), help: None, named }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn position(&self) -> Position {
        self.source.position(self.span.start)
    }

    /// The same fault in a text of the same length, e.g. one with its secrets masked.
    fn over(self, source: &SourceText) -> Self {
        Self { help: self.help, ..Self::new(source, self.span, self.message) }
    }

    /// The message alone, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.source.name, self.position(), self.message)
    }
}

/// Without the whole text, which a failed assertion would otherwise print.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({self})")
    }
}

impl std::error::Error for Fault {}

impl Diagnostic for Fault {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.named)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let span = SourceSpan::from(self.span.clone());
        Some(Box::new(std::iter::once(miette::LabeledSpan::new_with_span(None, span))))
    }
}

/// Everything that is wrong with the texts given; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// `Err` with all of them, or `Ok` when there are none.
    pub fn none_in(faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self(faults)) }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    /// The same faults, all in one text of the same length as theirs, e.g. with its secrets masked.
    pub fn over(self, source: &SourceText) -> Self {
        Self(self.0.into_iter().map(|fault| fault.over(source)).collect())
    }

    /// All of them with the lines they point at, without colours, safe to show.
    pub fn rendered(&self) -> String {
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
        let mut drawn = String::new();
        for fault in &self.0 {
            // Writing to a String cannot fail.
            let _ = handler.render_report(&mut drawn, fault);
        }
        let lines: Vec<_> = drawn.split('\n').map(|line| printable(line).trim_end().to_owned()).collect();
        lines.join("\n")
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

/// One line each.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// The name in `known` that `given` was probably meant to be.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.into_iter().collect();
    similar::get_close_matches(given, &known, 1, 0.6).first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one_and_in_characters() {
        let source = SourceText::new("a.toml", "é = 1\nkéy = 2\n");
        assert_eq!(source.position(0).to_string(), "1:1");
        assert_eq!(source.position(source.text.find('=').unwrap()).to_string(), "1:3");
        assert_eq!(source.position(source.text.rfind('=').unwrap()).to_string(), "2:5");
        assert_eq!(source.position(9_999).to_string(), "3:1");
    }

    #[test]
    fn a_fault_is_drawn_with_its_line_and_hides_nothing() {
        let source = SourceText::new("a.toml", "ok = 1\nthme = \"\u{1b}[31m\"\n");
        let faults = Faults::from(Fault::new(&source, 7..11, "unknown key").help("did you mean theme?"));
        assert_eq!(faults.to_string(), "a.toml:2:1: unknown key");
        let drawn = faults.rendered();
        assert!(drawn.contains("2 │ thme = \"␛[31m\""), "{drawn}");
        assert!(drawn.contains("did you mean theme?"), "{drawn}");
    }

    #[test]
    fn the_nearest_name_is_close_or_none() {
        assert_eq!(nearest("thme", ["theme", "keys"]), Some("theme"));
        assert_eq!(nearest("zzz", ["theme", "keys"]), None);
    }
}

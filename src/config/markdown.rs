//! The parts of a Markdown text that procedures are made of: headings and fenced blocks, with their places.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A part that matters; prose in between is for readers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// `## Title`
    Step { title: String, span: Range<usize> },
    /// A fenced block: what stands after the fence, and its content.
    Block { info: String, text: String, span: Range<usize>, text_start: usize },
}

/// All of them in order. Spans are in bytes of `text`, moved by `offset`.
pub fn parts(text: &str, offset: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut open: Option<Open> = None;
    for (event, range) in Parser::new_ext(text, Options::empty()).into_offset_iter() {
        let span = range.start + offset..range.end + offset;
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H2, .. }) => open = Some(Open::heading(span)),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => open = Some(Open::block(span, &info)),
            Event::Text(piece) | Event::Code(piece) => {
                if let Some(open) = &mut open {
                    open.start.get_or_insert(span.start);
                    open.text.push_str(&piece);
                }
            }
            Event::End(TagEnd::Heading(HeadingLevel::H2) | TagEnd::CodeBlock) => {
                parts.extend(open.take().map(Open::close))
            }
            _ => {}
        }
    }
    parts
}

struct Open {
    span: Range<usize>,
    /// `None` for a heading.
    info: Option<String>,
    text: String,
    start: Option<usize>,
}

impl Open {
    fn heading(span: Range<usize>) -> Self {
        Self { span, info: None, text: String::new(), start: None }
    }

    fn block(span: Range<usize>, info: &str) -> Self {
        Self { span, info: Some(info.trim().to_owned()), text: String::new(), start: None }
    }

    fn close(self) -> Part {
        let Self { span, info, text, start } = self;
        match info {
            None => Part::Step { title: text.trim().to_owned(), span },
            Some(info) => Part::Block { info, text, text_start: start.unwrap_or(span.start), span },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_fences_come_with_their_places() {
        let text = "# T\n\nprose\n\n## First `step`\n\n```sh timeout=10s\necho a\necho b\n```\n";
        let found = parts(text, 100);
        let Part::Step { title, span } = &found[0] else { panic!("{found:?}") };
        assert_eq!((title.as_str(), span.start), ("First step", 100 + text.find("##").unwrap()));
        let Part::Block { info, text: body, text_start, .. } = &found[1] else { panic!("{found:?}") };
        assert_eq!((info.as_str(), body.as_str()), ("sh timeout=10s", "echo a\necho b\n"));
        assert_eq!(*text_start, 100 + text.find("echo a").unwrap());
        assert_eq!(found.len(), 2);
    }
}

//! YAML with the line of each part. Nothing of a rule file is known here.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Marker, Parser};

use crate::domain::Position;

/// How deep lists and maps may be nested; a rule file needs six levels.
const DEEPEST: usize = 50;

/// A scalar, and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub text: String,
    pub at: Position,
}

/// A part of a document. An alias shares what it stands for.
#[derive(Clone, Debug)]
pub struct Node {
    pub at: Position,
    pub content: Rc<Content>,
}

#[derive(Debug)]
pub enum Content {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(Text, Node)>),
}

/// Why a text is not YAML, and where.
#[derive(Debug)]
pub struct NotYaml {
    pub at: Position,
    pub message: String,
}

impl Node {
    pub fn map(&self) -> Option<&[(Text, Node)]> {
        match &*self.content {
            Content::Map(pairs) => Some(pairs),
            Content::Scalar(_) | Content::List(_) => None,
        }
    }

    pub fn list(&self) -> Option<&[Node]> {
        match &*self.content {
            Content::List(items) => Some(items),
            Content::Scalar(_) | Content::Map(_) => None,
        }
    }

    pub fn scalar(&self) -> Option<&str> {
        match &*self.content {
            Content::Scalar(text) => Some(text),
            Content::List(_) | Content::Map(_) => None,
        }
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.map()?.iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
    }
}

/// All documents of a text.
pub fn read(text: &str) -> Result<Vec<Node>, NotYaml> {
    let mut reader = Reader::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| wrong(error.marker(), error.info()))?;
        reader.take(event, &span.start)?;
    }
    Ok(reader.documents)
}

/// What is not complete yet.
enum Open {
    List { at: Position, anchor: usize, items: Vec<Node> },
    Map { at: Position, anchor: usize, pairs: Vec<(Text, Node)>, key: Option<Text> },
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    documents: Vec<Node>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, mark: &Marker) -> Result<(), NotYaml> {
        let at = position(mark);
        if self.open.len() > DEEPEST {
            return Err(wrong(mark, "it is nested too deeply"));
        }
        match event {
            Event::Scalar(text, _, anchor, _) => {
                let node = Node { at, content: Rc::new(Content::Scalar(text.into_owned())) };
                self.put(node, anchor, mark)
            }
            Event::SequenceStart(anchor, _) => {
                self.open.push(Open::List { at, anchor, items: Vec::new() });
                Ok(())
            }
            Event::MappingStart(anchor, _) => {
                self.open.push(Open::Map { at, anchor, pairs: Vec::new(), key: None });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { at, anchor, items }) => {
                    self.put(Node { at, content: Rc::new(Content::List(items)) }, anchor, mark)
                }
                Some(Open::Map { at, anchor, pairs, .. }) => {
                    self.put(Node { at, content: Rc::new(Content::Map(pairs)) }, anchor, mark)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(known) => {
                    let node = Node { at, content: Rc::clone(&known.content) };
                    self.put(node, 0, mark)
                }
                None => Err(wrong(mark, "it stands for something that is not complete here")),
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn put(&mut self, node: Node, anchor: usize, mark: &Marker) -> Result<(), NotYaml> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { pairs, key, .. }) => match key.take() {
                Some(key) => pairs.push((key, node)),
                None => {
                    let text = node.scalar().ok_or_else(|| wrong(mark, "a key is a list or a map"))?.to_owned();
                    if pairs.iter().any(|(known, _)| known.text == text) {
                        return Err(wrong(mark, &format!("the key {text:?} is there twice")));
                    }
                    *key = Some(Text { text, at: node.at });
                }
            },
        }
        Ok(())
    }
}

fn position(mark: &Marker) -> Position {
    Position { line: mark.line(), column: mark.col() + 1 }
}

fn wrong(mark: &Marker, message: &str) -> NotYaml {
    NotYaml { at: position(mark), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_line() {
        let documents = read("a: 1\nlist:\n  - x: &one |\n      two\n      lines\n  - *one\n---\nb: {}\n").unwrap();
        assert_eq!(documents.len(), 2);
        let (key, list) = &documents[0].map().unwrap()[1];
        assert_eq!((key.text.as_str(), key.at.to_string().as_str()), ("list", "2:1"));
        let items = list.list().unwrap();
        let (key, value) = &items[0].map().unwrap()[0];
        assert_eq!((key.at.to_string().as_str(), value.scalar()), ("3:5", Some("two\nlines\n")));
        assert_eq!(items[1].scalar(), Some("two\nlines\n"));
        assert!(documents[1].get("b").unwrap().map().unwrap().is_empty());
    }

    #[test]
    fn bad_texts_are_refused_with_their_line() {
        let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
        let cases = [("a: 1\nb: [", 2), ("a: 1\na: 2", 2), ("? [x]\n: 1", 1), ("a: *b", 1), (deep.as_str(), 1)];
        for (text, line) in cases {
            let error = read(text).unwrap_err();
            assert!(error.at.line >= line && !error.message.is_empty(), "{text:.20}: {error:?}");
        }
    }

    #[test]
    fn aliases_of_aliases_take_no_room() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..40 {
            let before = n - 1;
            text.push_str(&format!("a{n}: &a{n} [{}]\n", vec![format!("*a{before}"); 10].join(", ")));
        }
        assert_eq!(read(&text).unwrap()[0].map().unwrap().len(), 40);
    }
}

//! `read_file`: numbered lines of a file, a page at a time, whatever bytes are in it.

use std::fs::File;
use std::io;
use std::io::{BufRead, BufReader};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::blocking;
use super::credential::is_credential;
use super::root::{LastLink, Place, Root, failed};
use super::text::{Encoding, MARK, SNIFFED};
use crate::domain::{EffectClass, FailureKind, Output, Repeat, ToolResult, ToolSpec};
use crate::ports::{Invocation, Prepared, Tool, ToolContext};
use crate::tools::output::shorten;
use crate::tools::{args, cards};

/// Room for the page itself; the rest of an inline output is for the line that says how to go on.
const PAGE_BYTES: usize = Output::INLINE_BYTES - 256;
/// Longest part of one line that is shown.
const LINE_BYTES: usize = 2_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The file, relative to the workspace.
    path: String,
    /// First line to show, from 1.
    #[schemars(range(min = 1))]
    from_line: Option<u64>,
    /// Most lines to show; as many as fit when left out.
    #[schemars(range(min = 1))]
    lines: Option<u64>,
}

/// Shows numbered lines of a file.
pub struct ReadFile {
    spec: ToolSpec,
}

impl Default for ReadFile {
    fn default() -> Self {
        let about = "Shows lines of a file in the workspace, numbered. A long file comes in pages; the last line says \
                     which line to go on from.";
        Self { spec: args::spec::<Args>("read_file", EffectClass::Observe, Repeat::Repeatable, about) }
    }
}

/// One page of a file.
#[derive(Debug, Default, PartialEq)]
struct PageOfLines {
    text: String,
    first: u64,
    shown: u64,
    total: u64,
    /// Why its lines cannot be shown, if they cannot.
    unreadable: Option<&'static str>,
    replaced: bool,
    marked: bool,
    /// Lines that end in CRLF, and in LF alone.
    crlf: u64,
    lf: u64,
}

impl PageOfLines {
    /// Reads the page and counts the lines of the whole file, with memory for one line only.
    fn read(file: impl io::Read, first: u64, most: u64) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(64 * 1024, file);
        let mut page = Self { first, ..Self::default() };
        let begun = reader.fill_buf()?;
        page.unreadable = match Encoding::of(begun) {
            Encoding::Utf16 => Some("UTF-16 text"),
            _ if begun.iter().take(SNIFFED).any(|byte| *byte == 0) => Some("binary"),
            Encoding::Utf8 | Encoding::Other => None,
        };
        if page.unreadable.is_some() {
            return Ok(page);
        }
        page.marked = begun.starts_with(MARK);
        if page.marked {
            reader.consume(MARK.len());
        }
        let mut full = false;
        let mut line = Vec::new();
        while let Some(ending) = next_line(&mut reader, &mut line)? {
            page.total += 1;
            page.crlf += u64::from(ending == b"\r\n");
            page.lf += u64::from(ending == b"\n");
            if page.total >= first && page.shown < most && !full {
                full = !page.push(&line);
            }
        }
        Ok(page)
    }

    /// Adds a line unless the page is full.
    fn push(&mut self, line: &[u8]) -> bool {
        let text = String::from_utf8_lossy(line);
        self.replaced |= matches!(text, std::borrow::Cow::Owned(_));
        let cut = shorten(&text, LINE_BYTES);
        let more = if cut.len() < text.len() { " […]" } else { "" };
        let row = format!("{:>5}  {cut}{more}\n", self.total);
        if self.shown > 0 && self.text.len() + row.len() > PAGE_BYTES {
            return false;
        }
        self.text.push_str(&row);
        self.shown += 1;
        true
    }

    fn into_result(self, place: &Place, size: u64) -> ToolResult {
        let target = place.target();
        let name = target.raw();
        if let Some(what) = self.unreadable {
            let summary = format!("{name} is {what}, {size} bytes");
            return ToolResult::success(summary.clone(), Output::text(format!("{summary}; its bytes are not shown.")));
        }
        if self.shown == 0 && self.first > 1 {
            let problem = format!("{name} has {} lines, so there is no line {}", self.total, self.first);
            return ToolResult::failure(FailureKind::Failed, problem);
        }
        let last = self.first + self.shown.saturating_sub(1);
        let mut text = self.text;
        if last < self.total {
            text.push_str(&format!("({} more lines; go on with from_line {})\n", self.total - last, last + 1));
        }
        match (self.crlf, self.lf) {
            (0, _) => {}
            (_, 0) => text.push_str("(lines end in CRLF; edit_file keeps that)\n"),
            (crlf, lf) => text.push_str(&format!("({crlf} lines end in CRLF and {lf} in LF; edit_file keeps that)\n")),
        }
        if self.marked {
            text.push_str("(the file begins with a byte order mark, which is not shown and stays)\n");
        }
        if self.replaced {
            text.push_str("(bytes that are not UTF-8 are shown as \u{fffd})\n");
        }
        let summary = match (self.shown, self.total) {
            (_, 0) => format!("{name} is empty"),
            (shown, total) if shown == total => format!("{} of {name}", cards::count(total as usize, "line", "lines")),
            (_, total) => format!("lines {}–{last} of {total} of {name}", self.first),
        };
        let mut result = ToolResult::success(summary, Output::text(text));
        result.data = Some(serde_json::json!({"lines": self.total, "from": self.first, "to": last, "bytes": size}));
        result
    }
}

/// Reads the next line into `line`, keeping only what could be shown of it, and says how it ends. `None` at the end.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<&'static [u8]>> {
    line.clear();
    let mut any = false;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(any.then_some(b"".as_slice()));
        }
        any = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        let room = (LINE_BYTES + 8).saturating_sub(line.len()).min(part.len());
        line.extend_from_slice(&part[..room]);
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            let ending = if line.pop_if(|last| *last == b'\r').is_some() { b"\r\n".as_slice() } else { b"\n" };
            return Ok(Some(ending));
        }
    }
}

impl ReadFile {
    fn read(spec: &ToolSpec, context: &ToolContext, args: &Value) -> Result<ToolResult, ToolResult> {
        let args: Args = args::parse(spec, args)?;
        let root = Root::of(context)?;
        let place = root.resolve(&args.path, LastLink::Follow)?;
        let file = open(&root, &place)?;
        let size = file.metadata().map(|metadata| metadata.len()).unwrap_or_default();
        let page = PageOfLines::read(file, args.from_line.unwrap_or(1), args.lines.unwrap_or(u64::MAX))
            .map_err(|error| failed(&place, "read", &error))?;
        Ok(page.into_result(&place, size))
    }
}

fn open(root: &Root, place: &Place) -> Result<File, ToolResult> {
    if place.is_root() || root.look(place).is_ok_and(|(kind, _)| kind.is_dir()) {
        let shown = place.target();
        let problem = format!("`{}` is a directory; list_files shows what is in it", shown.raw());
        return Err(ToolResult::failure(FailureKind::Failed, problem));
    }
    root.open_file(place).map_err(|error| failed(place, "read", &error))
}

#[async_trait]
impl Tool for ReadFile {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let (spec, context, args) = (self.spec.clone(), context.clone(), args.clone());
        blocking(move || {
            let parsed: Args = args::parse(&spec, &args)?;
            let root = Root::of(&context)?;
            let place = root.resolve(&parsed.path, LastLink::Follow)?;
            open(&root, &place)?;
            let mut card = cards::observe(&spec, "read", place.target(), &args);
            cards::fact(&mut card, "path", place.shown());
            cards::fact(&mut card, "inside_workspace", true);
            cards::fact(&mut card, "credential", is_credential(place.path()));
            Ok(Prepared::Effect(Box::new(card)))
        })
        .await?
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        let (spec, context, args) = (self.spec.clone(), invocation.context.clone(), invocation.args.clone());
        let target = invocation.card.targets.clone();
        let performed = blocking(move || {
            let parsed: Args = args::parse(&spec, &args)?;
            let place = Root::of(&context)?.resolve(&parsed.path, LastLink::Follow)?;
            // What was judged is the file the path led to then.
            if target != [place.target()] {
                return Err(super::change::drifted(&place));
            }
            Self::read(&spec, &context, &args)
        });
        performed.await.and_then(|result| result).unwrap_or_else(|result| result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(content: &[u8], first: u64, most: u64) -> PageOfLines {
        PageOfLines::read(content, first, most).unwrap()
    }

    #[test]
    fn lines_are_numbered_from_one() {
        let page = page(b"a\nb\r\nc", 1, 10);
        assert_eq!(page.text, "    1  a\n    2  b\n    3  c\n");
        assert_eq!((page.shown, page.total), (3, 3));
    }

    #[test]
    fn a_page_stops_where_it_is_full_and_counts_the_rest() {
        let text: String = (1..=5_000).map(|n| format!("line {n}\n")).collect();
        let page = page(text.as_bytes(), 100, u64::MAX);
        assert!(page.text.len() <= PAGE_BYTES && page.text.starts_with("  100  line 100\n"));
        assert_eq!(page.total, 5_000);
        assert_eq!(page.text.lines().count() as u64, page.shown);
    }

    #[test]
    fn endless_lines_broken_utf8_and_nuls_survive() {
        let long = page(&vec![b'x'; 1_000_000], 1, 10);
        assert!(long.text.ends_with("[…]\n") && long.text.len() < 3_000 && long.total == 1);
        let broken = page(b"ok \xff\xfe\n", 1, 10);
        assert!(broken.replaced && broken.text.contains("ok \u{fffd}"));
        assert!(page(b"\x7fELF\0\0", 1, 10).unreadable == Some("binary"));
        assert_eq!(page(b"", 1, 10), PageOfLines { first: 1, ..PageOfLines::default() });
    }
}

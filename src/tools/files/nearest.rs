//! Where the text an edit looked for almost is, so that the next try finds it.

use similar::TextDiff;

use crate::tools::output::shorten;

/// Windows compared character by character; the rest is told apart by whole lines.
const COMPARED: usize = 8;
/// Below this likeness the closest place helps nobody.
const LIKE_ENOUGH: f32 = 0.5;
const LONGEST_SHOWN: usize = 2_000;

/// What to do about an `old` that occurs nowhere in `text`.
pub fn advice(text: &str, old: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let wanted: Vec<&str> = old.lines().collect();
    match closest(&lines, &wanted) {
        Some(start) => {
            let end = (start + wanted.len()).min(lines.len());
            let found = lines[start..end].join("\n");
            let why = if same_words(&found, old) { " It differs in white space only." } else { "" };
            let range = if end - start > 1 { format!("lines {}–{end}", start + 1) } else { format!("line {end}") };
            format!("The closest place is {range}:{why}\n{}", shorten(&found, LONGEST_SHOWN))
        }
        None => "Nothing like it is in the file; look at it with read_file first.".to_owned(),
    }
}

/// First line of the window most like `wanted`.
fn closest(lines: &[&str], wanted: &[&str]) -> Option<usize> {
    if wanted.is_empty() || lines.is_empty() {
        return None;
    }
    let last = lines.len().saturating_sub(wanted.len());
    let mut ranked: Vec<(usize, usize)> = (0..=last).map(|start| (rough(&lines[start..], wanted), start)).collect();
    ranked.sort_by_key(|(score, start)| (std::cmp::Reverse(*score), *start));
    let old = wanted.join("\n");
    let likeness = |start: usize| {
        let window = lines[start..(start + wanted.len()).min(lines.len())].join("\n");
        TextDiff::from_chars(shorten(&old, LONGEST_SHOWN), shorten(&window, LONGEST_SHOWN)).ratio()
    };
    let compared = ranked.iter().take(COMPARED).map(|(_, start)| (likeness(*start), *start));
    let best = compared.max_by(|(a, first), (b, second)| a.total_cmp(b).then(second.cmp(first)))?;
    (best.0 >= LIKE_ENOUGH).then_some(best.1)
}

/// Words the window shares with the wanted lines, place by place. Cheap enough for every window of a large file.
fn rough(window: &[&str], wanted: &[&str]) -> usize {
    let shared = |(have, want): (&&str, &&str)| {
        let (have, want) = (have.trim(), want.trim());
        if have == want {
            return want.len();
        }
        let words = want.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 1);
        words.filter(|word| have.contains(word)).map(str::len).sum()
    };
    window.iter().zip(wanted.iter().take(40)).map(shared).sum()
}

fn same_words(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "fn one() {\n    let total = sum(items);\n    total\n}\n\nfn two() {\n    three()\n}\n";

    #[test]
    fn other_white_space_is_named_as_the_reason() {
        let said = advice(FILE, "fn one() {\n  let total = sum(items);");
        assert!(
            said.starts_with("The closest place is lines 1–2: It differs in white space only.\nfn one()"),
            "{said}"
        );
    }

    #[test]
    fn a_misremembered_line_is_found() {
        let said = advice(FILE, "let total = sum(values);");
        assert!(said.starts_with("The closest place is line 2:\n    let total = sum(items);"), "{said}");
    }

    #[test]
    fn nothing_alike_says_so() {
        assert!(advice(FILE, "completely unrelated words").starts_with("Nothing like it"));
        assert!(advice("", "x").starts_with("Nothing like it"));
    }
}

//! Two cards of different actions never look the same: painted, as plain text, whatever differs in them.

use std::sync::LazyLock;

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::json;

use super::tests::asked;
use super::*;
use crate::console::plain;
use crate::console::render::paint;
use crate::console::theme::Theme;
use crate::console::view::fixtures::*;
use crate::domain::Payload;
use crate::domain::nasty_text;
use crate::domain::nasty_text::seen;

/// Where a card holds text from outside.
const PLACES: usize = 14;

static KEYMAP: LazyLock<Keymap> = LazyLock::new(|| Keymap::builtin().unwrap());
static THEME: LazyLock<Theme> = LazyLock::new(|| Theme::builtin("monochrome").unwrap().unwrap());

/// A card that holds `text` in one place.
fn holding(text: &str, place: usize) -> EffectCard {
    let arguments = |args: serde_json::Value| Payload::Arguments { args };
    let exec = |argv: Vec<Untrusted>, cwd: &str, env: Vec<Untrusted>| Payload::Exec { argv, cwd: cwd.into(), env };
    let words = || vec!["git".into(), "push".into()];
    let patch =
        |path: &str, diff: String| Payload::Patch { path: path.into(), before: String::new(), diff: diff.into() };
    let mut card = EffectCard { facts: serde_json::Map::new(), change: None, ..push_card() };
    card.payload = arguments(json!({}));
    match place {
        0 => card.targets = vec![text.into()],
        1 => card.targets = vec!["main".into(), text.into()],
        2 => card.payload = exec(vec!["rm".into(), text.into()], "/", Vec::new()),
        3 => card.payload = exec(words(), text, Vec::new()),
        4 => card.payload = exec(words(), "/", vec![text.into(), "HOME".into()]),
        5 => card.payload = patch(text, "@@ -0,0 +1 @@\n+x\n".to_owned()),
        6 => card.payload = patch("a", format!("--- a\n+++ a\n@@ -1,9 +1,9 @@\n {text}\n+{text}\n")),
        7 => card.payload = Payload::Delete { paths: vec!["a".into(), text.into()] },
        8 => card.payload = arguments(json!({ "path": text, "limit": 20 })),
        9 => card.payload = arguments(json!({ text: "x", "files": [text, text] })),
        10 => card.payload = arguments((0..12).fold(json!(text), |inner, _| json!([inner]))),
        11 => card.change = Some(text.into()),
        12 => card.change = Some(format!("diff --git a/x b/x\n{text}\n@@ -1 +1 @@\n-a\n+b\n").into()),
        _ => _ = card.facts.insert("branch".to_owned(), text.into()),
    }
    if card.change.as_ref().is_some_and(Untrusted::is_empty) {
        card.change = None;
    }
    card
}

/// What an eye sees of a card on a terminal. Its digest differs anyway, which nobody compares.
fn painted(card: &EffectCard, width: usize) -> String {
    let (story, approval) = asked(card.clone());
    let approval = &story.snapshot.approvals[&approval];
    let (snapshot, now) = (&story.snapshot, story.now());
    let context = CardContext { approval, snapshot, keymap: &KEYMAP, now, width, extent: Extent::Card, evidence: None };
    let mut cache = CardCache::default();
    let rows: Vec<_> = cache.view(&context).rows().filter(|row| !row.text().starts_with("digest")).cloned().collect();
    let area = Rect::new(0, 0, width as u16, rows.len() as u16);
    let mut buffer = Buffer::empty(area);
    paint(&rows, &THEME, area, &mut buffer);
    let row = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    seen(&(0..area.height).map(row).collect::<Vec<_>>().join("\n"))
}

fn printed(card: &EffectCard) -> String {
    let (story, approval) = asked(card.clone());
    let lines = plain::card(&story.snapshot.approvals[&approval], &story.snapshot, &KEYMAP, story.now());
    let told = lines.iter().filter(|line| !line.starts_with("digest") && !line.starts_with("To decide"));
    seen(&told.map(String::as_str).collect::<Vec<_>>().join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn two_cards_never_look_the_same((a, b) in nasty_text::pair(), place in 0..PLACES, width in 60_usize..110) {
        let (a, b) = (holding(&a, place), holding(&b, place));
        prop_assume!(a != b);
        prop_assert_ne!(painted(&a, width), painted(&b, width));
        prop_assert_ne!(printed(&a), printed(&b));
    }

    /// The same where rows end: a break of ours is not one of theirs.
    #[test]
    fn nor_do_they_where_rows_end(
        (a, b) in nasty_text::pair(),
        long in 30_usize..110,
        place in 0..PLACES,
        width in 60_usize..70,
    ) {
        let filled = |text: &str| format!("{}{text}{}", "x".repeat(long), "y".repeat(70));
        let (a, b) = (holding(&filled(&a), place), holding(&filled(&b), place));
        prop_assert_ne!(painted(&a, width), painted(&b, width));
        prop_assert_ne!(printed(&a), printed(&b));
    }
}

#[test]
fn the_pairs_that_were_taken_for_each_other() {
    let pairs = [
        ("rel\u{200b}x", "rel⟨U+200B⟩x"),
        ("delete no\u{a0}te", "delete no te"),
        ("a\tb", "a→b"),
        ("a\tb", "a    b"),
        ("a\nb", "a⏎b"),
        ("a\r\nb", "a\nb"),
        ("a", "a "),
        ("\u{e9}", "e\u{301}"),
        ("and 1 more", "and 1 more\u{3000}"),
    ];
    for (a, b) in pairs {
        for place in 0..PLACES {
            let (a, b) = (holding(a, place), holding(b, place));
            assert_ne!(painted(&a, 80), painted(&b, 80), "place {place}");
            assert_ne!(printed(&a), printed(&b), "place {place}");
        }
    }
}

#[test]
fn other_shapes_of_the_same_words_do_not_look_the_same() {
    let card = |args| EffectCard { payload: Payload::Arguments { args }, ..push_card() };
    let different = [
        json!({ "a": ["x"] }),
        json!({ "a": { "1": "x" } }),
        json!({ "a": "x" }),
        json!({ "a": { "x": null } }),
        json!({ "a": "null" }),
        json!({ "a": null }),
        json!({ "a": {} }),
        json!({ "a": "{}" }),
        json!({ "a": [] }),
        json!({ "a": "20" }),
        json!({ "a": 20 }),
    ];
    let pictures: std::collections::BTreeSet<_> =
        different.iter().map(|args| painted(&card(args.clone()), 80)).collect();
    assert_eq!(pictures.len(), different.len());
    let targets = |targets: &[&str]| EffectCard {
        targets: targets.iter().map(|target| (*target).into()).collect(),
        ..push_card()
    };
    let title = |card: &EffectCard| effect_title(card).text();
    assert_ne!(title(&targets(&["a and 1 more"])), title(&targets(&["a", "b"])));
}

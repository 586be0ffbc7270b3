//! Two cards of different actions never look the same when painted, whatever differs in them.

use std::sync::LazyLock;

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::json;

use crate::console::keymap::Keymap;
use crate::console::render::paint;
use crate::console::state::Extent;
use crate::console::theme::Theme;
use crate::console::view::card::{CardCache, CardContext, asked, effect_title};
use crate::console::view::fixtures::*;
use crate::domain::nasty_text::seen;
use crate::domain::{EffectCard, Payload, nasty_text};

static KEYMAP: LazyLock<Keymap> = LazyLock::new(|| Keymap::builtin().unwrap());
static THEME: LazyLock<Theme> = LazyLock::new(|| Theme::builtin("monochrome").unwrap().unwrap());

/// What an eye sees of a card on a terminal. Its digest differs anyway, which nobody compares.
fn painted(card: &EffectCard, width: usize) -> String {
    let (story, approval) = asked(card.clone());
    let approval = &story.snapshot.approvals[&approval];
    let (snapshot, now) = (&story.snapshot, story.now());
    let (keymap, extent) = (&*KEYMAP, Extent::Card);
    let context = CardContext { approval, snapshot, keymap, now, width, extent, evidence: None, outcome: None };
    let mut cache = CardCache::default();
    let rows = cache.view(&context).all();
    let area = Rect::new(0, 0, width as u16, rows.len() as u16);
    let mut buffer = Buffer::empty(area);
    paint(&rows, &THEME, area, &mut buffer);
    let row = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    let picture = (0..area.height).map(row).collect::<Vec<_>>().join("\n");
    seen(&picture.replace(card.digest().shown(), "the digest  "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn two_cards_never_look_the_same((a, b) in nasty_text::pair(), place in 0..PLACES, width in 60_usize..110) {
        let (a, b) = (holding(&a, place), holding(&b, place));
        prop_assume!(a != b);
        prop_assert_ne!(painted(&a, width), painted(&b, width));
    }

    /// The same where what will run stands beside the change.
    #[test]
    fn nor_do_they_on_a_wide_screen((a, b) in nasty_text::pair(), place in 0..PLACES, width in 120_usize..240) {
        let (a, b) = (holding(&a, place), holding(&b, place));
        prop_assume!(a != b);
        prop_assert_ne!(painted(&a, width), painted(&b, width));
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

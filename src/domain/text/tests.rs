//! What people see of hostile text: every kind of hidden character, and pairs that must not look the same.

use proptest::prelude::*;

use super::*;

/// What is easily taken for something else.
pub const NASTY: &[&str] = &[
    "a",
    "b",
    " ",
    "  ",
    "\t",
    "    ",
    "\n",
    "\r",
    "\u{1b}",
    "\u{7f}",
    "\u{85}",
    "\u{9b}",
    "⏎",
    "→",
    "⇥",
    "␛",
    "␠",
    "␍",
    "␡",
    "␤",
    "…",
    "...",
    "⟨",
    "⟩",
    "⟨U+200B⟩",
    "⟨U+27E8⟩",
    "⟨mixed scripts⟩",
    "\u{a0}",
    "\u{1680}",
    "\u{2000}",
    "\u{2007}",
    "\u{200a}",
    "\u{202f}",
    "\u{205f}",
    "\u{3000}",
    "\u{2800}",
    "\u{3164}",
    "\u{115f}",
    "\u{1160}",
    "\u{ffa0}",
    "\u{fffc}",
    "\u{1d159}",
    "\u{13441}",
    "\u{200b}",
    "\u{200d}",
    "\u{202e}",
    "\u{2028}",
    "\u{feff}",
    "\u{e0041}",
    "\u{fe0f}",
    "\u{34f}",
    "\u{17b4}",
    "\u{180e}",
    "\u{ad}",
    "é",
    "e",
    "\u{301}",
    "e\u{301}",
    "\u{344}",
    "\u{212b}",
    "å",
    "\u{2126}",
    "Ω",
    "\u{fb4b}",
    "i",
    "\u{307}",
    "한",
    "\u{1112}\u{1161}\u{11ab}",
    "か",
    "が",
    "\u{3099}",
    "ก",
    "\u{e34}",
    "\u{e48}",
    "क",
    "\u{93c}",
    "\u{958}",
    "\u{902}",
    "─",
    "│ ",
    "┊ ",
    "'",
    "\"",
    "\\",
    "\\n",
    ", ",
    "1  ",
    "\u{378}",
    "\u{fdd0}",
    "\u{fffd}",
    "日",
    "👍",
    "👍🏽",
    "🇩",
    "🇪",
];

pub fn nasty() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(NASTY), 0..5).prop_map(|parts| parts.concat())
}

/// A text and another one that is the same but for a piece, or has nothing to do with it.
pub fn pair() -> impl Strategy<Value = (String, String)> {
    let near = (nasty(), nasty(), nasty(), nasty())
        .prop_map(|(from, a, b, to)| (format!("{from}{a}{to}"), format!("{from}{b}{to}")));
    prop_oneof![(nasty(), nasty()), near].prop_filter("two texts", |(a, b)| a != b)
}

/// What is left of a picture for an eye: blanks at the end and the spelling of a letter are not.
pub fn seen(picture: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let lines = picture.split('\n').map(|line| line.trim_end_matches(' '));
    lines.collect::<Vec<_>>().join("\n").nfc().filter(|c| c.width() != Some(0) || is_mark(*c)).collect()
}

fn lines(text: &str) -> String {
    Untrusted::from(text).visible_lines().collect::<Vec<_>>().join("\n")
}

fn line(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}

#[test]
fn an_escape_sequence_is_shown_not_obeyed() {
    assert_eq!(line("ok\u{1b}]52;c;ZXZpbA==\u{7}"), "ok␛]52;c;ZXZpbA==␇");
}

#[test]
fn reordering_and_hidden_characters_get_names() {
    assert_eq!(line("rm\u{202e}x\u{200b}\u{e0041}\u{2028}"), "rm⟨U+202E⟩x⟨U+200B⟩⟨U+E0041⟩⟨U+2028⟩");
}

#[test]
fn lines_keep_their_breaks_and_lose_nothing_else() {
    assert_eq!(lines("\ta\tb\r\nc\rd  \n  e  f\n"), "⇥   a⇥   b␍\nc␍d␠␠\n  e  f\n");
}

#[test]
fn the_signs_of_marks_are_named_themselves() {
    assert_eq!(line("rel⟨U+200B⟩x"), "rel⟨U+27E8⟩U+200B⟩x");
    assert_eq!(line("⏎→⇥␛␠…"), "⟨U+23CE⟩→⟨U+21E5⟩⟨U+241B⟩⟨U+2420⟩⟨U+2026⟩");
    assert_eq!(lines("⏎→⇥␛␠…"), "⟨U+23CE⟩→⟨U+21E5⟩⟨U+241B⟩⟨U+2420⟩…");
}

#[test]
fn every_blank_that_is_not_a_blank_between_words_is_seen() {
    assert_eq!(line(" a b  c "), "␠a b␠␠c␠");
    for blank in "\u{a0}\u{1680}\u{2000}\u{200a}\u{202f}\u{205f}\u{3000}\u{2800}\u{3164}\u{115f}\u{1160}\u{ffa0}\u{180e}\u{1d159}".chars()
    {
        let name = format!("delete no⟨U+{:04X}⟩te", blank as u32);
        assert_eq!(line(&format!("delete no{blank}te")), name);
        assert_eq!(lines(&format!("delete no{blank}te")), name);
    }
}

#[test]
fn a_letter_in_parts_is_not_the_letter() {
    assert_eq!(line("é e\u{301} \u{301}x x\u{302} \u{212b}"), "é e⟨U+0301⟩ ⟨U+0301⟩x x⟨U+0302⟩ ⟨U+212B⟩");
    assert_eq!(line("한\u{1112}\u{1161}\u{11ab}"), "한⟨U+1112⟩⟨U+1161⟩⟨U+11AB⟩");
    // Where no letter has it as part of itself, a mark is text like any other, once.
    assert_eq!(line("ที่ हिंदी"), "ที่ हिंदी");
    assert_eq!(line("ก\u{e34}\u{e34}"), "ก\u{e34}⟨U+0E34⟩");
}

#[test]
fn what_was_made_visible_is_not_marked_again() {
    for text in NASTY {
        assert_eq!(printable(&line(text)), line(text));
    }
    assert_eq!(printable("a\u{1b}\u{200b}\nb ⟨U+200B⟩ "), "a␛⟨U+200B⟩⏎b ⟨U+200B⟩ ");
}

#[test]
fn a_disguised_word_is_noticed() {
    assert!(Untrusted::from("push to раypal").has_mixed_scripts());
    assert!(Untrusted::from("p\u{430}\u{301}ypal").has_mixed_scripts());
    assert!(!Untrusted::from("push to paypal, привет").has_mixed_scripts());
    for twin in ["\u{430}", "release/\u{441}\u{43e}", "\u{391}"] {
        assert!(Untrusted::from(twin).has_mixed_scripts(), "{twin} is a Latin word to the eye");
    }
    assert!(!Untrusted::from("хор в лесу").has_mixed_scripts());
}

#[test]
fn what_looks_like_a_hyphen_in_a_name_is_named() {
    for twin in ['\u{2010}', '\u{2011}', '\u{2013}', '\u{2212}', '\u{ff0d}'] {
        let shown = Untrusted::from(format!("x{twin}y")).visible().into_owned();
        assert_eq!(shown, format!("x⟨U+{:04X}⟩y", twin as u32));
    }
    assert_eq!(visible_line("3 \u{2212} 1 \u{2013} as written"), "3 \u{2212} 1 \u{2013} as written");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]
    #[test]
    fn two_texts_never_look_the_same((a, b) in pair()) {
        prop_assert_ne!(seen(&line(&a)), seen(&line(&b)));
        prop_assert_ne!(lines(&a), lines(&b));
        // Only where a tab ends a line are blanks at its end left, and they tell nothing.
        prop_assert_ne!(seen(&lines(&a)), seen(&lines(&b)));
    }

    #[test]
    fn any_two_texts_differ_when_shown(a in any::<String>(), b in any::<String>()) {
        prop_assert!(a == b || line(&a) != line(&b));
        let shown = line(&a);
        prop_assert_eq!(printable(&shown), shown.as_str());
        prop_assert!(lines(&a).chars().all(|c| c == '\n' || is_plain(c) || is_mark(c)));
    }
}

//! Secrets of any kind, in any encoding, wrapped anywhere and cut anywhere, are found; nothing else is touched.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

const SECRET: &str = "sk-Zx81/qq+private?";

fn known() -> Secrets {
    let named = |(name, value): (&str, String)| (format!("[secret {name}]"), value);
    Secrets::new([("SHORTER", SECRET.to_owned()), ("LONGER", format!("{SECRET}-and-more"))].map(named))
}

fn only(value: &str) -> Secrets {
    Secrets::new([("[hidden]".to_owned(), value.to_owned())])
}

fn clean(secrets: &Secrets, text: &str) -> String {
    secrets.text(text).unwrap_or_else(|| text.to_owned())
}

/// The text as it leaves a stream that is cut at these places.
fn streamed(secrets: &Secrets, text: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    cuts.sort_unstable();
    let (mut held, mut out, mut from) = (Held::default(), Vec::new(), 0);
    for cut in cuts.into_iter().chain([text.len()]) {
        out.extend(held.push(secrets, &text[from..cut]));
        from = cut;
    }
    out.extend(held.finish(secrets));
    out
}

/// The ways to write a byte of a text, by number. Any of them may follow any other.
fn written(character: char, way: u8) -> String {
    let mut buffer = [0; 4];
    let bytes = character.encode_utf8(&mut buffer).as_bytes();
    let each = |form: &dyn Fn(u8) -> String| bytes.iter().map(|byte| form(*byte)).collect::<String>();
    let mut units = [0; 2];
    let utf16 =
        |prefix: &str, units: &[u16]| units.iter().map(|unit| format!("{prefix}{unit:04x}")).collect::<String>();
    match way % 16 {
        0 => each(&|byte| format!("%{byte:02X}")),
        1 => each(&|byte| format!("%{byte:02x}")),
        2 => each(&|byte| format!("%25{byte:02X}")),
        3 => utf16("\\u", character.encode_utf16(&mut units)),
        4 => utf16("\\\\u", character.encode_utf16(&mut units)),
        5 => format!("\\u{{{:x}}}", u32::from(character)),
        6 => each(&|byte| format!("\\x{byte:02X}")),
        7 => each(&|byte| format!("\\{byte:03o}")),
        8 => format!("&#{};", u32::from(character)),
        9 => format!("&amp;#x{:X};", u32::from(character)),
        10 => each(&|byte| format!("={byte:02X}")),
        11 if !character.is_alphanumeric() && character.is_ascii() => format!("\\{character}"),
        12 => {
            let quoted = serde_json::to_string(&character.to_string()).unwrap();
            quoted[1..quoted.len() - 1].to_owned()
        }
        13 => match character {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&#39;".to_owned(),
            other => other.to_string(),
        },
        _ => character.to_string(),
    }
}

const GAPS: [&str; 14] = ["", "", "", "", "", " ", "\n", "\r\n", "\t", "\\n", "\\r\\n", "\n    ", "\n+", "\u{1b}[31m"];
const SEPARATORS: [&str; 10] = [" ", "", ":", ", 0x", "-", "\\x", "\n", "\n  00", " 0x", ",\n\t0x"];

fn of_each<T: Clone>(choices: &[T], numbers: &[u8], place: usize) -> T {
    choices[usize::from(numbers[place % numbers.len()]) % choices.len()].clone()
}

fn secret() -> impl Strategy<Value = String> {
    let characters = "[!-~éλ🦀]{8,40}".prop_filter("not a gap", |text: &String| !text.contains('\u{feff}'));
    prop_oneof![4 => characters, 1 => "[a-z]{4,9}( [a-z]{4,9}){1,3}", 1 => "[0-9]{8,20}", 1 => "a{8,12}b?"]
}

fn check_base64(
    secret: &str,
    (before, after): (&str, &str),
    (alphabet, width, gap): (usize, usize, usize),
    cuts: &[usize],
) {
    let content = format!("{before}{}{after}", secret.trim());
    let encoded = [STANDARD.encode(&content), URL_SAFE.encode(&content), URL_SAFE_NO_PAD.encode(&content)];
    let lines: Vec<_> = encoded[alphabet].as_bytes().chunks(width).map(|line| str::from_utf8(line).unwrap()).collect();
    let text = lines.join(GAPS[gap]);
    let secrets = only(secret);
    let cleaned = clean(&secrets, &text);
    assert!(cleaned.contains("[hidden]"), "{text}");
    assert_eq!(streamed(&secrets, text.as_bytes(), cuts), cleaned.as_bytes());
    // Percent signs, slashes and line ends of it may be escaped once more.
    let again: String = text.chars().map(|c| if c.is_alphanumeric() { c.to_string() } else { written(c, 0) }).collect();
    assert!(clean(&secrets, &again).contains("[hidden]"), "{again}");
}

#[test]
fn in_base64_in_lines_of_one_letter() {
    check_base64("aa!!a🦀0A", ("", ""), (0, 1, 9), &[]);
    check_base64("🦀aλéλ!0A", ("a", ""), (0, 1, 12), &[]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn escaped_and_wrapped_in_any_mixture(
        secret in secret(),
        ways in proptest::collection::vec(any::<u8>(), 1..8),
        gaps in proptest::collection::vec(any::<u8>(), 1..8),
        cuts in proptest::collection::vec(any::<usize>(), 0..8),
    ) {
        let mut text = String::from("«");
        for (place, character) in secret.trim().chars().enumerate() {
            if place > 0 {
                text.push_str(of_each(&GAPS, &gaps, place));
            }
            text.push_str(&written(character, ways[place % ways.len()]));
        }
        text.push('»');
        let secrets = only(&secret);
        prop_assert_eq!(clean(&secrets, &text), "«[hidden]»", "{}", text);
        prop_assert_eq!(streamed(&secrets, text.as_bytes(), &cuts), "«[hidden]»".as_bytes());
    }

    #[test]
    fn in_base64_at_any_alignment_and_width(
        secret in secret(),
        before in "[ -~]{0,9}",
        after in "[ -~]{0,9}",
        alphabet in 0..3_usize,
        width in 1..80_usize,
        gap in 0..GAPS.len() - 1,
        cuts in proptest::collection::vec(any::<usize>(), 0..8),
    ) {
        check_base64(&secret, (&before, &after), (alphabet, width, gap), &cuts);
    }

    #[test]
    fn in_hexadecimal_with_any_separators(
        secret in secret(),
        separators in proptest::collection::vec(any::<u8>(), 1..4),
        upper in proptest::collection::vec(any::<bool>(), 1..4),
        cuts in proptest::collection::vec(any::<usize>(), 0..8),
    ) {
        let mut text = String::from("«");
        for (place, byte) in secret.trim().bytes().enumerate() {
            if place > 0 {
                text.push_str(of_each(&SEPARATORS, &separators, place));
            }
            text.push_str(&if upper[place % upper.len()] { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        text.push('»');
        let secrets = only(&secret);
        prop_assert_eq!(clean(&secrets, &text), "«[hidden]»", "{}", text);
        prop_assert_eq!(streamed(&secrets, text.as_bytes(), &cuts), "«[hidden]»".as_bytes());
    }

    #[test]
    fn a_stream_and_a_whole_text_agree_on_anything(
        pieces in proptest::collection::vec((0..SCRAPS.len(), any::<bool>()), 0..24),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
    ) {
        let text: String = pieces.iter().map(|(scrap, half)| {
            let scrap = SCRAPS[*scrap];
            if *half { &scrap[..scrap.len() / 2] } else { scrap }
        }).collect();
        let secrets = known();
        let whole = secrets.bytes(text.as_bytes()).into_owned();
        prop_assert_eq!(streamed(&secrets, text.as_bytes(), &cuts), whole.clone());
        prop_assert_eq!(secrets.bytes(&whole).into_owned(), whole.clone(), "a second look changes nothing");
        prop_assert!(!String::from_utf8_lossy(&whole).contains(SECRET));
    }

    #[test]
    fn other_text_is_left_as_it_is(text in "\\PC{0,200}") {
        prop_assert_eq!(known().text(&text), None);
    }
}

const SCRAPS: [&str; 14] = [
    SECRET,
    "-and-more",
    "sk-Zx81%2Fqq%2bprivate%3f",
    "c2stWng4MS9xcStwcml2YXRlPw==",
    " ",
    "\n",
    "\\",
    "%25",
    "&amp;",
    "73 6b 2d 5a",
    "736b2d5a7838312f71712b707269766174653f",
    "s",
    "\u{1b}[0m",
    "plain words",
];

#[test]
fn the_longest_secret_is_named() {
    let text = format!("key={SECRET}-and-more, key={SECRET}, abc");
    assert_eq!(clean(&known(), &text), "key=[secret LONGER], key=[secret SHORTER], abc");
}

#[test]
fn two_that_overlap_leave_nothing_of_either() {
    let secrets = Secrets::new([("[a]".to_owned(), "12345678".to_owned()), ("[b]".to_owned(), "56789abcd".to_owned())]);
    assert_eq!(clean(&secrets, "<123456789abcd>"), "<[b]>");
    assert_eq!(clean(&secrets, "<1234567812345678>"), "<[a][a]>");
}

#[test]
fn what_is_too_short_or_empty_is_not_searched_for() {
    for value in ["", " ", "k", "1234567", "  1234567\n", "éééé"] {
        assert!(only(value).is_empty() && !Secrets::protects(value), "{value:?}");
    }
    assert_eq!(clean(&only("  12345678\n"), "12345678"), "[hidden]");
    assert_eq!(
        clean(&only("correct horse"), "correct+horse, correct\n  horse, correcthorse"),
        "[hidden], [hidden], correcthorse"
    );
}

#[test]
fn a_label_never_holds_what_it_stands_for() {
    let secrets = Secrets::new([("[secret password]".to_owned(), "password".to_owned())]);
    let once = clean(&secrets, "the password");
    assert_eq!(once, "the [1]");
    assert_eq!(clean(&secrets, &once), once);
}

#[test]
fn what_was_cut_off_is_still_found() {
    let secrets = known();
    assert_eq!(secrets.part("a line sk-Zx81/", Part::Head).unwrap(), "a line [secret LONGER]");
    assert_eq!(secrets.part("private? a line", Part::Tail).unwrap(), "[secret SHORTER] a line");
    assert_eq!(secrets.part("ate? a line", Part::Head), None);
    assert_eq!(secrets.part("a line sk", Part::Head), None);
}

#[test]
fn a_word_of_ours_stays_in_our_sentences_and_goes_from_what_they_quote() {
    let secrets = only("connection");
    let said = secrets.sentence("it broke the connection: no \"connection\" (Y29ubmVjdGlvbg==)").unwrap();
    assert_eq!(said, "it broke the connection: no \"[hidden]\" ([hidden]g==)");
    assert_eq!(secrets.sentence("it broke the connection"), None);
    assert_eq!(secrets.sentence("it says: no connect…; wait").unwrap(), "it says: no [hidden]…; wait");
    assert!(only("connect10n").sentence("it broke the connect10n").is_some());
}

#[test]
fn what_cannot_become_a_secret_is_not_held_back() {
    let (secrets, mut held) = (known(), Held::default());
    assert_eq!(held.push(&secrets, b"plain words, sk"), b"plain words, ");
    assert_eq!(held.push(&secrets, b"ating"), b"skating");
    assert_eq!(held.push(&secrets, b"sk-Zx81"), b"");
    for _ in 0..100 {
        held.push(&secrets, &[b' '; 100]);
    }
    assert_eq!(held.push(&secrets, b"!").len(), 1);
}

/// Megabytes are searched in a time that grows with their length alone, whatever they are made of.
#[test]
fn a_long_text_is_searched_once() {
    let secrets =
        Secrets::new([("[a]".to_owned(), format!("{}b", "a".repeat(40))), ("[b]".to_owned(), SECRET.to_owned())]);
    for scrap in ["a", "a ", "\\", "s", "&amp;", "%25", "61 ", "YWJh\n1"] {
        let text = scrap.repeat(20_000 / scrap.len());
        let begun = std::time::Instant::now();
        assert_eq!(secrets.text(&text), None);
        assert!(begun.elapsed().as_secs() < 10, "{scrap:?}: {:?}", begun.elapsed());
    }
}

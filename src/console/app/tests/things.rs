//! Kinds that are told by their surfaces: found in the palette, listed, opened, and asked for what they can do.

use uuid::Uuid;

use super::harness::Harness;
use crate::console::view::fixtures::{ana, night};
use crate::domain::Untrusted;
use crate::kinds::{Envelope, Event, Stream, ToyEvent, ToyId, ToyVerb};

fn id(number: u128) -> ToyId {
    ToyId::from(Uuid::from_u128(0x0197_2f00_0000_7000_8000_0000_aaaa_0000 + number))
}

async fn with_toys(width: u16, height: u16) -> Harness {
    let mut story = night();
    let at = story.now();
    let names = [
        "kite",
        "drum",
        "日本の凧 with a long tail that does not fit anywhere near where it is to be shown, and \u{1b}[2J",
    ];
    for (number, name) in (1..).zip(names) {
        let stream = Stream::Toy(id(number));
        let made = ToyEvent::Made { name: name.into(), until: at + chrono::TimeDelta::minutes(40), run: None };
        for (version, event) in (1..).zip([made, ToyEvent::PlayedWith { how: "in the\nwind".into() }]) {
            let seq = story.snapshot.cursor + 1;
            story.snapshot.apply(&Envelope { seq, stream, version, at, by: ana(), event: Event::Toy(event) });
        }
    }
    Harness::new(story, width, height).await
}

async fn choose(console: &mut Harness, words: &str) {
    console.press("ctrl-p").await;
    console.write(words).await;
    console.press("enter").await;
}

#[tokio::test(start_paused = true)]
async fn they_are_listed_with_what_is_selected_beside() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut console = with_toys(width, height).await;
        choose(&mut console, "toys").await;
        insta::assert_snapshot!(format!("toys_{width}x{height}"), console.screen());
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_is_filtered_sorted_opened_and_left_as_every_list_is() {
    let mut console = with_toys(80, 24).await;
    choose(&mut console, "toys").await;
    console.press("/").await;
    console.write("kit").await;
    console.press("enter").await;
    assert!(console.sees("kite") && !console.sees("drum"), "{}", console.screen());
    console.press("enter").await;
    assert!(console.sees("toys › toy aaaa0001") && console.sees("in 40m"), "{}", console.screen());
    insta::assert_snapshot!("toy_80x24", console.screen());
    console.press("esc").await;
    assert!(console.sees("kite") && !console.sees("drum"), "the filter is remembered");
    console.press("esc").await;
    assert!(console.sees("drum"));
    console.press("esc").await;
    assert!(!console.sees("drum"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_verb_is_asked_with_what_is_typed_for_it() {
    let mut console = with_toys(80, 24).await;
    choose(&mut console, "kite").await;
    choose(&mut console, "play toy").await;
    assert!(console.sees("Play with a toy") && console.sees("In which way."), "{}", console.screen());
    console.press("enter").await;
    assert!(console.sees("how is missing"), "{}", console.screen());
    console.write("very gently").await;
    console.press("enter").await;
    let asked = ToyVerb::Play { how: Untrusted::from("very gently") }.on(id(1));
    assert_eq!(*console.fake.submitted.lock().unwrap(), [asked]);
    choose(&mut console, "make toy").await;
    console.write("--seconds 5 soap bubble").await;
    console.press("enter").await;
    let submitted = console.fake.submitted.lock().unwrap();
    assert_eq!(submitted.len(), 2);
    let made = serde_json::to_value(&submitted[1]).unwrap();
    assert_eq!((&made["command"], &made["name"], &made["seconds"]), (&"make".into(), &"soap bubble".into(), &5.into()));
}

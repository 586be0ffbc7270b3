//! Lists at different widths, sorted, filtered and narrowed.

use super::*;
use crate::console::anchor::Anchor;
use crate::console::view::fixtures::picture;

const COLUMNS: [Column; 4] = [
    Column::name("goal", 12),
    Column::text("now", 6, 30, 1),
    Column::whole("cost", Align::Right, 3),
    Column::whole("branch", Align::Left, 0),
];

fn list(rows: &[(&str, &str, i64, &'static str)]) -> List {
    let row = |(place, (goal, now, cost, chip)): (usize, &(&str, &str, i64, &'static str))| ListRow {
        anchor: Some(Anchor::Entry(place)),
        cells: vec![
            Cell::text(Row::of(Role::Text, *goal)),
            Cell::text(Row::of(Role::Dim, *now)),
            Cell::number(Row::of(Role::Money, format!("${cost}")), *cost),
            Cell::text(Row::of(Role::Dim, "fix/parser")),
        ],
        chip,
        words: "ana".to_owned(),
    };
    let rows = rows.iter().enumerate().map(row).collect();
    List { title: "Runs", columns: COLUMNS.to_vec(), chips: &["live", "failed", "ended"], rows, empty: "No run here." }
}

fn some() -> List {
    list(&[
        ("make the failing test of the parser pass", "thinks", 9, "live"),
        ("日本語のライセンスヘッダーを更新する", "212 files changed and committed", 120, "ended"),
        ("bring eu-west-1 back", "asks before shell #1", 11, "live"),
    ])
}

fn shown(list: List, arrangement: &Arrangement, width: usize) -> String {
    let view = list.lay(arrangement, width, width);
    picture(&view.heading, width) + &picture(&view.rows, width)
}

#[test]
fn columns_take_what_they_need_and_the_least_wanted_goes_first() {
    let pictures: Vec<_> = [30, 60, 80, 120, 200].map(|width| shown(some(), &Arrangement::default(), width)).into();
    insta::assert_snapshot!(pictures.join("\n"));
}

#[test]
fn the_name_and_what_follows_it_stand_together_however_wide_the_screen_is() {
    let view = some().lay(&Arrangement::default(), 400, 400);
    assert!(view.rows.iter().all(|row| row.width() < 110), "{:?}", view.rows[0].text());
}

#[test]
fn a_number_is_sorted_from_the_largest_and_a_name_from_a() {
    let order = |column, order| {
        let arrangement = Arrangement { sort: Some(Sort { column, order }), ..Arrangement::default() };
        some().lay(&arrangement, 200, 200).rows.iter().filter_map(|row| row.anchor).collect::<Vec<_>>()
    };
    assert_eq!(order("cost", Order::Usual), [1, 2, 0].map(Anchor::Entry));
    assert_eq!(order("cost", Order::Reversed), [0, 2, 1].map(Anchor::Entry));
    assert_eq!(order("goal", Order::Usual), [2, 0, 1].map(Anchor::Entry));
}

#[test]
fn a_filter_and_a_chip_narrow_it_and_the_heading_counts() {
    let arrangement = Arrangement { filter: "PARSER".to_owned(), chip: Some("live"), sort: None };
    let view = some().lay(&arrangement, 80, 80);
    // The branch of both is fix/parser.
    assert_eq!(view.rows.len(), 2);
    assert!(view.heading[0].text().contains("all 3 · live 2 · ended 1"), "{}", view.heading[0].text());
    assert!(view.heading[0].text().contains("/PARSER 2 of 3"), "{}", view.heading[0].text());
    assert_eq!(view.offered.chips, ["live", "ended"]);
    let nobody = Arrangement { filter: "zzz".to_owned(), ..Arrangement::default() };
    assert!(shown(some(), &nobody, 80).contains("esc shows all"));
    assert!(shown(list(&[]), &Arrangement::default(), 80).contains("No run here."));
}

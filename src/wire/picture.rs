//! The README's picture: the last card of the flagship demo, as a terminal shows its cast, written as an SVG.
//!
//! The file is compared with what is painted now; to renew it, run this test with `MORNINGAI_BLESS=1`.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use vt100::{Cell, Color, Parser, Screen};

use super::cast::options;
use super::demos::find;
use crate::client::ReplayClient;
use crate::console::cast::{Film, Format, Header, asciicast, play};
use crate::console::state::Size;
use crate::console::theme::{Depth, Ground, Theme};

const FILE: &str = "assets/card.svg";
const COLUMNS: u16 = 100;
const ROWS: u16 = 30;
/// A cell, in pixels.
const WIDE: usize = 9;
const HIGH: usize = 19;
/// Where the terminal's own colours show.
const INK: &str = "#d8dbe2";
const GROUND: &str = "#11131a";

#[tokio::test(start_paused = true)]
async fn the_readme_shows_what_the_console_paints() {
    let painted = svg(&at_the_last_card(&cast().await));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os("MORNINGAI_BLESS").is_some() {
        std::fs::write(&file, &painted).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == painted, "{FILE} is out of date: run this test with MORNINGAI_BLESS=1");
}

async fn cast() -> String {
    let recording = find(None).unwrap();
    let (title, at) = (recording.title.clone(), recording.events[0].1.at);
    let size = Size { width: COLUMNS, height: ROWS };
    let client = Arc::new(ReplayClient::play(recording, 1.0, at));
    let themes = vec![Theme::builtin(Theme::usual(Depth::True, Ground::Dark)).unwrap().unwrap()];
    let (film, marks) = play(client, options(at, themes).unwrap(), Film::new(size).unwrap()).await.unwrap();
    asciicast(Format::V2, &Header { size, title, at }, &film.frames, &marks)
}

/// What a terminal shows shortly after the last mark of a cast, before anybody reads on.
fn at_the_last_card(cast: &str) -> Screen {
    let events: Vec<Value> = cast.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    let time = |event: &Value| event[0].as_f64().unwrap();
    let until = 1.0 + events.iter().rfind(|event| event[1] == "m").map(time).unwrap();
    let mut terminal = Parser::new(ROWS.try_into().unwrap(), COLUMNS.try_into().unwrap(), 0);
    for event in events.iter().filter(|event| event[1] == "o" && time(event) <= until) {
        terminal.process(event[2].as_str().unwrap().as_bytes());
    }
    terminal.screen().clone()
}

fn svg(screen: &Screen) -> String {
    let (width, height) = (usize::from(COLUMNS) * WIDE, usize::from(ROWS) * HIGH);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"15\" xml:space=\"preserve\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{GROUND}\"/>\n"
    );
    for y in 0..ROWS {
        let cells: Vec<_> = (0..COLUMNS).map(|x| screen.cell(y, x).unwrap()).collect();
        let mut x = 0;
        for piece in cells.chunk_by(|one, other| look(one) == look(other)) {
            push_piece(&mut svg, x, usize::from(y), piece);
            x += piece.len();
        }
    }
    svg + "</svg>\n"
}

/// Ink, ground and weight.
fn look(cell: &Cell) -> (String, String, bool) {
    let (ink, ground) = (colour(cell.fgcolor(), INK), colour(cell.bgcolor(), GROUND));
    if cell.inverse() { (ground, ink, cell.bold()) } else { (ink, ground, cell.bold()) }
}

/// Cells of one look: their ground, and their text stretched to exactly their width.
fn push_piece(svg: &mut String, x: usize, y: usize, cells: &[&Cell]) {
    let Some((ink, ground, is_bold)) = cells.first().map(|cell| look(cell)) else { return };
    let (left, top, width) = (x * WIDE, y * HIGH, cells.len() * WIDE);
    let symbol = |cell: &&Cell| if cell.has_contents() { cell.contents().to_owned() } else { " ".to_owned() };
    let text: String = cells.iter().filter(|cell| !cell.is_wide_continuation()).map(symbol).collect();
    if ground != GROUND {
        // Writing to a String cannot fail.
        let _ = writeln!(svg, "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{HIGH}\" fill=\"{ground}\"/>");
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if is_bold { " font-weight=\"bold\"" } else { "" };
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let base = top + 14;
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{base}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{ink}\"{weight}>{text}</text>",
    );
}

fn colour(colour: Color, default: &str) -> String {
    match colour {
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        Color::Default | Color::Idx(_) => default.to_owned(),
    }
}

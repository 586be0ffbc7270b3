//! The README's picture: the card of the night, as the console paints it, written as an SVG.
//!
//! The file is compared with what is painted now; to renew it, run this test with `MORNINGAI_BLESS=1`.

use std::fmt::Write;
use std::path::Path;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::Harness;
use crate::console::view::fixtures::night;

const FILE: &str = "assets/card.svg";
/// A cell, in pixels.
const WIDE: usize = 9;
const HIGH: usize = 19;

#[tokio::test(start_paused = true)]
async fn the_readme_shows_what_the_console_paints() {
    let mut console = Harness::new(night(), 100, 30).await;
    console.press("w").await;
    let painted = svg(console.app.surface_mut().terminal.backend().buffer());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os("MORNINGAI_BLESS").is_some() {
        std::fs::write(&file, &painted).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == painted, "{FILE} is out of date: run this test with MORNINGAI_BLESS=1");
}

fn svg(buffer: &Buffer) -> String {
    let (columns, rows) = (usize::from(buffer.area.width), usize::from(buffer.area.height));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"15\" xml:space=\"preserve\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{2}\"/>\n",
        columns * WIDE,
        rows * HIGH,
        colour(buffer[(0, 0)].bg, "#11131a")
    );
    for (y, cells) in buffer.content().chunks(columns).enumerate() {
        let mut x = 0;
        while x < columns {
            let length = cells[x..].iter().take_while(|cell| looks_like(cell, &cells[x])).count();
            push_piece(&mut svg, x, y, &cells[x..x + length]);
            x += length;
        }
    }
    svg + "</svg>\n"
}

fn looks_like(one: &Cell, other: &Cell) -> bool {
    (one.fg, one.bg, one.modifier) == (other.fg, other.bg, other.modifier)
}

/// Cells of one look: their ground, and their text stretched to exactly their width.
fn push_piece(svg: &mut String, x: usize, y: usize, cells: &[Cell]) {
    let Some(first) = cells.first() else { return };
    let (left, top, width) = (x * WIDE, y * HIGH, cells.len() * WIDE);
    let text: String = cells.iter().map(Cell::symbol).collect();
    let (mut ink, mut ground) = (colour(first.fg, "#d8dbe2"), colour(first.bg, "none"));
    if first.modifier.contains(Modifier::REVERSED) {
        (ink, ground) = (colour(first.bg, "#11131a"), colour(first.fg, "#d8dbe2"));
    }
    if ground != "none" {
        // Writing to a String cannot fail.
        let _ = writeln!(svg, "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{HIGH}\" fill=\"{ground}\"/>");
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if first.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{ink}\"{weight}>{text}</text>",
        top + 14
    );
}

/// The theme's own colours are written out; what it leaves to the terminal is ours to choose here.
fn colour(colour: Color, otherwise: &str) -> String {
    let written = colour.to_string().to_ascii_lowercase();
    if written.starts_with('#') { written } else { otherwise.to_owned() }
}

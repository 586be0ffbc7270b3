//! How well one colour reads on another, as WCAG 2 measures it, and the nearest colour that reads well enough.

use ratatui::style::Color;

/// The contrast that WCAG 2 (success criterion 1.4.3, level AA) asks of text.
pub const TEXT: f64 = 4.5;

/// What it asks of bold text, which is all that stands on the selected row.
pub const BOLD_TEXT: f64 = 3.0;

/// Steps from a colour to white or black.
const STEPS: u8 = 50;

/// From 1 (the same) to 21 (black on white). Only colours given as red, green and blue can be measured.
pub fn contrast(one: Color, other: Color) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// The colour nearest to `colour` that has at least the contrast wanted on every ground: lighter on dark grounds,
/// darker on light ones.
pub fn readable(colour: Color, grounds: &[(Color, f64)]) -> Color {
    let light = grounds.first().is_some_and(|(ground, _)| luminance(*ground) > 0.18);
    let end = if light { Color::Rgb(0, 0, 0) } else { Color::Rgb(255, 255, 255) };
    let mut shades = (0..=STEPS).map(|step| mixed(colour, end, step));
    let reads = |shade: &Color| grounds.iter().all(|(ground, least)| contrast(*shade, *ground) >= *least);
    shades.find(reads).unwrap_or(end)
}

/// `step` of [`STEPS`] from one colour to another.
fn mixed(from: Color, to: Color, step: u8) -> Color {
    let ([r, g, b], [to_r, to_g, to_b]) = (parts(from), parts(to));
    let part = |from: u8, to: u8| {
        let steps = u16::from(STEPS);
        let sum = u16::from(from) * (steps - u16::from(step)) + u16::from(to) * u16::from(step);
        u8::try_from(sum / steps).unwrap_or(u8::MAX)
    };
    Color::Rgb(part(r, to_r), part(g, to_g), part(b, to_b))
}

/// Relative luminance: 0 is black, 1 is white.
fn luminance(colour: Color) -> f64 {
    let [r, g, b] = parts(colour).map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn parts(colour: Color) -> [u8; 3] {
    match colour {
        Color::Rgb(r, g, b) => [r, g, b],
        _ => [0; 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_what_the_standard_says() {
        let grey = Color::Rgb(0x77, 0x77, 0x77);
        let white = Color::Rgb(255, 255, 255);
        assert!((contrast(white, Color::Rgb(0, 0, 0)) - 21.0).abs() < 1e-9);
        assert!((contrast(grey, white) - 4.48).abs() < 0.01, "{}", contrast(grey, white));
    }

    #[test]
    fn a_colour_moves_only_as_far_as_it_must() {
        let (dark, light) = (Color::Rgb(0x1e, 0x1e, 0x2e), Color::Rgb(0xfd, 0xf6, 0xe3));
        let blue = Color::Rgb(0x89, 0xb4, 0xfa);
        assert_eq!(readable(blue, &[(dark, TEXT)]), blue);
        for ground in [dark, light] {
            let found = contrast(readable(Color::Rgb(0x80, 0x80, 0x60), &[(ground, TEXT)]), ground);
            assert!((TEXT..TEXT + 0.5).contains(&found), "{found}");
        }
    }
}

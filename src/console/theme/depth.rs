//! How many colours a terminal shows, and the nearest one it has.

use ratatui::style::Color;

/// Colours a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Sixteen million.
    True,
    /// The 256 of xterm.
    Indexed,
    /// The sixteen that everything since the VGA has.
    Sixteen,
    /// None: marks such as bold and reverse only.
    None,
}

/// The xterm defaults of the sixteen, in order of their index.
const SIXTEEN: [(Color, (u8, u8, u8)); 16] = [
    (Color::Black, (0, 0, 0)),
    (Color::Red, (205, 0, 0)),
    (Color::Green, (0, 205, 0)),
    (Color::Yellow, (205, 205, 0)),
    (Color::Blue, (0, 0, 238)),
    (Color::Magenta, (205, 0, 205)),
    (Color::Cyan, (0, 205, 205)),
    (Color::Gray, (229, 229, 229)),
    (Color::DarkGray, (127, 127, 127)),
    (Color::LightRed, (255, 0, 0)),
    (Color::LightGreen, (0, 255, 0)),
    (Color::LightYellow, (255, 255, 0)),
    (Color::LightBlue, (92, 92, 255)),
    (Color::LightMagenta, (255, 0, 255)),
    (Color::LightCyan, (0, 255, 255)),
    (Color::White, (255, 255, 255)),
];

/// Levels of the 6×6×6 cube that begins at index 16.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

impl Depth {
    /// What the environment tells: `NO_COLOR`, `COLORTERM`, `TERM`.
    pub fn of(no_color: Option<&str>, colorterm: Option<&str>, term: Option<&str>) -> Self {
        match (no_color, colorterm, term) {
            (Some(set), _, _) if !set.is_empty() => Self::None,
            (_, Some("truecolor" | "24bit"), _) => Self::True,
            (_, _, Some("dumb")) => Self::None,
            (_, _, Some(term)) if term.contains("direct") => Self::True,
            (_, _, Some(term)) if term.contains("256color") => Self::Indexed,
            _ => Self::Sixteen,
        }
    }

    /// The nearest colour it has; `None` when it has none.
    pub fn nearest(self, colour: Color) -> Option<Color> {
        let Color::Rgb(r, g, b) = colour else { return Some(colour).filter(|_| self != Self::None) };
        match self {
            Self::True => Some(colour),
            Self::Indexed => Some(Color::Indexed(indexed((r, g, b)))),
            Self::Sixteen => {
                let by_distance = SIXTEEN.iter().min_by_key(|(_, rgb)| distance(*rgb, (r, g, b)));
                by_distance.map(|(colour, _)| *colour)
            }
            Self::None => None,
        }
    }
}

/// Nearest of the cube and the grey ramp; the first sixteen are left out, since users redefine them.
fn indexed((r, g, b): (u8, u8, u8)) -> u8 {
    let level = |value: u8| (0..6u8).min_by_key(|at| CUBE[usize::from(*at)].abs_diff(value)).unwrap_or(0);
    let (red, green, blue) = (level(r), level(g), level(b));
    let in_cube = (CUBE[usize::from(red)], CUBE[usize::from(green)], CUBE[usize::from(blue)]);
    let mean = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    let step = (mean.saturating_sub(3) / 10).min(23) as u8;
    let grey = 8 + 10 * step;
    if distance((grey, grey, grey), (r, g, b)) < distance(in_cube, (r, g, b)) {
        232 + step
    } else {
        16 + 36 * red + 6 * green + blue
    }
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    // Weights after the eye's sensitivity: green counts most, blue least.
    let part = |x: u8, y: u8, weight: u32| weight * u32::from(x.abs_diff(y)).pow(2);
    part(a.0, b.0, 3) + part(a.1, b.1, 4) + part(a.2, b.2, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_tells_the_depth() {
        assert_eq!(Depth::of(Some("1"), Some("truecolor"), Some("xterm")), Depth::None);
        assert_eq!(Depth::of(Some(""), Some("truecolor"), Some("xterm")), Depth::True);
        assert_eq!(Depth::of(None, None, Some("screen-256color")), Depth::Indexed);
        assert_eq!(Depth::of(None, None, Some("linux")), Depth::Sixteen);
        assert_eq!(Depth::of(None, None, Some("dumb")), Depth::None);
    }

    #[test]
    fn pure_colours_stay_what_they_are() {
        assert_eq!(Depth::Indexed.nearest(Color::Rgb(255, 0, 0)), Some(Color::Indexed(196)));
        assert_eq!(Depth::Indexed.nearest(Color::Rgb(128, 128, 128)), Some(Color::Indexed(244)));
        assert_eq!(Depth::Sixteen.nearest(Color::Rgb(250, 10, 10)), Some(Color::LightRed));
        assert_eq!(Depth::None.nearest(Color::Rgb(250, 10, 10)), None);
    }
}

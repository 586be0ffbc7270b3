//! A series of measured values as a few rows of text, which looks the same in every terminal.

/// Rows of a chart, and steps within a row.
const ROWS: usize = 6;
const STEPS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The values as columns, the oldest first; a gap is a blank. `None` where there is nothing to draw.
pub(super) fn chart(values: &[Option<f64>]) -> Option<String> {
    let known: Vec<f64> = values.iter().flatten().copied().filter(|value| value.is_finite()).collect();
    let (low, high) = (known.iter().copied().reduce(f64::min)?, known.iter().copied().reduce(f64::max)?);
    // What hardly moves is drawn flat, and from zero where that is near.
    let low = if low > 0.0 && low < high / 2.0 { 0.0 } else { low };
    let span = if high > low { high - low } else { 1.0 };
    let steps = ROWS * (STEPS.len() - 1);
    let height = |value: Option<f64>| {
        let value = value.filter(|value| value.is_finite())?;
        // Every value leaves a mark.
        Some((((value - low) / span) * steps as f64).round().clamp(1.0, steps as f64) as usize)
    };
    let labels = [figure(high), figure(low)];
    let margin = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for row in (0..ROWS).rev() {
        let label = match row {
            0 => labels[1].as_str(),
            _ if row + 1 == ROWS => labels[0].as_str(),
            _ => "",
        };
        let bars = values.iter().map(|value| {
            let full = height(*value).unwrap_or(0).saturating_sub(row * (STEPS.len() - 1));
            STEPS[full.min(STEPS.len() - 1)]
        });
        let line = format!("{label:>margin$} ┤{}", bars.collect::<String>());
        text.push_str(line.trim_end());
        text.push('\n');
    }
    Some(text)
}

/// A value in few digits: `0.05`, `1.25k`, `3.2G`.
pub(super) fn figure(value: f64) -> String {
    const UNITS: [(f64, &str); 4] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    let (scaled, unit) =
        UNITS.iter().find(|(size, _)| value.abs() >= *size).map_or((value, ""), |(size, unit)| (value / size, *unit));
    let digits = match scaled.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 1.0 => 2,
        _ => 4,
    };
    let text = format!("{scaled:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_is_drawn_from_low_to_high_and_a_gap_is_blank() {
        let values = [Some(0.0), Some(5.0), None, Some(f64::NAN), Some(10.0)];
        let text = chart(&values).unwrap();
        assert_eq!(text, "10 ┤    █\n   ┤    █\n   ┤    █\n   ┤ █  █\n   ┤ █  █\n 0 ┤▁█  █\n");
        assert_eq!(chart(&[None, Some(f64::INFINITY)]), None);
        assert_eq!(chart(&[Some(3.0), Some(3.0)]).unwrap().lines().count(), ROWS, "one that never moves is no error");
    }

    #[test]
    fn figures_have_few_digits() {
        let figures = [0.0, 0.05, 1.25, 12.0, 1250.0, 3.2e9, -4.0e6, 123.4];
        assert_eq!(figures.map(figure), ["0", "0.05", "1.25", "12", "1.25k", "3.2G", "-4M", "123"]);
    }
}

//! A chart beside the facts of an incident, cut to the room there is so that the newest is shown; in ASCII where a terminal
//! has nothing else.

use super::text::Row;
use crate::console::role::Role;
use crate::console::state::ChartForm;
use crate::domain::Untrusted;
use crate::ports::Chart;

/// Where a row of a drawing begins, after what its height stands for.
const AXIS: char = '┤';
/// Columns of a drawing.
const COLUMNS: usize = 61;

/// What is shown of it: the query, then each line.
pub fn rows(chart: Result<&Chart, &str>, form: ChartForm, width: usize) -> Vec<Row> {
    let plain = |role: Role, text: &str| {
        let mut row = Row::new();
        row.push_visible(role, text);
        row.cut(width)
    };
    match chart {
        Err(reason) => vec![plain(Role::Dim, &format!("no chart: {}", Untrusted::from(reason).visible()))],
        Ok(chart) => {
            let query = plain(Role::Text, &chart.query.visible());
            let lines = lines(chart, form, width);
            let role = |line: &str| if line.contains(AXIS) || line.contains('|') { Role::Accent } else { Role::Dim };
            std::iter::once(query).chain(lines.iter().map(|line| plain(role(line), line))).collect()
        }
    }
}

/// Its lines as text.
pub fn lines(chart: &Chart, form: ChartForm, width: usize) -> Vec<String> {
    let line = |line: std::borrow::Cow<'_, str>| match line.split_once(AXIS) {
        Some((label, drawn)) => {
            let drawn: Vec<char> = drawn.chars().chain(std::iter::repeat(' ')).take(COLUMNS).collect();
            let room = width.saturating_sub(label.chars().count() + 1).min(COLUMNS);
            let newest = drawn[COLUMNS - room..].iter().collect::<String>();
            in_form(&format!("{label}{AXIS}{}", newest.trim_end()), form)
        }
        None => line.into_owned(),
    };
    Untrusted::from(chart.text.raw().trim_end()).visible_lines().map(line).collect()
}

fn in_form(line: &str, form: ChartForm) -> String {
    let ascii = |sign: char| match sign {
        AXIS => '|',
        '▁' | '▂' => '_',
        '▃' | '▄' | '▅' => '-',
        '▆' | '▇' => '=',
        '█' => '#',
        other => other,
    };
    match form {
        ChartForm::Blocks => line.to_owned(),
        ChartForm::Ascii => line.chars().map(ascii).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_shown_where_there_is_not_room_for_all() {
        let drawn: String = (0..61).map(|column| if column < 60 { '▁' } else { '█' }).collect();
        let chart =
            Chart { query: "up\u{1b}[2J".into(), text: format!("up  now 1\n 1 ┤   █\n 0 ┤{drawn}\n").into() };
        let shown = |form, width| lines(&chart, form, width);
        assert_eq!(shown(ChartForm::Blocks, 80)[1..], [" 1 ┤   █".to_owned(), format!(" 0 ┤{drawn}")]);
        assert_eq!(shown(ChartForm::Blocks, 10), ["up  now 1", " 1 ┤", " 0 ┤▁▁▁▁▁█"]);
        assert_eq!(shown(ChartForm::Ascii, 10)[2], " 0 |_____#");
        let rows = rows(Ok(&chart), ChartForm::Ascii, 20);
        assert!(rows.iter().all(|row| row.width() <= 20));
        assert!(rows[0].text().starts_with("up␛[2J"), "{}", rows[0].text());
    }
}

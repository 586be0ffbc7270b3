//! What was found in logs, as text and as data.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::gather::Window;
use super::templates::{Change, Template};
use crate::tools::cards::count;

/// Templates that are listed, and that are data.
const MOST_LISTED: usize = 40;
const MOST_DATA: usize = 20;

/// The worst first: what is new, or how many there are.
pub fn summary(templates: &[Template], lines: u64, before: u64) -> String {
    if lines == 0 {
        return "no line in this window".to_owned();
    }
    let lines = count(usize::try_from(lines).unwrap_or(usize::MAX), "line", "lines");
    let forms = count(templates.len(), "form", "forms");
    let is = |wanted: fn(&Change) -> bool| templates.iter().filter(|template| wanted(&template.change)).count();
    let (new, more) = (is(|change| *change == Change::New), is(|change| matches!(change, Change::MoreOften(_))));
    match before {
        0 => format!("{lines} of {forms}"),
        _ => format!("{lines} of {forms}; {new} new, {more} at least three times as often as before"),
    }
}

pub fn text(templates: &[Template], (lines, before): (u64, u64), window: Window, notes: &[String]) -> String {
    let mut text = format!(
        "{} to {} UTC: {lines} lines; {before} in as long a time before.\n",
        time(window.start),
        time(window.end)
    );
    if lines == 0 {
        text.push_str("No line matches in this window. Another window, path or pattern may have some.\n");
    } else if before == 0 {
        text.push_str("There is no line before to compare with.\n");
    }
    for template in templates.iter().take(MOST_LISTED) {
        text.push_str(&listed(template));
    }
    if templates.len() > MOST_LISTED {
        let rest: u64 = templates[MOST_LISTED..].iter().map(|template| template.count).sum();
        text.push_str(&format!(
            "and {} more forms with {rest} lines; narrow the search\n",
            templates.len() - MOST_LISTED
        ));
    }
    for note in notes {
        text.push_str(note);
        text.push('\n');
    }
    text
}

fn listed(template: &Template) -> String {
    let change = match template.change {
        Change::New => "NEW  ".to_owned(),
        Change::MoreOften(factor) => format!("{:<5}", format!("{factor:.0}x")),
        Change::Usual => "     ".to_owned(),
    };
    let times = match (template.first, template.last) {
        (Some(first), Some(last)) => format!("{} to {}", time(first), time(last)),
        _ => "no time".to_owned(),
    };
    let mut text =
        format!("{change}{:>7}  {}  ({times}; {} before)\n", template.count, template.text.raw(), template.before);
    if template.text != template.example {
        text.push_str(&format!("              e.g. {}\n", template.example.raw()));
    }
    text
}

pub fn data(templates: &[Template]) -> Value {
    let change = |change: Change| match change {
        Change::New => "new",
        Change::MoreOften(_) => "more_often",
        Change::Usual => "usual",
    };
    let one = |template: &Template| {
        json!({ "template": template.text, "count": template.count, "before": template.before,
            "change": change(template.change), "example": template.example })
    };
    templates.iter().take(MOST_DATA).map(one).collect()
}

fn time(at: i64) -> String {
    DateTime::<Utc>::from_timestamp(at, 0).map(|at| at.format("%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}

//! The asciicast formats: a header line, then a line of JSON for each frame and each mark.
//!
//! Version 2 counts seconds from the beginning, version 3 from the line before. Both are described at
//! <https://docs.asciinema.org/manual/asciicast/v3/>.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Frame, Mark};
use crate::console::state::Size;
use crate::domain::Timestamp;

/// Longest time in which nothing happens; longer ones are cut to it.
const MOST_IDLE: Duration = Duration::from_secs(2);
/// What stands before the first frame: a console hides the cursor, and knows nothing of what was there before.
const BEGIN: &str = "\u{1b}[?25l\u{1b}[2J";

/// The versions that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    V2,
    V3,
}

/// What a cast says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub size: Size,
    pub title: String,
    /// When the recording was made.
    pub at: Timestamp,
}

/// A cast as text.
pub fn asciicast(format: Format, header: &Header, frames: &[Frame], marks: &[Mark]) -> String {
    let mut text = format!("{}\n", first_line(format, header));
    let (mut passed, mut shown) = (0, 0);
    for (at, code, data) in events(frames, marks) {
        let interval = (at - passed).min(milliseconds(MOST_IDLE));
        (passed, shown) = (at, shown + interval);
        let time = match format {
            Format::V2 => shown,
            Format::V3 => interval,
        };
        text.push_str(&format!("{}\n", json!([time as f64 / 1000.0, code, data])));
    }
    if format == Format::V3 {
        text.push_str(&format!("{}\n", json!([0.0, "x", "0"])));
    }
    text
}

fn first_line(format: Format, header: &Header) -> Value {
    let Header { size: Size { width, height }, title, at } = header;
    let at = at.timestamp();
    match format {
        Format::V2 => json!({
            "version": 2, "width": width, "height": height, "timestamp": at, "title": title,
            "env": { "TERM": "xterm-256color" },
        }),
        Format::V3 => json!({
            "version": 3, "term": { "cols": width, "rows": height, "type": "xterm-256color" },
            "timestamp": at, "title": title,
        }),
    }
}

/// Everything that happens, in order: milliseconds, the format's code, and its data.
fn events(frames: &[Frame], marks: &[Mark]) -> Vec<(u64, &'static str, String)> {
    let painted = |frame: &Frame| (milliseconds(frame.at), "o", String::from_utf8_lossy(&frame.bytes).into_owned());
    let marked = |mark: &Mark| (milliseconds(mark.at), "m", mark.label.clone());
    let mut events = vec![(0, "o", BEGIN.to_owned())];
    events.extend(frames.iter().map(painted));
    events.extend(marks.iter().map(marked));
    events.sort_by_key(|(at, ..)| *at);
    events
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cast(format: Format) -> Vec<Value> {
        let header = Header {
            size: Size { width: 80, height: 24 },
            title: "a \u{1b} title".to_owned(),
            at: "2026-11-24T03:00:00Z".parse().unwrap(),
        };
        let frame = |at, bytes: &str| Frame { at: Duration::from_millis(at), bytes: bytes.into() };
        let frames = [frame(0, "a"), frame(1_250, "é\u{1b}[1m"), frame(61_250, "c")];
        let marks = [Mark { at: Duration::from_millis(1_300), label: "a card".to_owned() }];
        let text = asciicast(format, &header, &frames, &marks);
        assert!(text.is_ascii() || !text.contains('\u{1b}'), "control characters are escaped: {text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn version_two_counts_from_the_beginning() {
        let lines = cast(Format::V2);
        let expected = json!({
            "version": 2, "width": 80, "height": 24, "timestamp": 1_795_489_200, "title": "a \u{1b} title",
            "env": { "TERM": "xterm-256color" },
        });
        assert_eq!(lines[0], expected);
        let expected = [
            json!([0.0, "o", BEGIN]),
            json!([0.0, "o", "a"]),
            json!([1.25, "o", "é\u{1b}[1m"]),
            json!([1.3, "m", "a card"]),
        ];
        assert_eq!(lines[1..5], expected);
        assert_eq!(lines[5..], [json!([3.3, "o", "c"])], "a long wait is cut");
    }

    #[test]
    fn version_three_counts_from_the_line_before() {
        let lines = cast(Format::V3);
        let term = json!({ "cols": 80, "rows": 24, "type": "xterm-256color" });
        assert_eq!((&lines[0]["version"], &lines[0]["term"]), (&json!(3), &term));
        let times: Vec<_> = lines[1..].iter().map(|line| line[0].as_f64().unwrap()).collect();
        assert_eq!(times, [0.0, 0.0, 1.25, 0.05, 2.0, 0.0]);
        assert_eq!(lines.last(), Some(&json!([0.0, "x", "0"])));
    }
}

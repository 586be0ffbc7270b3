//! Long output: head and tail for the event, the whole for the blob store. The one place that cuts.

use crate::domain::{Output, Untrusted};
use crate::ports::OutputSink;

/// Most of the inline room goes to the end: failures and totals stand there.
const HEAD_BYTES: usize = Output::INLINE_BYTES / 3;
const TAIL_BYTES: usize = Output::INLINE_BYTES - HEAD_BYTES;

/// Fits `content` into an `Output`, storing all of it where it is too long to keep inline.
pub async fn fit(content: &[u8], sink: &dyn OutputSink) -> Output {
    let mut output = cut(content);
    if output.elided() > 0 {
        output.blob = sink.store(content).await;
    }
    output
}

/// Head and tail of `content`, cut at line ends where there are any nearby. Bytes that are not UTF-8 become U+FFFD.
pub fn cut(content: &[u8]) -> Output {
    let bytes = content.len() as u64;
    let text = String::from_utf8_lossy(content);
    if text.len() <= Output::INLINE_BYTES {
        // Replacement characters are longer than what they replace; counting them keeps `elided` at zero.
        return Output { bytes: bytes.max(text.len() as u64), head: Untrusted::new(text), ..Output::default() };
    }
    let head = &text[..head_end(&text)];
    let tail = &text[tail_start(&text)..];
    Output { head: Untrusted::new(head), tail: Untrusted::new(tail), bytes: bytes.max(text.len() as u64), blob: None }
}

/// Shortens `text` to at most `most` bytes, whole characters only.
pub fn shorten(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

fn head_end(text: &str) -> usize {
    let end = text.floor_char_boundary(HEAD_BYTES);
    text[..end].rfind('\n').map(|at| at + 1).filter(|at| *at > HEAD_BYTES / 2).unwrap_or(end)
}

fn tail_start(text: &str) -> usize {
    let start = text.ceil_char_boundary(text.len() - TAIL_BYTES);
    text[start..].find('\n').map(|at| start + at + 1).filter(|at| text.len() - at > TAIL_BYTES / 2).unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_output_is_kept_whole() {
        assert_eq!(cut(b"two\nlines"), Output::text("two\nlines"));
        assert_eq!(cut(b""), Output::text(""));
    }

    #[test]
    fn a_long_output_keeps_whole_lines_at_both_ends() {
        let text: String = (0..10_000).map(|line| format!("line {line}\n")).collect();
        let output = cut(text.as_bytes());
        assert!(output.head.raw().starts_with("line 0\n") && output.head.raw().ends_with('\n'));
        assert!(output.tail.raw().starts_with("line ") && output.tail.raw().ends_with("line 9999\n"));
        assert!(output.head.raw().len() + output.tail.raw().len() <= Output::INLINE_BYTES);
        assert_eq!(output.bytes, text.len() as u64);
    }

    #[test]
    fn one_endless_line_and_broken_utf8_are_cut_between_characters() {
        let output = cut(&"é".repeat(20_000).into_bytes());
        assert!(output.head.raw().chars().all(|c| c == 'é') && output.tail.raw().chars().all(|c| c == 'é'));
        let broken = cut(&vec![0xff; 20_000]);
        assert!(broken.head.raw().len() + broken.tail.raw().len() <= Output::INLINE_BYTES);
        assert!(broken.elided() > 0);
    }

    #[test]
    fn short_broken_utf8_is_whole() {
        assert_eq!(cut(&[0xff; 10]).elided(), 0);
    }
}

//! Answers to queries as they travel: bytes as base64, pages cut to what one message may carry.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::kinds::{Envelope, Row};
use crate::ports::{Answer, Chart, ClientError, Page};

/// Most bytes of rows in one answer; the rest is asked for as the next page.
const MOST_ROWS: usize = 2 * 1024 * 1024;
/// Longest blob in one answer, in bytes; base64 makes it a third longer.
const LONGEST_BLOB: usize = 8 * 1024 * 1024;

/// An `Answer` in its wire form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum WireAnswer {
    Events { page: Page<Envelope> },
    Blob { base64: Option<String> },
    Rows { page: Page<Row> },
    Chart { chart: Option<Chart> },
}

impl WireAnswer {
    /// Prepares an answer for the way.
    pub fn pack(answer: Answer) -> Result<Self, ClientError> {
        Ok(match answer {
            Answer::Events(page) => Self::Events { page: cut(page) },
            Answer::Rows(page) => Self::Rows { page: cut(page) },
            Answer::Chart(chart) => Self::Chart { chart },
            Answer::Blob(Some(bytes)) if bytes.len() > LONGEST_BLOB => {
                return Err(ClientError {
                    message: format!("this output is {} MB long, too long for one message", bytes.len() >> 20),
                    hint: "read it on the server's machine".to_owned(),
                });
            }
            Answer::Blob(bytes) => Self::Blob { base64: bytes.map(|bytes| STANDARD.encode(bytes)) },
        })
    }

    pub fn unpack(self) -> Result<Answer, ClientError> {
        Ok(match self {
            Self::Events { page } => Answer::Events(page),
            Self::Rows { page } => Answer::Rows(page),
            Self::Chart { chart } => Answer::Chart(chart),
            Self::Blob { base64: None } => Answer::Blob(None),
            Self::Blob { base64: Some(text) } => {
                let bytes = STANDARD.decode(text).map_err(|error| ClientError {
                    message: format!("the server sent an output that cannot be read: {error}"),
                    hint: "use the same version of morningai on both sides".to_owned(),
                })?;
                Answer::Blob(Some(bytes))
            }
        })
    }
}

/// As many rows as fit, at least one.
fn cut<T: Serialize>(page: Page<T>) -> Page<T> {
    let mut bytes = 0;
    let mut fit = 0;
    for row in &page.rows {
        bytes += serde_json::to_string(row).map_or(MOST_ROWS, |text| text.len());
        if fit > 0 && bytes > MOST_ROWS {
            break;
        }
        fit += 1;
    }
    let more = page.more || fit < page.rows.len();
    let mut rows = page.rows;
    rows.truncate(fit);
    Page { rows, more }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_cut_to_what_fits_and_says_that_more_follows() {
        let rows = vec!["x".repeat(MOST_ROWS / 3); 5];
        let page = cut(Page { rows, more: false });
        assert_eq!((page.rows.len(), page.more), (2, true));
        let whole = cut(Page { rows: vec!["a", "b"], more: false });
        assert_eq!((whole.rows.len(), whole.more), (2, false));
        let long = cut(Page { rows: vec!["x".repeat(MOST_ROWS + 1)], more: false });
        assert_eq!((long.rows.len(), long.more), (1, false), "a row is never lost");
    }

    #[test]
    fn bytes_survive_the_way() {
        let blob = Answer::Blob(Some(vec![0, 0xff, 7]));
        let packed = WireAnswer::pack(blob.clone()).unwrap();
        let text = serde_json::to_string(&packed).unwrap();
        assert_eq!(serde_json::from_str::<WireAnswer>(&text).unwrap().unpack().unwrap(), blob);
        assert!(WireAnswer::pack(Answer::Blob(Some(vec![0; LONGEST_BLOB + 1]))).is_err());
        assert!(WireAnswer::Blob { base64: Some("%".to_owned()) }.unpack().is_err());
    }
}

//! Gathers output of any length in little memory: head and tail as text, the whole as bytes in a temporary file.

use std::collections::VecDeque;
use std::io;
use std::io::SeekFrom;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use crate::domain::Output;
use crate::ports::OutputSink;
use crate::tools::output;

/// Most of an output that is stored. The store takes it in one piece, so this is also what finishing costs in memory.
pub(super) const STORED_BYTES: u64 = 16 * 1024 * 1024;
/// Output is kept in memory up to this; most never needs a file.
const MEMORY_BYTES: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Collector {
    bytes: u64,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    whole: Whole,
}

/// Everything so far, up to [`STORED_BYTES`].
#[derive(Debug)]
enum Whole {
    Memory(Vec<u8>),
    File {
        file: File,
        bytes: u64,
    },
    /// The file could not be written: the output goes on without it.
    Lost,
}

impl Default for Whole {
    fn default() -> Self {
        Self::Memory(Vec::new())
    }
}

impl Collector {
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub async fn take(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        let room = Output::INLINE_BYTES.saturating_sub(self.head.len()).min(chunk.len());
        self.head.extend_from_slice(&chunk[..room]);
        self.tail.extend(&chunk[chunk.len().saturating_sub(Output::INLINE_BYTES)..]);
        self.tail.drain(..self.tail.len().saturating_sub(Output::INLINE_BYTES));
        if let Err(error) = self.whole.take(chunk).await {
            tracing::warn!(%error, "long output is not kept whole");
            self.whole = Whole::Lost;
        }
    }

    /// The output as an event carries it; the whole is stored when the event cannot hold it exactly.
    pub async fn finish(self, sink: &dyn OutputSink) -> Output {
        let ends = self.ends();
        let fits = self.bytes <= Output::INLINE_BYTES as u64;
        if let Some(text) = std::str::from_utf8(&ends).ok().filter(|_| fits) {
            return Output::text(text);
        }
        let mut output = output::cut(&ends);
        output.bytes = output.bytes.max(self.bytes);
        output.blob = match self.whole.into_bytes().await {
            Ok(Some(content)) => sink.store(&content).await,
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(%error, "long output is not kept whole");
                None
            }
        };
        output
    }

    /// As much from both ends as an event could show, without what overlaps.
    fn ends(&self) -> Vec<u8> {
        let behind_head = usize::try_from(self.bytes - self.head.len() as u64).unwrap_or(usize::MAX);
        let tail = self.tail.iter().skip(self.tail.len().saturating_sub(behind_head));
        self.head.iter().chain(tail).copied().collect()
    }
}

impl Whole {
    async fn take(&mut self, chunk: &[u8]) -> io::Result<()> {
        match self {
            Self::Memory(kept) if kept.len() + chunk.len() <= MEMORY_BYTES => kept.extend_from_slice(chunk),
            Self::Memory(kept) => {
                let mut file = File::from_std(tempfile::tempfile()?);
                file.write_all(kept).await?;
                file.write_all(chunk).await?;
                let bytes = (kept.len() + chunk.len()) as u64;
                *self = Self::File { file, bytes };
            }
            Self::File { file, bytes } => {
                let room = usize::try_from(STORED_BYTES.saturating_sub(*bytes)).unwrap_or(usize::MAX);
                let fitting = &chunk[..room.min(chunk.len())];
                file.write_all(fitting).await?;
                *bytes += fitting.len() as u64;
            }
            Self::Lost => {}
        }
        Ok(())
    }

    async fn into_bytes(self) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Memory(kept) => Ok(Some(kept)),
            Self::File { mut file, bytes } => {
                file.flush().await?;
                file.seek(SeekFrom::Start(0)).await?;
                let mut content = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
                file.read_to_end(&mut content).await?;
                Ok(Some(content))
            }
            Self::Lost => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::domain::BlobId;

    /// Remembers what it was given to store.
    #[derive(Default)]
    struct Kept(Mutex<Vec<u8>>);

    #[async_trait]
    impl OutputSink for Kept {
        fn chunk(&self, _: &[u8]) {}
        async fn store(&self, content: &[u8]) -> Option<BlobId> {
            content.clone_into(&mut self.0.lock().unwrap());
            Some(BlobId::of(content))
        }
    }

    async fn collect(chunks: &[&[u8]]) -> (Output, Vec<u8>) {
        let (mut collector, kept) = (Collector::default(), Kept::default());
        for chunk in chunks {
            collector.take(chunk).await;
        }
        let output = collector.finish(&kept).await;
        (output, kept.0.into_inner().unwrap())
    }

    #[tokio::test]
    async fn a_short_text_is_in_the_event_and_nowhere_else() {
        let (output, kept) = collect(&[b"one\n", "zw\u{f6}lf\n".as_bytes()]).await;
        assert_eq!(output, Output::text("one\nzw\u{f6}lf\n"));
        assert!(kept.is_empty());
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_are_stored_as_they_are() {
        let (output, kept) = collect(&[b"a\xff\0\x1b[31mb"]).await;
        assert_eq!(output.head.raw(), "a\u{fffd}\0\u{1b}[31mb");
        assert_eq!(kept, b"a\xff\0\x1b[31mb");
        assert!(output.blob.is_some());
    }

    #[tokio::test]
    async fn a_long_text_keeps_both_ends_within_the_limit_and_the_whole_apart() {
        let text: String = (0..40_000).map(|n| format!("\u{20ac}{n}\n")).collect();
        let chunks: Vec<_> = text.as_bytes().chunks(10_007).collect();
        let (output, kept) = collect(&chunks).await;
        assert_eq!(kept, text.as_bytes());
        assert!(text.starts_with(output.head.raw()) && text.ends_with(output.tail.raw()));
        assert!(output.head.raw().len() + output.tail.raw().len() <= Output::INLINE_BYTES);
        assert_eq!(output.bytes, text.len() as u64);
    }

    #[tokio::test]
    async fn replacing_bad_bytes_does_not_outgrow_the_event() {
        let (output, _) = collect(&[&[0xff; 30_000]]).await;
        assert!(output.head.raw().len() + output.tail.raw().len() <= Output::INLINE_BYTES);
    }

    #[tokio::test]
    async fn a_text_around_the_limit_is_neither_doubled_nor_torn() {
        for length in [Output::INLINE_BYTES - 1, Output::INLINE_BYTES, Output::INLINE_BYTES + 1, 12_000, 16_384, 16_385]
        {
            let text: String = (0..length).map(|n| char::from(b'a' + (n % 23) as u8)).collect();
            let (output, kept) = collect(&[text.as_bytes()]).await;
            let shown = output.head.raw().len() + output.tail.raw().len();
            assert!(text.starts_with(output.head.raw()) && text.ends_with(output.tail.raw()), "{length}");
            assert_eq!(shown as u64 + output.elided(), length as u64);
            assert_eq!(output.elided() > 0, !kept.is_empty(), "{length}");
        }
    }

    #[tokio::test]
    async fn what_is_stored_has_an_end() {
        let chunk = vec![b'x'; 1024 * 1024];
        let (output, kept) = collect(&[chunk.as_slice(); 20]).await;
        assert_eq!(kept.len() as u64, STORED_BYTES);
        assert_eq!(output.bytes, 20 * 1024 * 1024);
    }
}

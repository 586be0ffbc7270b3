//! Reads one streamed answer against the clock, and tells a complete answer from one that broke off.

use std::pin::Pin;
use std::time::Duration;

use async_openai::error::OpenAIError;
use futures::{Stream, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::assembly::{Assembled, Assembly};
use super::chunk::Chunk;
use super::failure;
use super::failure::{Failure, Place};
use super::settings::{Timeouts, seconds};
use super::transport::Exchange;
use super::voice::Voice;
use crate::domain::ModelFailureKind;
use crate::ports::DeltaSink;

/// The answer as it comes, and the time it may take.
pub(super) struct Reader {
    assembly: Assembly,
    voice: Voice,
    shown: usize,
    timeouts: Timeouts,
    started: Instant,
    last_piece: Option<Instant>,
}

/// Why reading ended early.
pub(super) enum Broken {
    Known(Failure),
    /// The protocol library's word for it; the exchange may know better.
    Library(OpenAIError),
}

impl Reader {
    pub fn new(timeouts: Timeouts, voice: Voice) -> Self {
        Self { assembly: Assembly::default(), voice, shown: 0, timeouts, started: Instant::now(), last_piece: None }
    }

    /// Characters people have seen so far.
    pub fn shown(&self) -> usize {
        self.shown
    }

    pub fn finish(self, seed: &[u8]) -> Assembled {
        self.assembly.finish(seed)
    }

    /// How much longer the next piece may take.
    pub fn patience(&self) -> Duration {
        self.deadline().saturating_duration_since(Instant::now())
    }

    /// Reads to the end.
    pub async fn read<S>(
        &mut self,
        stream: &mut Pin<Box<S>>,
        deltas: &dyn DeltaSink,
        place: &Place,
        exchange: &Exchange,
    ) -> Result<(), Broken>
    where
        S: Stream<Item = Result<Chunk, OpenAIError>> + ?Sized,
    {
        loop {
            // A server that has said why it stops owes nothing more but usage figures: whatever happens after
            // that does not spoil the answer.
            match timeout_at(self.deadline(), stream.next()).await {
                Err(_) if self.assembly.is_finished() => return Ok(()),
                Err(_) => return Err(Broken::Known(self.timed_out(place))),
                Ok(Some(Err(_))) if self.assembly.is_finished() => return Ok(()),
                Ok(Some(Err(error))) => return Err(Broken::Library(error)),
                Ok(Some(Ok(chunk))) => self.take(chunk, deltas, place)?,
                Ok(None) => break,
            }
        }
        if self.assembly.is_finished() || (exchange.saw_done() && !self.assembly.is_empty()) {
            return Ok(());
        }
        if !exchange.was_read() {
            return Err(Broken::Known(failure::unreadable(place)));
        }
        Err(Broken::Known(self.broke_off(place)))
    }

    /// The failure of taking too long, in words for where the answer stood.
    pub fn timed_out(&self, place: &Place) -> Failure {
        let Timeouts { first_token, between_tokens, whole, .. } = self.timeouts;
        let what = if self.started.elapsed() >= seconds(whole) {
            format!("did not finish its answer within {whole} s")
        } else if self.assembly.is_empty() {
            format!("did not begin to answer within {first_token} s")
        } else {
            format!("fell silent for {between_tokens} s in the middle of its answer")
        };
        place.failure(
            ModelFailureKind::Timeout,
            &what,
            "the server may be overloaded; the times are in [providers.….timeouts] of config.toml",
        )
    }

    fn take(&mut self, chunk: Chunk, deltas: &dyn DeltaSink, place: &Place) -> Result<(), Broken> {
        if let Some(complaint) = &chunk.complaint {
            return Err(Broken::Known(failure::from_stream_error(place, complaint)));
        }
        self.last_piece = Some(Instant::now());
        let added = self.assembly.push(chunk);
        self.shown += self.voice.speak(&added, deltas);
        Ok(())
    }

    /// Until there is something to show, the time for the first token counts, however often the server says
    /// that it is still there.
    fn deadline(&self) -> Instant {
        let next = self.last_piece.map(|last| last + seconds(self.timeouts.between_tokens));
        let first = self.assembly.is_empty().then(|| self.started + seconds(self.timeouts.first_token));
        let piece = next.max(first).unwrap_or(self.started);
        piece.min(self.started + seconds(self.timeouts.whole))
    }

    fn broke_off(&self, place: &Place) -> Failure {
        if self.last_piece.is_none() {
            let hint = "is the base URL that of an OpenAI-compatible server?";
            return place.failure(
                ModelFailureKind::Nonsense,
                "answered with something other than an OpenAI-style stream",
                hint,
            );
        }
        place.failure(ModelFailureKind::Provider, "broke off in the middle of its answer", "try again later")
    }
}

//! A stream on its way out.

use super::Secrets;
use super::scan::Scan;

/// As much is held back as could be the beginning of a secret.
#[derive(Default)]
pub struct Held {
    pending: Vec<u8>,
    scan: Scan,
}

impl Held {
    /// Takes the next bytes in; returns what is certainly clean.
    pub fn push(&mut self, secrets: &Secrets, bytes: &[u8]) -> Vec<u8> {
        if secrets.is_empty() {
            return bytes.to_vec();
        }
        self.pending.extend_from_slice(bytes);
        self.scan.go_on(&secrets.patterns, &self.pending);
        let certain = self.scan.certain();
        self.release(secrets, certain)
    }

    /// The end of the stream: all the rest.
    pub fn finish(&mut self, secrets: &Secrets) -> Vec<u8> {
        if !secrets.is_empty() {
            self.scan.finish(&secrets.patterns, &self.pending);
        }
        let all = self.pending.len();
        let rest = self.release(secrets, all);
        *self = Self::default();
        rest
    }

    /// Everything before `certain`, but nothing of a secret that reaches behind it.
    fn release(&mut self, secrets: &Secrets, certain: usize) -> Vec<u8> {
        let (to, regions) = self.scan.settled(&secrets.patterns, certain);
        let clean = secrets.replaced(&self.pending[..to], &regions);
        self.pending.drain(..to);
        self.scan.forget(to);
        clean
    }
}

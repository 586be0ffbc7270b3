//! Blobs in an encrypted log: each is kept once for every subject that has it, found by an HMAC of its name, and sealed
//! under that subject's key.
//!
//! The column that holds a blob's SHA-256 in clear holds the 32 bytes of the HMAC and then the 16 of the subject.

use uuid::Uuid;

use super::Seal;
use super::table::KeyTable;
use super::text::Place;
use super::vault::{Held, Vault};
use crate::domain::{BlobId, SubjectId};
use crate::kinds::Stream;
use crate::ports::LogError;

/// Bytes of what a blob is found by, before its subject.
pub(in crate::store) const LOOKUP: usize = 32;

/// A blob as it is stored.
pub(in crate::store) struct StoredBlob {
    pub hash: Vec<u8>,
    pub content: Vec<u8>,
}

impl Vault {
    /// Sealed for whoever the stream was begun for.
    async fn seal_blob(
        &self,
        table: &mut dyn KeyTable,
        blob: &BlobId,
        owner: Option<Stream>,
        content: &[u8],
    ) -> Result<StoredBlob, LogError> {
        let key = match owner {
            Some(stream) => self.key_of_stream(table, stream, &[]).await?,
            None => self.key_of(table, super::vault::Whose::Tenant).await?,
        };
        let place = Place::Blob { blob, subject: key.id }.bytes(&self.tenant);
        let mut hash = self.blob_lookup(blob);
        hash.extend_from_slice(key.id.0.as_bytes());
        Ok(StoredBlob { hash, content: key.cipher.seal(&place, content)? })
    }

    /// The first of these that opens; `None` where none is left. Their keys are to be learned before.
    fn open_blob(&self, blob: &BlobId, stored: &[StoredBlob]) -> Option<Vec<u8>> {
        stored.iter().find_map(|stored| {
            let subject = subject_of(&stored.hash)?;
            let Some(Held::Key(key)) = self.held(subject) else { return None };
            key.cipher.open(&Place::Blob { blob, subject }.bytes(&self.tenant), &stored.content)
        })
    }

    /// Whether one of these should have opened: its subject was not erased.
    fn is_any_left(&self, stored: &[StoredBlob]) -> bool {
        let subjects = stored.iter().filter_map(|stored| subject_of(&stored.hash));
        subjects.into_iter().any(|subject| matches!(self.held(subject), Some(Held::Key(_))))
    }
}

/// Whose a stored blob is; nobody's in a plain log.
fn subject_of(hash: &[u8]) -> Option<SubjectId> {
    Uuid::from_slice(hash.get(LOOKUP..)?).ok().map(SubjectId)
}

impl Seal {
    /// An output as it is to be stored, for whoever the stream was begun for.
    pub async fn blob(
        &self,
        table: &mut dyn KeyTable,
        blob: &BlobId,
        owner: Option<Stream>,
        content: &[u8],
    ) -> Result<StoredBlob, LogError> {
        match self {
            Self::Plain => Ok(StoredBlob { hash: hex::decode(&blob.0).unwrap_or_default(), content: content.to_vec() }),
            Self::Sealed(vault) => vault.seal_blob(table, blob, owner, content).await,
        }
    }

    /// The first and the last hash that a blob can be stored under; `None` for what is no hex, the name of nothing.
    pub fn blob_hashes(&self, blob: &BlobId) -> Option<(Vec<u8>, Vec<u8>)> {
        match self {
            Self::Plain => hex::decode(&blob.0).ok().map(|hash| (hash.clone(), hash)),
            Self::Sealed(vault) => {
                let lookup = vault.blob_lookup(blob);
                let last = [lookup.as_slice(), &[0xff; 16]].concat();
                Some((lookup, last))
            }
        }
    }

    /// Whose keys are to be learned before these are opened.
    pub fn subjects_of_blobs(&self, stored: &[StoredBlob]) -> Vec<SubjectId> {
        stored.iter().filter_map(|stored| subject_of(&stored.hash)).collect()
    }

    /// What was stored; the error says what is wrong with it.
    pub fn open_blob(&self, blob: &BlobId, stored: Vec<StoredBlob>) -> Result<Option<Vec<u8>>, &'static str> {
        match self {
            Self::Plain => match stored.into_iter().next().map(|stored| stored.content) {
                Some(content) if BlobId::of(&content) != *blob => Err("is not what was stored: its SHA-256 differs"),
                found => Ok(found),
            },
            Self::Sealed(vault) => match vault.open_blob(blob, &stored) {
                None if vault.is_any_left(&stored) => Err("does not open: it was changed"),
                found => Ok(found),
            },
        }
    }
}

//! The sizes of layers, from their indexes, which are rebuilt where they are missing.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::{Error, Store};
use crate::image::Blob;
use crate::layer::{LayerSummary, Limits, ScanError, read_summary, scan};
use crate::layout::Durable;
use crate::oci::Digest;

impl Store {
    /// The sizes of a layer, by the digest of its blob. If its index is missing, damaged, of another layer or of another
    /// version, the blob is read and its digest verified; the index is kept for the next time where the store can be
    /// written.
    pub fn layer_summary(&self, digest: &Digest, blob: &Blob) -> Result<LayerSummary, Error> {
        let path = self.layer_index_path(digest);
        if let Some(summary) = known_summary(&path, digest) {
            return Ok(summary);
        }
        let draft = self.draft_index(digest).ok();
        let mut sink: Box<dyn io::Write> = match &draft {
            Some(draft) => Box::new(BufWriter::new(draft.file())),
            None => Box::new(io::sink()),
        };
        let damaged = |source| match source {
            ScanError::Index { source } => Error::io(&path)(source),
            source => Error::DamagedLayer { digest: *digest, problem: source.to_string() },
        };
        let reader = blob.open().map_err(|error| damaged(error.into()))?;
        let found = scan(reader, &Limits::default(), &mut sink).map_err(damaged)?;
        if found.blob != *digest {
            // Otherwise the index would confirm damaged bytes.
            let problem = format!("its content has the digest {}", found.blob);
            return Err(Error::DamagedLayer { digest: *digest, problem });
        }
        let flushed = sink.flush().is_ok();
        drop(sink);
        if let (true, Some(draft)) = (flushed, draft) {
            // Only a cache: if it cannot be kept, it is made again next time.
            let _ = draft.settled().and_then(|draft| draft.publish(&path));
        }
        Ok(found.summary)
    }

    /// The index of a layer, if the store has one whose trailer names that layer.
    pub fn layer_index(&self, digest: &Digest) -> Option<PathBuf> {
        let path = self.layer_index_path(digest);
        known_summary(&path, digest).map(|_| path)
    }

    /// Deletes the index of a layer because it is damaged.
    pub fn forget_layer_index(&self, digest: &Digest) -> Result<(), Error> {
        let path = self.layer_index_path(digest);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(&path)(error)),
            _ => Ok(()),
        }
    }

    /// Where the index of a layer is kept.
    pub(super) fn layer_index_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("imgtool/layers").join(digest.hex())
    }

    fn draft_index(&self, digest: &Digest) -> Result<Durable, Error> {
        self.private_folder("layers")?;
        let path = self.private_folder("tmp")?.join(format!("layer-{}-{}", digest.hex(), std::process::id()));
        Durable::create(path.clone(), &self.job).map_err(Error::io(&path))
    }
}

/// The summary in the trailer of an index, if it is the index of that blob.
fn known_summary(path: &Path, blob: &Digest) -> Option<LayerSummary> {
    let file = File::open(path).ok()?;
    read_summary(BufReader::new(file)).ok().filter(|summary| summary.blob == *blob)
}

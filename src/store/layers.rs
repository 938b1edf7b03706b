//! What is known of the layers: their sizes, read from their indexes, which are made anew where they are missing.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::PathBuf;

use super::{Error, Store};
use crate::image::Blob;
use crate::layer::{LayerSummary, Limits, read_summary, scan};
use crate::layout::Durable;
use crate::oci::Digest;

impl Store {
    /// The sizes of a layer, by the digest of its blob. If its index is missing or damaged, the blob is read; the index
    /// is kept for the next time where the store can be written.
    pub fn layer_summary(&self, digest: &Digest, blob: &Blob) -> Result<LayerSummary, Error> {
        let path = self.layer_index_path(digest);
        let known = File::open(&path).ok().and_then(|file| read_summary(BufReader::new(file)).ok());
        if let Some(summary) = known {
            return Ok(summary);
        }
        let draft = self.draft_index(digest).ok();
        let mut sink: Box<dyn io::Write> = match &draft {
            Some(draft) => Box::new(BufWriter::new(draft.file())),
            None => Box::new(io::sink()),
        };
        let layer_error = |source| Error::Layer { what: format!("layer {digest}"), source };
        let reader = blob.open().map_err(|error| layer_error(error.into()))?;
        let found = scan(reader, &Limits::default(), &mut sink).map_err(layer_error)?;
        let flushed = sink.flush().is_ok();
        drop(sink);
        if let (true, Some(draft)) = (flushed, draft) {
            // Only a cache: if it cannot be kept, it is made again next time.
            let _ = draft.settled().and_then(|draft| draft.publish(&path));
        }
        Ok(found.summary)
    }

    /// The index of a layer, if the store has one that ends as an index does.
    pub fn layer_index(&self, digest: &Digest) -> Option<PathBuf> {
        let path = self.layer_index_path(digest);
        let file = File::open(&path).ok()?;
        read_summary(BufReader::new(file)).is_ok().then_some(path)
    }

    /// Deletes the index of a layer, which was found to be damaged.
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

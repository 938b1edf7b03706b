//! OCI archives: an [image layout](crate::layout) in a tar.

use super::{Error, TarIndex};
use crate::image::{Blob, BlobSource, Error as ImageError, Named};
use crate::layout::{self, LAYOUT_FILE, listed};
use crate::oci::{Descriptor, Document, DocumentKind, Index};

/// The member that names the images.
pub const INDEX: &str = layout::INDEX_FILE;

/// Reads what `index.json` lists.
pub fn read(archive: &TarIndex) -> Result<Vec<Named>, Error> {
    check_version(archive)?;
    Ok(listed(archive, &index(archive)?)?)
}

fn check_version(archive: &TarIndex) -> Result<(), Error> {
    let Some(blob) = archive.file(LAYOUT_FILE)? else { return Ok(()) };
    let bytes = blob.read_all(Index::LIMIT as u64).map_err(Error::Read)?;
    if layout::is_known_version(&bytes) { Ok(()) } else { Err(Error::LayoutVersion) }
}

/// What `index.json` says.
pub fn index(archive: &TarIndex) -> Result<Index, Error> {
    let blob = archive.file(INDEX)?.ok_or_else(|| Error::Missing { name: INDEX.to_owned() })?;
    let bytes = blob.read_all(Index::LIMIT as u64).map_err(Error::Read)?;
    let document =
        Document::<Index>::parse(bytes).map_err(|source| Error::Document { name: INDEX.to_owned(), source })?;
    Ok(document.value().clone())
}

/// The blobs of an archive, at `blobs/sha256/<hex>`.
impl BlobSource for TarIndex {
    fn open_blob(&self, descriptor: &Descriptor) -> Result<Option<Blob>, ImageError> {
        let name = format!("{}/{}", layout::BLOBS, descriptor.digest.hex());
        let io_error = |error: Error| ImageError::Io { what: name.clone(), source: std::io::Error::other(error) };
        self.file(&name).map(Option::<&Blob>::cloned).map_err(io_error)
    }
}

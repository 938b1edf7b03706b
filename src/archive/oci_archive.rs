//! OCI archives: an [image layout](crate::layout) in a tar.

use super::{Error, Named, TarIndex, flat};
use crate::image::{Blob, BlobSource, Error as ImageError, Tree};
use crate::layout::{self, LAYOUT_FILE, name_of};
use crate::oci::{Descriptor, Digest, Document, DocumentKind, Index};

/// The member that names the images.
pub const INDEX: &str = layout::INDEX_FILE;

/// Reads the images that `index.json` names.
pub fn read(archive: &TarIndex) -> Result<Vec<Named>, Error> {
    check_version(archive)?;
    let index = self::index(archive)?;
    group(archive, &index)
}

/// Reads the images of an index, one for each thing that is named, however many names it has.
pub fn group(source: &dyn BlobSource, index: &Index) -> Result<Vec<Named>, Error> {
    let mut found: Vec<Named> = Vec::new();
    for descriptor in &index.manifests {
        let same = |named: &&mut Named| is_same(named.descriptor.as_ref(), descriptor);
        if let Some(known) = found.iter_mut().find(same) {
            known.names.extend(name_of(descriptor));
            continue;
        }
        let tree = Tree::read(source, descriptor)?;
        let names = name_of(descriptor).into_iter().collect();
        found.push(Named { names, descriptor: Some(descriptor.clone()), tree });
    }
    Ok(flat::join(found))
}

/// Whether two entries are of one image. One manifest may also be listed for several platforms.
fn is_same(known: Option<&Descriptor>, descriptor: &Descriptor) -> bool {
    let one_platform = |known: &Descriptor| match (&known.platform, &descriptor.platform) {
        (Some(known), Some(other)) => known == other,
        _ => true,
    };
    known.is_some_and(|known| known.digest == descriptor.digest && one_platform(known))
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
    fn open_blob(&self, digest: &Digest) -> Result<Option<Blob>, ImageError> {
        let name = format!("{}/{}", layout::BLOBS, digest.hex());
        let io_error = |error: Error| ImageError::Io { what: name.clone(), source: std::io::Error::other(error) };
        self.file(&name).map(Option::<&Blob>::cloned).map_err(io_error)
    }
}

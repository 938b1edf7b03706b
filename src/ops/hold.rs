//! Reading images while other processes remove images from the store.

use super::{Context, Error, FoundImage};
use crate::oci::Digest;
use crate::store::Catalog;

/// How often reading a store that keeps changing is tried.
const ATTEMPTS: usize = 10;

impl Context {
    /// Runs `read` on the names in the store. If its result is incomplete and names have changed meanwhile, it runs
    /// again: an image may have been removed while it was read.
    pub(super) fn at_rest<T>(&self, read: impl Fn(&Catalog) -> Result<(T, bool), Error>) -> Result<T, Error> {
        let mut catalog = self.store.catalog()?;
        for attempt in 1.. {
            let found = read(&catalog);
            if attempt == ATTEMPTS || found.as_ref().is_ok_and(|(_, is_whole)| *is_whole) {
                return Ok(found?.0);
            }
            let now = self.store.catalog()?;
            if now == catalog {
                return Ok(found?.0);
            }
            catalog = now;
        }
        Ok(read(&catalog)?.0)
    }

    /// The result of `find`, with a lease on it until the context's store is dropped.
    pub(super) fn find_held(
        &self,
        find: impl Fn(&Catalog) -> Result<Vec<FoundImage>, Error>,
    ) -> Result<Vec<FoundImage>, Error> {
        self.at_rest(|catalog| {
            let found = find(catalog)?;
            let held = found.iter().map(|found| self.hold(found)).collect::<Result<Vec<_>, _>>()?;
            let is_whole = held.iter().all(|is_whole| *is_whole);
            Ok((found, is_whole))
        })
    }

    /// Takes a lease on the layers of an image, and returns whether all that were present still are.
    pub(super) fn hold(&self, found: &FoundImage) -> Result<bool, Error> {
        if !found.in_store() {
            return Ok(true);
        }
        let images = found.tree.images();
        let layers = images.iter().flat_map(|image| &image.layers).filter(|layer| layer.blob.is_some());
        let digests: Vec<Digest> =
            layers.filter_map(|layer| layer.descriptor.as_ref()).map(|descriptor| descriptor.digest).collect();
        Ok(self.store.hold(&digests)?)
    }
}

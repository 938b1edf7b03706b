//! `save`: images go out into an archive.
//!
//! Nothing is copied beforehand: the members of the archive are planned from what is known of the blobs, then written
//! from where they are. Only layers that are to be compressed are read twice, because a digest has to be known before
//! the first byte is written.

mod index;
mod layers;

use std::collections::BTreeMap;

use super::{Context, Error, Found};
use crate::archive::docker_archive;
use crate::archive::output::{Content, Member, Recode};
use crate::archive::write::{self, Listed, Prepared};
use crate::image::{Image, Progress, Tree, manifest};
use crate::oci::{Descriptor, Platform};

/// The forms that an archive can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// What docker 25 and later write, which everybody reads.
    #[default]
    Docker,
    /// What docker 1.10 to 24 wrote.
    DockerLegacy,
    /// An OCI archive, its manifests and layers as they are stored.
    Oci,
}

/// What the person who saves wants.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The form of the archive.
    pub format: Format,
    /// How layers are compressed; by default not at all, and in OCI archives as they are.
    pub compress: Option<Recode>,
    /// Only this platform.
    pub platform: Option<Platform>,
    /// The time of all members, in seconds since 1970.
    pub mtime: i64,
}

/// Plans an archive of the images that were typed: its members, ready to be written.
pub fn plan(
    context: &Context,
    typed: &[String],
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<Member>, Error> {
    let mut found: Vec<Found> = Vec::new();
    for typed in typed {
        for image in context.find_all(typed, options.platform.as_ref())? {
            add(&mut found, image);
        }
    }
    let preparer = Preparer { context, options, progress };
    let images = found.iter().map(|found| preparer.prepare(found)).collect::<Result<Vec<_>, _>>()?;
    Ok(match options.format {
        Format::Docker => write::superset(&images, options.mtime),
        Format::Oci => write::oci(&images, options.mtime),
        Format::DockerLegacy => docker_archive::write::members(&images, options.mtime).map_err(Error::Form)?,
    })
}

/// An image that was asked for twice is written once, with all the names under which it was asked for.
fn add(found: &mut Vec<Found>, new: Found) {
    let digest = |found: &Found| found.descriptor.as_ref().map(|descriptor| descriptor.digest);
    match found.iter_mut().find(|known| digest(known).is_some() && digest(known) == digest(&new)) {
        Some(known) => {
            let fresh = new.names.into_iter().filter(|name| !known.names.contains(name)).collect::<Vec<_>>();
            known.names.extend(fresh);
        }
        None => found.push(new),
    }
}

struct Preparer<'a> {
    context: &'a Context,
    options: &'a Options,
    progress: &'a dyn Progress,
}

impl Preparer<'_> {
    fn prepare(&self, found: &Found) -> Result<Prepared, Error> {
        let platform = self.options.platform.as_ref();
        let image = found.image(platform, &self.context.host).map_err(|error| match error {
            Error::OtherPlatform { image, wanted, found } => Error::NoExportTarget { image, wanted, found },
            other => other,
        })?;
        image.require_complete(|| found.shown())?;
        let all_platforms = platform.is_none() && self.options.format != Format::DockerLegacy;
        match (&found.tree, &found.descriptor) {
            (Tree::Index { .. }, Some(descriptor)) if all_platforms => self.prepare_index(found, descriptor, image),
            _ => self.prepare_image(found, image),
        }
    }

    fn prepare_image(&self, found: &Found, image: &Image) -> Result<Prepared, Error> {
        let ready = self.recode_all(found, image)?;
        let manifest = image.manifest_with(ready.iter().map(|ready| ready.descriptor.clone()).collect());
        let mut blobs = BTreeMap::new();
        blobs.insert(*manifest.digest(), Content::Bytes(manifest.bytes().to_vec()));
        blobs.insert(*image.config.digest(), Content::Bytes(image.config.bytes().to_vec()));
        let mut layers = Vec::with_capacity(ready.len());
        for (layer, ready) in image.layers.iter().zip(ready) {
            layers.push((layer.diff_id, ready.descriptor.digest));
            blobs.insert(ready.descriptor.digest, ready.content);
        }
        let listed = Listed { config: image.config.clone(), layers };
        let descriptor = Descriptor { platform: image.described_platform.clone(), ..manifest::descriptor(&manifest) };
        Ok(Prepared { names: found.names.clone(), descriptor, blobs, listed })
    }
}

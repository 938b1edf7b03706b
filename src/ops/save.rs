//! `save`: writes images to an archive.
//!
//! Nothing is copied beforehand: the members of the archive are planned from what is known of the blobs, then written
//! from where they are. Only layers that are to be compressed are made beforehand, because a digest has to be known
//! before the first byte is written.

use std::collections::{HashMap, HashSet, hash_map};
use std::io;
use std::path::PathBuf;

use super::{Context, Error, FoundImage};
use crate::archive::output::ArchiveMember;
use crate::archive::{docker_archive, write};
use crate::image::outgoing::{self, LayerForm, Outgoing, OutgoingRequest, Recode};
use crate::image::{ImageTree, Layer, Progress};
use crate::oci::{Platform, Reference};

/// The forms that an archive can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ArchiveFormat {
    /// As docker 25 and later write it; every reader accepts it.
    #[default]
    Docker,
    /// What docker 1.10 to 24 wrote.
    DockerLegacy,
    /// An OCI archive, its manifests and layers as they are stored.
    Oci,
}

/// Options of `save`.
#[derive(Debug, Clone, Default)]
pub struct SaveOptions {
    /// The form of the archive.
    pub format: ArchiveFormat,
    /// How layers are compressed; by default not at all, and in OCI archives as they are.
    pub compress: Option<Recode>,
    /// Only this platform.
    pub platform: Option<Platform>,
    /// A folder for compressed layers until they are written into the archive, best the archive's own.
    pub scratch: Option<PathBuf>,
    /// The time of all members, in seconds since 1970.
    pub mtime: i64,
}

/// Plans an archive of the images that were typed: its members, ready to be written.
pub fn plan(
    context: &Context,
    typed: &[String],
    options: &SaveOptions,
    progress: &dyn Progress,
) -> Result<Vec<ArchiveMember>, Error> {
    plan_found(context, &find(context, typed, options.platform.as_ref())?, options, progress)
}

/// The same of images that were found.
pub fn plan_found(
    context: &Context,
    found: &[FoundImage],
    options: &SaveOptions,
    progress: &dyn Progress,
) -> Result<Vec<ArchiveMember>, Error> {
    let images = outgoing(context, found, options, progress)?;
    Ok(match options.format {
        ArchiveFormat::Docker => write::superset(&images, options.mtime),
        ArchiveFormat::Oci => write::oci(&images, options.mtime),
        ArchiveFormat::DockerLegacy => docker_archive::write::members(&images, options.mtime).map_err(Error::Form)?,
    })
}

/// The images, ready to go out.
fn outgoing(
    context: &Context,
    found: &[FoundImage],
    options: &SaveOptions,
    progress: &dyn Progress,
) -> Result<Vec<Outgoing>, Error> {
    for found in found {
        let complete: Vec<_> = found.tree.images().into_iter().filter(|image| image.is_complete()).collect();
        context.fetch(found, &complete, progress)?;
    }
    let sizes: Vec<_> = found.iter().map(|found| tar_size(context, found)).collect();
    let requests = found.iter().zip(&sizes).map(|(found, tar_size)| request(context, options, found, tar_size));
    let requests = requests.collect::<Result<Vec<_>, _>>()?;
    let form = match (options.compress, options.format) {
        (Some(recode), ArchiveFormat::Docker | ArchiveFormat::Oci) => LayerForm::Recoded(recode),
        (None, ArchiveFormat::Oci) => LayerForm::AsStored,
        _ => LayerForm::Recoded(Recode::Unpack),
    };
    Ok(outgoing::prepare(
        &requests,
        &outgoing::OutgoingOptions { form, scratch: options.scratch.as_deref(), progress },
    )?)
}

/// The images that were typed. One that was asked for twice is there once, with all the names under which it was asked
/// for.
fn find(context: &Context, typed: &[String], platform: Option<&Platform>) -> Result<Vec<FoundImage>, Error> {
    let mut all: Vec<FoundImage> = Vec::new();
    let mut places = HashMap::new();
    for typed in typed {
        for new in context.find_all(typed, platform)? {
            let digest = new.descriptor.as_ref().map(|descriptor| descriptor.digest);
            match digest.map(|digest| places.entry(digest)) {
                Some(hash_map::Entry::Occupied(place)) => {
                    let known: &mut FoundImage = &mut all[*place.get()];
                    known.names.extend(new.names);
                }
                Some(hash_map::Entry::Vacant(place)) => {
                    place.insert(all.len());
                    all.push(new);
                }
                None => all.push(new),
            }
        }
    }
    for found in &mut all {
        let mut seen: HashSet<Reference> = HashSet::with_capacity(found.names.len());
        found.names.retain(|name| seen.insert(name.clone()));
    }
    Ok(all)
}

/// Gives the length of a layer's uncompressed tar.
type TarSize<'a> = Box<dyn Fn(&Layer) -> io::Result<u64> + Sync + 'a>;

fn tar_size<'a>(context: &'a Context, found: &'a FoundImage) -> TarSize<'a> {
    Box::new(|layer| context.layer_size(found, layer).map(|size| size.tar).map_err(io::Error::other))
}

fn request<'a>(
    context: &Context,
    options: &SaveOptions,
    found: &'a FoundImage,
    tar_size: &'a TarSize<'a>,
) -> Result<OutgoingRequest<'a>, Error> {
    let platform = options.platform.as_ref();
    let image = found.image(platform, &context.host).map_err(|error| match error {
        Error::OtherPlatform { image, wanted, found } => Error::NoExportTarget { image, wanted, found },
        other => other,
    })?;
    image.require_complete(|| found.shown())?;
    let all_platforms = platform.is_none() && options.format != ArchiveFormat::DockerLegacy;
    let index = match (&found.tree, &found.descriptor) {
        (ImageTree::Index { .. }, Some(descriptor)) if all_platforms => Some((descriptor, &found.tree)),
        _ => None,
    };
    Ok(OutgoingRequest { names: &found.names, shown: found.shown(), image, index, tar_size: &**tar_size })
}

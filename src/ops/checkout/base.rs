//! What a directory is compared with.

use std::io;
use std::path::Path;

use super::compare::{Compare, CompareTo};
use super::directory::open;
use crate::image::contents::LayerStack;
use crate::image::{Blob, Image, edit};
use crate::layer::Mtime;
use crate::layer::overlay::Overlay;
use crate::oci::{Digest, ImageConfig};
use crate::ops::damage::LayerNames;
use crate::ops::{Context, Error, FoundImage};
use crate::rootfs::{Base, PathRecord, Root, SnapshotError, SnapshotHeader, StandIns, expected, ordinary_user};
use crate::store::Snapshot;

/// A directory, and the image that it is compared with.
pub struct Checkout {
    /// The directory.
    pub root: Root,
    /// The image; none if all is new.
    pub image: Option<Image>,
    /// What the image's name leads to.
    pub parent: Option<Digest>,
    /// The image's config, or an empty one.
    pub config: ImageConfig,
    /// The contents of the image's layers.
    pub layers: LayerStack,
    /// The names of the layers for messages; none if there is no image.
    pub names: Option<LayerNames>,
    /// When the snapshot was taken, by the clock of the file system.
    pub settled: Mtime,
    /// The ordinary user who unpacked; none if root did.
    pub user: Option<(u32, u32)>,
    /// The image that the directory was unpacked from.
    pub origin: Base,
    /// The path of the directory that this one is a copy of.
    pub copy_of: Option<String>,
    /// No base is known, and none was ruled out by the user.
    pub is_unknown: bool,
    /// The directory is the original that the records describe, so inodes can be compared.
    pub in_place: bool,
    /// What is known of the empty files that stand for devices.
    pub stand_ins: StandIns,
    known: Known,
}

/// The source of the records.
enum Known {
    Snapshot(Box<Snapshot>),
    Image(Box<Overlay>),
    Nothing,
}

type Records<'a> = Box<dyn Iterator<Item = Result<PathRecord, SnapshotError>> + 'a>;

impl Checkout {
    /// Opens a directory, and finds the image that it is compared with.
    pub fn open(context: &Context, directory: &Path, compare: &Compare) -> Result<Self, Error> {
        let root = open(directory)?;
        match &compare.to {
            CompareTo::Scratch => Ok(Self::scratch(context, root)),
            CompareTo::Image(typed) => {
                let found = context.find(typed)?;
                let stand_ins = match context.store.find_snapshot(directory)? {
                    Some(snapshot) => stand_ins(&snapshot)?,
                    None => StandIns::Unknown,
                };
                Ok(Self { stand_ins, ..Self::of_image(context, root, &found)? })
            }
            CompareTo::Snapshot => match context.store.find_snapshot(directory)? {
                None => Ok(Self { is_unknown: true, ..Self::scratch(context, root) }),
                Some(snapshot) if compare.squash => {
                    let header = &snapshot.header;
                    let mut checkout = Self::by_content(context, root, directory, header, &header.origin)?;
                    checkout.stand_ins = stand_ins(&snapshot)?;
                    // Only layers are squashed, not later changes of the config.
                    if let Ok(latest) = find_base(context, directory, &header.base)
                        && let Some(image) = image_of(&latest, &header.base)
                    {
                        checkout.config.config.clone_from(&image.config.value().config);
                    }
                    Ok(checkout)
                }
                // The image may have been loaded again.
                Some(Snapshot { header, is_emptied: true, .. }) => {
                    Self::by_content(context, root, directory, &header, &header.base)
                }
                Some(snapshot) => Self::of_snapshot(context, root, directory, snapshot),
            },
        }
    }

    /// The records of the image's paths, in walk order.
    pub fn records(&self) -> Result<Records<'_>, Error> {
        Ok(match &self.known {
            Known::Snapshot(snapshot) => Box::new(snapshot.records()?),
            Known::Image(overlay) => Box::new(expected(overlay, self.user).map(Ok)),
            Known::Nothing => Box::new(std::iter::empty()),
        })
    }

    fn scratch(context: &Context, root: Root) -> Self {
        Self {
            root,
            image: None,
            parent: None,
            config: edit::scratch(&context.host),
            layers: LayerStack::none(),
            names: None,
            settled: Mtime::default(),
            user: ordinary_user(),
            origin: Base::default(),
            copy_of: None,
            is_unknown: false,
            in_place: false,
            stand_ins: StandIns::Unknown,
            known: Known::Nothing,
        }
    }

    fn of_image(context: &Context, root: Root, found: &FoundImage) -> Result<Self, Error> {
        let image = found.image(None, &context.host)?;
        let overlay = context.overlay(found, image)?;
        let manifest = found.descriptor.as_ref().map(|descriptor| descriptor.digest);
        Ok(Self {
            root,
            config: image.config.value().clone(),
            layers: context.layers(found, image)?,
            names: Some(LayerNames::of(found, image)),
            settled: Mtime::default(),
            user: ordinary_user(),
            origin: Base { manifest, id: Some(image.id()) },
            parent: manifest,
            image: Some(image.clone()),
            copy_of: None,
            is_unknown: false,
            in_place: false,
            stand_ins: StandIns::Unknown,
            known: Known::Image(Box::new(overlay)),
        })
    }

    /// Compares by content with the image that the directory came from, because there is no usable snapshot.
    fn by_content(
        context: &Context,
        root: Root,
        directory: &Path,
        header: &SnapshotHeader,
        base: &Base,
    ) -> Result<Self, Error> {
        let found = find_base(context, directory, base)?;
        Ok(Self { user: header.user, ..Self::of_image(context, root, &found)? })
    }

    fn of_snapshot(context: &Context, root: Root, directory: &Path, snapshot: Snapshot) -> Result<Self, Error> {
        let header = &snapshot.header;
        let found = find_base(context, directory, &header.base)?;
        let image = image_of(&found, &header.base).ok_or_else(|| lost(directory, &header.base))?;
        let layers = context.layers(&found, image)?;
        let copied_from = String::from_utf8_lossy(&header.place.path).into_owned();
        Ok(Self {
            root,
            config: image.config.value().clone(),
            layers,
            names: Some(LayerNames::of(&found, image)),
            settled: header.settled,
            user: header.user,
            origin: header.origin.clone(),
            parent: found.descriptor.as_ref().map(|descriptor| descriptor.digest),
            image: Some(image.clone()),
            copy_of: snapshot.is_copy.then_some(copied_from),
            is_unknown: false,
            in_place: !snapshot.is_copy,
            stand_ins: StandIns::Recorded,
            known: Known::Snapshot(Box::new(snapshot)),
        })
    }
}

/// The empty files that stand for devices, as a snapshot of the directory knows them.
fn stand_ins(snapshot: &Snapshot) -> Result<StandIns, Error> {
    if snapshot.is_emptied {
        return Ok(StandIns::Unknown);
    }
    let known = StandIns::of_snapshot(snapshot.records()?, snapshot.header.settled, !snapshot.is_copy);
    Ok(known.map_err(crate::rootfs::Error::from)?)
}

/// Finds the image that a directory was unpacked from: by its manifest, or under another one by its id.
fn find_base(context: &Context, directory: &Path, base: &Base) -> Result<FoundImage, Error> {
    let catalog = context.store.catalog()?;
    let typed = base.manifest.map(|digest| digest.to_string()).into_iter().chain(base.id.map(|id| id.to_string()));
    for typed in typed {
        match context.find_in_store(&catalog, &typed) {
            Ok(found) if image_of(&found, base).is_some() => return Ok(found),
            Ok(_) | Err(Error::NoSuchImage(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(lost(directory, base))
}

fn image_of<'a>(found: &'a FoundImage, base: &Base) -> Option<&'a Image> {
    found.tree.images().into_iter().find(|image| Some(image.id()) == base.id)
}

fn lost(directory: &Path, base: &Base) -> Error {
    let id = base.id.map(|id| id.to_string()).unwrap_or_default();
    Error::BaseLost { directory: directory.to_owned(), id }
}

impl Context {
    /// The contents of an image's layers, all of which must be there.
    pub(in crate::ops) fn layers(&self, found: &FoundImage, image: &Image) -> Result<LayerStack, Error> {
        image.require_complete(|| found.shown())?;
        // From here on a lease keeps them.
        if !self.hold(found)? {
            return Err(Error::RemovedMeanwhile { image: found.shown() });
        }
        let blobs: Vec<Blob> = image.layers.iter().filter_map(|layer| layer.blob.clone()).collect();
        let failed = |source| Error::Io { what: format!("layers of {}", found.shown()), source };
        let (whole, looked_at, image) = (self.clone(), found.clone(), image.clone());
        let checksums = move |layer| whole.checksums(&looked_at, &image, layer).map_err(io::Error::other);
        LayerStack::new(blobs, self.limits.clone(), checksums).map_err(failed)
    }
}

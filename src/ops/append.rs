//! `append`: an image with more layers on top, each a tar or the content of a directory.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::checkout::{Checkout, Compare, CompareTo, keep_changes, limit_times};
use super::remake::{self, KeptLayer, Made, Origin, Remade, Stamp};
use super::tar_layer::{self, Whiteouts};
use super::{Context, Error, naming};
use crate::image::{Progress, edit};
use crate::layer::{EntryPath, TarWriter};
use crate::oci::{Annotations, History, ImageConfig, Platform, Reference};
use crate::rootfs::{Changes, Skipped};
use crate::store::{Quarantine, VerifiedLayer};

/// What an image without a layer is called.
const SCRATCH: &str = "scratch";

/// What becomes a layer.
pub enum AppendInput {
    /// A tar, or a directory.
    Path(PathBuf),
    /// A tar that is read once.
    Stream(Box<dyn Read + Send>),
}

/// Options of `append`.
#[derive(Debug, Clone)]
pub struct AppendOptions {
    /// The platform of the image, if it has several; of `scratch`, that of the new image.
    pub platform: Option<Platform>,
    /// No time in a layer of a directory is later than this.
    pub latest: Option<i64>,
    /// Who made the image, and when.
    pub stamp: Stamp,
    /// Its name.
    pub name: Reference,
}

/// An image with more layers.
#[derive(Debug)]
pub struct Appended {
    /// The image.
    pub made: Made,
    /// What of the directories no layer can hold.
    pub skipped: Skipped,
}

/// Makes an image with more layers on top of those of `typed`, or of none if that is `scratch`.
pub fn append(
    context: &Context,
    typed: &str,
    inputs: Vec<AppendInput>,
    options: &AppendOptions,
    progress: &dyn Progress,
) -> Result<Appended, Error> {
    let name = naming::checked(options.name.clone())?;
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let mut remade = base(context, typed, options, &quarantine, progress)?;
    let mut skipped = Skipped::default();
    for input in inputs {
        let (layer, what) = keep(context, &quarantine, input, options, &mut skipped, progress)?;
        check_links(&quarantine, &layer, &remade.layers)?;
        let command = format!("{} {what}", options.stamp.command);
        remade.config.history.push(History { created_by: command, ..options.stamp.layer_step() });
        remade.layers.push(KeptLayer::from(layer));
    }
    let made = remade.publish(quarantine, Some(name))?;
    Ok(Appended { made, skipped })
}

/// What there is before anything is appended.
fn base(
    context: &Context,
    typed: &str,
    options: &AppendOptions,
    quarantine: &Quarantine,
    progress: &dyn Progress,
) -> Result<Remade, Error> {
    let created = Some(options.stamp.created);
    if typed == SCRATCH {
        let config = edit::scratch(options.platform.as_ref().unwrap_or(&context.host));
        let config = ImageConfig { created, ..config };
        return Ok(Remade { config, layers: Vec::new(), annotations: Annotations::new(), platform: None });
    }
    let origin = Origin::open(context, typed, options.platform.as_ref(), progress)?;
    let base = origin.image.config.value();
    let config = ImageConfig { created, history: remake::padded(base)?, ..base.clone() };
    let layers = origin.layers(context, quarantine, progress)?;
    let platform = origin.image.described_platform.clone();
    Ok(Remade { config, layers, annotations: origin.annotations(), platform })
}

/// Keeps a layer, and says what it is called.
fn keep(
    context: &Context,
    quarantine: &Quarantine,
    input: AppendInput,
    options: &AppendOptions,
    skipped: &mut Skipped,
    progress: &dyn Progress,
) -> Result<(VerifiedLayer, String), Error> {
    let (layer, what) = match input {
        AppendInput::Path(path) if path.is_dir() => {
            let layer = directory(context, quarantine, &path, options, skipped, progress)?;
            return Ok((layer, shown(&path)));
        }
        AppendInput::Path(path) => {
            (tar_layer::keep_file(quarantine, &path, "Appending", progress)?, path.display().to_string())
        }
        AppendInput::Stream(mut stream) => {
            let what = "standard input".to_owned();
            (tar_layer::keep_stream(quarantine, &mut *stream, &what, "Appending", None, progress)?, what)
        }
    };
    tar_layer::check(quarantine, &layer, &what, Whiteouts::Allowed)?;
    let what = if what == "standard input" { "-".to_owned() } else { shown(Path::new(&what)) };
    Ok((layer, what))
}

/// A path as the history shows it: not where on this machine it was.
fn shown(path: &Path) -> String {
    path.file_name().map_or_else(|| ".".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The content of a directory, as `commit` would take it.
fn directory(
    context: &Context,
    quarantine: &Quarantine,
    path: &Path,
    options: &AppendOptions,
    skipped: &mut Skipped,
    progress: &dyn Progress,
) -> Result<VerifiedLayer, Error> {
    let compare = Compare { to: CompareTo::Scratch, ..Compare::default() };
    let checkout = Checkout::open(context, path, &compare)?;
    let Changes { mut changes, skipped: left_out } = checkout.changes(&compare, &mut |_| Ok(()))?;
    skipped.sockets.extend(left_out.sockets);
    skipped.mounts.extend(left_out.mounts);
    skipped.unreadable.extend(left_out.unreadable);
    // The directory stands for the root, which stays as it is: its owner and permissions are those of some folder here.
    changes.retain(|change| !change.path.is_root());
    limit_times(&mut changes, options.latest);
    let kept = keep_changes(&checkout.root, quarantine, &changes, options.stamp.created, progress)?;
    match kept {
        Some((layer, _)) => Ok(layer),
        None => empty_layer(quarantine),
    }
}

/// The layer of an empty directory.
fn empty_layer(quarantine: &Quarantine) -> Result<VerifiedLayer, Error> {
    let tar = TarWriter::new(Vec::new())
        .finish()
        .map_err(|source| Error::Io { what: "an empty layer".to_owned(), source })?;
    Ok(quarantine.keep_layer_once(&mut tar.as_slice(), "an empty layer", &|_| {})?)
}

/// The targets of a layer's hard links are in it or in a layer below.
fn check_links(quarantine: &Quarantine, layer: &VerifiedLayer, below: &[KeptLayer]) -> Result<(), Error> {
    let mut missing: Vec<&EntryPath> = layer.missing_link_targets.iter().collect();
    for lower in below.iter().rev() {
        if missing.is_empty() {
            break;
        }
        let failed = |source| Error::LayerIndex { diff_id: lower.diff_id, source };
        for entry in quarantine.entries(&lower.descriptor.digest).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            missing.retain(|target| **target != entry.path);
        }
    }
    match missing.first() {
        Some(target) => Err(Error::DanglingLink { diff_id: layer.diff_id, target: EntryPath::to_string(target) }),
        None => Ok(()),
    }
}

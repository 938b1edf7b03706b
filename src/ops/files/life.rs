//! `which`: which layers brought, changed and hid a file. `ls --deleted`: what higher layers deleted.

use super::history::{Step, steps};
use crate::image::{Image, Progress};
use crate::layer::EntryPath;
use crate::layer::diff::Aspect;
use crate::layer::entry::EntryKind;
use crate::layer::overlay::{HiddenFile, LastLink, Overlay, PathState, Watch};
use crate::oci::Platform;
use crate::ops::files_error::FilesError;
use crate::ops::{Context, Error, FoundImage};

/// What a layer did to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was not there before.
    Added,
    /// It is another one, or has other metadata.
    Changed,
    /// The layer has it, but it is as it was.
    Rewritten,
    /// It is gone.
    Deleted,
}

impl ChangeKind {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Rewritten => "rewritten",
            Self::Deleted => "deleted",
        }
    }
}

/// What one layer did to a file.
#[derive(Debug, Clone)]
pub struct Change {
    /// The layer, counted from the bottom, from 0.
    pub layer: usize,
    /// What it did.
    pub kind: ChangeKind,
    /// What differs, if the file changed.
    pub aspects: Vec<Aspect>,
    /// What was there before.
    pub before: Option<PathState>,
    /// What is there afterwards.
    pub after: Option<PathState>,
    /// What made the layer, if the config says it.
    pub step: Option<Step>,
}

/// The life of a file.
#[derive(Debug, Clone)]
pub struct Life {
    /// Its path, without symbolic links on the way.
    pub path: EntryPath,
    /// What layers did to it, bottom first.
    pub changes: Vec<Change>,
}

/// Finds out what the layers of an image did to a path. Links on the way are followed, the last one only if `follows`.
pub fn which(
    context: &Context,
    typed: &str,
    platform: Option<&Platform>,
    path: &[u8],
    follows: bool,
    progress: &dyn Progress,
) -> Result<Life, Error> {
    let (found, image) = open(context, typed, platform, progress)?;
    let guess = EntryPath::new(path).unwrap_or_default();
    let mut watch = Watch::path(guess.clone());
    let view = context.overlay_watched(&found, &image, &mut watch)?;
    let real = real_path(&view, path, follows)?;
    if real != guess {
        watch = Watch::path(real.clone());
        context.overlay_watched(&found, &image, &mut watch)?;
    }
    let states = watch.into_states();
    let steps = steps(&image);
    let mut changes = Vec::new();
    let mut before = None;
    for (layer, after) in states.into_iter().enumerate() {
        if let Some((kind, aspects)) = compare(before.as_ref(), after.as_ref(), layer) {
            let step = steps.get(layer).cloned().flatten();
            changes.push(Change { layer, kind, aspects, before: before.clone(), after: after.clone(), step });
        }
        before = after;
    }
    if changes.is_empty() {
        return Err(FilesError::InNoLayer { image: found.shown(), path: path.to_vec() }.into());
    }
    Ok(Life { path: real, changes })
}

/// What higher layers of an image deleted, and what of it lies at or below a path, in the order of paths. What is at its
/// path again is not among them: [`which`] tells about it.
pub fn deleted(
    context: &Context,
    typed: &str,
    platform: Option<&Platform>,
    path: &[u8],
    progress: &dyn Progress,
) -> Result<Vec<HiddenFile>, Error> {
    let (found, image) = open(context, typed, platform, progress)?;
    let mut watch = Watch::hidden();
    let view = context.overlay_watched(&found, &image, &mut watch)?;
    let top = real_path(&view, path, true)?;
    let mut hidden: Vec<HiddenFile> = watch.into_hidden();
    hidden.retain(|file| {
        EntryPath::new(&file.path).is_ok_and(|path| path.starts_with(&top) && view.lookup(&path).is_none())
    });
    // Of what was replaced before it was deleted, the last counts.
    hidden.sort_by(|one, other| (&one.path, other.hidden_by).cmp(&(&other.path, one.hidden_by)));
    hidden.dedup_by(|later, first| later.path == first.path);
    Ok(hidden)
}

fn open(
    context: &Context,
    typed: &str,
    platform: Option<&Platform>,
    progress: &dyn Progress,
) -> Result<(FoundImage, Image), Error> {
    let found = context.find_for(typed, platform)?;
    let image = found.image(platform, &context.host)?.clone();
    context.fetch(&found, &[&image], progress)?;
    Ok((found, image))
}

/// A path with links followed as far as it is there; the rest is what was deleted.
fn real_path(view: &Overlay, typed: &[u8], follows: bool) -> Result<EntryPath, FilesError> {
    let wrong = |source| FilesError::Path { path: typed.to_vec(), source };
    let clean: Vec<&[u8]> =
        typed.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    for there in (0..=clean.len()).rev() {
        let (before, after) = clean.split_at(there);
        let is_whole = after.is_empty();
        let last = if is_whole && !follows { LastLink::Keep } else { LastLink::Follow };
        match view.follow(&before.join(&b'/'), last) {
            Ok(node) => {
                let path = [node.path_bytes(), after.join(&b'/')].join(&b'/');
                return EntryPath::new(&path).map_err(|_| wrong(crate::layer::overlay::FollowError::Missing));
            }
            // A link that leads nowhere is there itself.
            Err(_) if is_whole && view.follow(&before.join(&b'/'), LastLink::Keep).is_ok() => {
                let node = view.follow(&before.join(&b'/'), LastLink::Keep).map_err(wrong)?;
                return Ok(node.path());
            }
            Err(_) => {}
        }
    }
    Ok(EntryPath::root())
}

fn compare(before: Option<&PathState>, after: Option<&PathState>, layer: usize) -> Option<(ChangeKind, Vec<Aspect>)> {
    match (before, after) {
        (None, None) => None,
        (None, Some(_)) => Some((ChangeKind::Added, Vec::new())),
        (Some(_), None) => Some((ChangeKind::Deleted, Vec::new())),
        (Some(before), Some(after)) => {
            let aspects = aspects(before, after);
            if aspects.is_empty() {
                return (after.layer == layer).then_some((ChangeKind::Rewritten, aspects));
            }
            Some((ChangeKind::Changed, aspects))
        }
    }
}

fn aspects(before: &PathState, after: &PathState) -> Vec<Aspect> {
    let is_link = |kind: &EntryKind| matches!(kind, EntryKind::Symlink { .. });
    let is_type = std::mem::discriminant(&before.kind) != std::mem::discriminant(&after.kind);
    let all = [
        (Aspect::Type, is_type),
        (Aspect::Mode, before.mode != after.mode && !is_link(&after.kind)),
        (Aspect::Uid, before.uid != after.uid),
        (Aspect::Gid, before.gid != after.gid),
        (Aspect::Mtime, before.mtime != after.mtime),
        (Aspect::Size, before.size != after.size),
        (Aspect::Content, before.checksum != after.checksum),
        (Aspect::Target, !is_type && is_link(&after.kind) && before.kind != after.kind),
        (Aspect::Device, !is_type && !is_link(&after.kind) && before.kind != after.kind),
        (Aspect::Xattrs, before.xattrs != after.xattrs),
    ];
    all.into_iter().filter(|(_, differs)| *differs).map(|(aspect, _)| aspect).collect()
}

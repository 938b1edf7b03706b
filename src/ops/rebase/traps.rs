//! What may go wrong when layers are put on another base: they were made on the files of the old one.

use std::collections::BTreeSet;

use crate::layer::overlay::{NodeKind, Overlay, ViewNode};
use crate::layer::{Entry, EntryPath, Whiteout};
use crate::ops::installed::is_database;
use crate::ops::remake::Origin;
use crate::ops::{Context, Error, RemakeError};

/// What of the files may be other than in an image that is built anew. All paths are sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Traps {
    /// Lists of installed packages that the image's layers wrote, and that tell nothing of the new base.
    pub databases: BTreeSet<EntryPath>,
    /// Directories of the image's layers that take the place of something else in the new base, such as a symbolic link to
    /// where the directory is now; or the other way round.
    pub replaced: BTreeSet<EntryPath>,
    /// Other files of the image's layers that hide those of the new base, which are not what they were in the old one.
    pub hidden: BTreeSet<EntryPath>,
    /// What the image's layers delete of the old base, and is not in the new one.
    pub deleted: BTreeSet<EntryPath>,
}

impl Traps {
    /// Compares the old base, the lowest `layers` of `image`, with `onto`, where the other layers of the image are. Fails
    /// if these cannot be there at all.
    pub(super) fn find(context: &Context, image: &Origin, onto: &Origin, layers: usize) -> Result<Self, Error> {
        let old = context.overlay(&image.found, &image.lowest(layers).image)?;
        let new = context.overlay(&onto.found, &onto.image)?;
        let own = (layers..image.image.layers.len()).map(|layer| context.entries(&image.found, &image.image, layer));
        let own: Vec<Vec<Entry>> = own.collect::<Result<_, _>>()?;
        let whole = context.overlay_below(&onto.found, &onto.image, &own).map_err(|error| match error {
            Error::Overlay { source, .. } => {
                RemakeError::DoesNotFit { image: image.shown(), base: onto.shown(), source }.into()
            }
            other => other,
        })?;
        let mut traps = Self::default();
        for node in whole.iter().filter(|node| node.layer() >= onto.image.layers.len()) {
            traps.look(node, &old, &new);
        }
        let deleted = own.iter().flatten().filter_map(deleted);
        traps.deleted.extend(deleted.filter(|path| old.lookup(path).is_some() && new.lookup(path).is_none()));
        Ok(traps)
    }

    /// Looks at a name that the image's layers have brought.
    fn look(&mut self, node: ViewNode<'_>, old: &Overlay, new: &Overlay) {
        let path = node.path();
        let (before, below) = (old.lookup(&path), new.lookup(&path));
        match (before, below) {
            (None, None) => {}
            (Some(_), None) => {
                if is_database(path.as_bytes()) {
                    self.databases.insert(path);
                }
            }
            (_, Some(below)) if is_same(node, below) => {}
            (Some(before), Some(below)) if is_same(before, below) => {}
            (_, Some(below)) => {
                let list = if node.is_directory() != below.is_directory() {
                    &mut self.replaced
                } else if is_database(path.as_bytes()) {
                    &mut self.databases
                } else {
                    &mut self.hidden
                };
                list.insert(path);
            }
        }
    }
}

/// What a whiteout hides; one of a whole directory means what is in it, whatever it is.
fn deleted(entry: &Entry) -> Option<EntryPath> {
    let Whiteout::Entry(name) = entry.whiteout()? else { return None };
    entry.path.parent().unwrap_or_default().join(&name).ok()
}

/// Whether two names are the same for who uses them: the time does not count, and a directory is what is in it.
fn is_same(one: ViewNode<'_>, other: ViewNode<'_>) -> bool {
    let content = |node: ViewNode<'_>| node.source().map(|source| (source.size, source.checksum));
    let owner = |node: ViewNode<'_>| (node.mode(), node.uid(), node.gid());
    if one.kind() != other.kind() || one.is_directory() {
        return one.kind() == other.kind();
    }
    let is_link = matches!(one.kind(), NodeKind::Symlink { .. });
    is_link || (content(one) == content(other) && owner(one) == owner(other) && one.xattrs() == other.xattrs())
}
